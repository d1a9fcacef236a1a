package sql

import (
	"database/sql"
	"testing"
	"time"
)

func BenchmarkScan(b *testing.B) {
	for _, c := range []struct {
		name string
		src  any
		dest any
	}{
		{"int64 to int64", int64(7), new(int64)},
		{"int64 to int32", int64(7), new(int32)},
		{"int64 to bool", int64(1), new(bool)},
		{"int64 to string", int64(7), new(string)},
		{"uint64 to int64", uint64(7), new(int64)},
		{"uint64 to uint64", uint64(7), new(uint64)},
		{"float32 to float64", float32(1.5), new(float64)},
		{"float64 to float64", 1.5, new(float64)},
		{"bytes to string", []byte("a name"), new(string)},
		{"bytes to int", []byte("42"), new(int)},
		{"bytes to float64", []byte("12.30"), new(float64)},
		{"bytes to bool", []byte("1"), new(bool)},
		{"time to time", time.Now(), new(time.Time)},
		{"bytes to pointer to string", []byte("a name"), new(*string)},
		{"int64 to pointer to int64", int64(7), new(*int64)},
		{"nil to pointer to int64", nil, new(*int64)},
		{"int64 to NullInt64", int64(7), new(sql.NullInt64)},
		{"int64 to a named int", int64(7), new(count)},
		{"bytes to a named string", []byte("a name"), new(name)},
	} {
		b.Run(c.name, func(b *testing.B) {
			row := rowOf(c.src)
			b.ReportAllocs()
			for b.Loop() {
				if err := row.Scan(c.dest); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
