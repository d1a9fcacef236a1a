package integration

import (
	"bytes"
	stdsql "database/sql"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/cmd/internal/private"
)

func TestMySQLTypes(t *testing.T) {
	srv := mysqlServer{dsn: private.RequireMariaDB(t).DSN(), real: true}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *mysqlEnv)
	}{
		{"every type comes as the driver gives it", testTypes},
		{"what was written is read again", testRoundTrip},
		{"times are in the zone that was asked for", testZones},
		{"NULL needs something that can hold it", testNulls},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newMySQLEnv(t, srv)) })
	}
}

// types makes a table with a column of every type, with rows of ordinary, least
// and greatest values, and NULLs.
func (e *mysqlEnv) types() string {
	e.t.Helper()
	table := e.table(`id INT PRIMARY KEY,
		t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, m MEDIUMINT, i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED, yes BOOL,
		f FLOAT, d DOUBLE, price DECIMAL(20,6), bit1 BIT(1), bit64 BIT(64),
		c CHAR(5), v VARCHAR(200) CHARACTER SET utf8mb4, txt LONGTEXT, bin BINARY(4), vb VARBINARY(10), tb TINYBLOB, lb LONGBLOB,
		e ENUM('red', 'green'), st SET('a', 'b', 'c'), js JSON,
		y YEAR, dt DATE, tm TIME(3), dtm DATETIME(6), ts TIMESTAMP(6) NULL`)
	for _, values := range []string{
		`1, 1, 2, -3, 4, -5, 6, -7, 8, TRUE, 1.5, -2.25, 12.345678, b'1', b'1010',
		 'abc', 'Zoë 日本 🙂', 'text', 'b', x'00ff', 'tiny', x'000102', 'red', 'a,c', '{"a": [1, null]}',
		 2024, '2024-02-29', '12:34:56.789', '2024-02-29 12:34:56.123456', '2024-02-29 12:34:56.5'`,
		`2, -128, 0, -32768, -8388608, -2147483648, 0, -9223372036854775808, 0, FALSE, -3.4e38, -1.7e308, -99999999999999.999999, b'0', b'0',
		 '', '', '', '', '', '', '', 'green', '', 'null',
		 1901, '0001-01-01', '-838:59:59', '1000-01-01 00:00:00', '1970-01-01 12:00:01'`,
		`3, 127, 255, 32767, 8388607, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615, TRUE, 3.4e38, 1.7e308, 99999999999999.999999, b'1', ~0,
		 'zzzzz', REPEAT('ß', 200), REPEAT('x', 100000), 'zzzz', 'zzzzzzzzzz', 'z', REPEAT('z', 100000), 'green', 'a,b,c', '"x"',
		 2155, '9999-12-31', '838:59:59.999', '9999-12-31 23:59:59.999999', '2038-01-18 00:00:00'`,
	} {
		e.exec("INSERT INTO " + table + " VALUES (" + values + ")")
	}
	e.exec("INSERT INTO " + table + " (id) VALUES (4)")
	return table
}

func testTypes(t *testing.T, e *mysqlEnv) {
	table := e.types()
	for _, parse := range []bool{false, true} {
		dsn := dsnWith(t, e.dsn, func(c *driver.Config) { c.ParseTime = parse })
		own := &mysqlEnv{e.env, e.mysqlServer, e.open(t, dsn, mysql.WithMaxConns(1))}
		raw := own.raw(dsn)
		for _, args := range [][]any{nil, {0}} { // text and binary
			query := "SELECT * FROM " + table + " WHERE id > 0 ORDER BY id"
			if args != nil {
				query = "SELECT * FROM " + table + " WHERE id > ? ORDER BY id"
			}
			want := rawValues(t, raw, query, args)
			rows := own.query(query, args...)
			got := own.collect(rows, 0)
			if len(got) != 4 || len(want) != 4 {
				t.Fatalf("%d rows, want 4", len(got))
			}
			for i, row := range got {
				for col, v := range row.Values() {
					if !reflect.DeepEqual(v, want[i][col]) {
						t.Errorf("parse %v, args %v: row %d, %s: %T %.50v, want %T %.50v", parse, args, i+1, rows.Columns()[col], v, v, want[i][col], want[i][col])
					}
				}
			}
		}
	}
}

func rawValues(t *testing.T, db *stdsql.DB, query string, args []any) (all [][]any) {
	t.Helper()
	rows, err := db.QueryContext(bg, query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, _ := rows.Columns()
	for rows.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range dest {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		all = append(all, values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func testRoundTrip(t *testing.T, e *mysqlEnv) {
	blob := make([]byte, 300_000)
	for i := range blob {
		blob[i] = byte(i * 7)
	}
	type all struct {
		Small int8
		Big   uint64
		Ratio float64
		Price string
		Bits  []byte
		Text  string
		Blob  []byte
		Doc   json.RawMessage
		Flag  bool
		None  *int
	}
	want := all{-128, math.MaxUint64, math.SmallestNonzeroFloat64 * 1e20, "-12345.678900", []byte{0, 0, 0, 0, 0, 0, 1, 2}, "Zoë 🙂 'quoted'", blob, json.RawMessage(`{"k":[1,2]}`), true, nil}
	for _, parameters := range []string{"parseTime=true", "interpolateParams=true"} {
		e := e.withDSN(parameters, mysql.WithMaxConns(1))
		table := e.table("small TINYINT, big BIGINT UNSIGNED, ratio DOUBLE, price DECIMAL(20,6), bits BIT(64), text TEXT CHARACTER SET utf8mb4, `blob` LONGBLOB, doc JSON, flag BOOL, none INT")
		e.exec("INSERT INTO "+table+" VALUES (?, ?, ?, ?, 258, ?, ?, ?, ?, ?)",
			want.Small, want.Big, want.Ratio, want.Price, want.Text, want.Blob, want.Doc, want.Flag, want.None)
		for _, args := range [][]any{nil, {1}} {
			where := ""
			if args != nil {
				where = " WHERE 1 = ?"
			}
			got := must(e.env, func(cb func(all, error)) *adapter.Call {
				return mysql.Get(bg, e.db, "SELECT * FROM "+table+where, cb, args...)
			})
			if !bytes.Equal(got.Blob, want.Blob) {
				t.Errorf("%s: %d other bytes came back", parameters, len(got.Blob))
			}
			got.Blob = want.Blob
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %+v, want %+v", parameters, got, want)
			}
		}
	}
}

func testZones(t *testing.T, e *mysqlEnv) {
	table := e.table("dtm DATETIME(6), ts TIMESTAMP(6)")
	moment := time.Date(2024, 7, 1, 22, 30, 0, 123456000, time.UTC)
	for _, name := range []string{"UTC", "America/New_York", "Asia/Kolkata"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Skip(err)
		}
		_, offset := moment.In(zone).Zone()
		session := fmt.Sprintf("'%+03d:%02d'", offset/3600, abs(offset)/60%60)
		dsn := dsnWith(t, e.dsn, func(c *driver.Config) {
			c.ParseTime, c.Loc = true, zone
			c.Params = map[string]string{"time_zone": session}
		})
		e := &mysqlEnv{e.env, e.mysqlServer, e.open(t, dsn, mysql.WithMaxConns(1))}
		e.exec("DELETE FROM " + table)
		e.exec("INSERT INTO "+table+" VALUES (?, ?)", moment, moment)
		for _, query := range []string{"SELECT * FROM " + table, "SELECT * FROM " + table + " WHERE 1 = ?"} {
			var args []any
			if query[len(query)-1] == '?' {
				args = append(args, 1)
			}
			var dtm, ts time.Time
			if err := e.beginRow(bg, query, args...).must().Scan(&dtm, &ts); err != nil {
				t.Fatal(err)
			}
			for what, got := range map[string]time.Time{"DATETIME": dtm, "TIMESTAMP": ts} {
				if !got.Equal(moment) || got.Location().String() != name {
					t.Errorf("%s in %s: %v, want %v", what, name, got, moment.In(zone))
				}
			}
		}
		// What the server thinks, which does not know the zone of a DATETIME.
		if got := e.number("SELECT FLOOR(UNIX_TIMESTAMP(ts)) FROM " + table); int64(got) != moment.Unix() {
			t.Errorf("in %s the server has %d, want %d", name, got, moment.Unix())
		}
		e.exec("UPDATE " + table + " SET dtm = '0000-00-00 00:00:00'")
		zero := must(e.env, func(cb func(time.Time, error)) *adapter.Call {
			return mysql.Get(bg, e.db, "SELECT dtm FROM "+table, cb)
		})
		if !zero.IsZero() {
			t.Errorf("MySQL's zero is %v", zero)
		}
	}
}

func abs(n int) int { return max(n, -n) }

func testNulls(t *testing.T, e *mysqlEnv) {
	type nullable struct {
		I *int64
		S *string
		B []byte
		F stdsql.NullFloat64
		T *time.Time
		N stdsql.Null[int]
		A any
	}
	query := "SELECT NULL AS i, NULL AS s, NULL AS b, NULL AS f, NULL AS t, NULL AS n, NULL AS a"
	got := must(e.env, func(cb func(nullable, error)) *adapter.Call { return mysql.Get(bg, e.db, query, cb) })
	if !reflect.DeepEqual(got, nullable{}) {
		t.Errorf("got %+v", got)
	}
	err := begin(e.env, func(cb func(struct{ I int }, error)) *adapter.Call {
		return mysql.Get(bg, e.db, "SELECT NULL AS i", cb)
	}).fails()
	if want := `valet/sql: the column "i" into the field I of struct { I int }, a int: converting NULL to int is unsupported`; err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	row := e.beginRow(bg, query).must()
	for _, v := range row.Values() {
		if v != nil {
			t.Errorf("a value is %v", v)
		}
	}
	e.wantIdle()
}
