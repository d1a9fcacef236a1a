package parity

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

var valueScenarios = []scenario{
	{name: "columns of every type are read", run: valueTypes, embedded: "it has no TIME(3); see the usual types"},
	{name: "columns of every type are read as times", params: "parseTime=true", run: valueTypes, embedded: "it has no TIME(3)"},
	{name: "the usual types are read", run: valueUsual},
	{name: "what is written is read again", params: "parseTime=true", run: valueRoundTrip},
	{name: "what is interpolated is read again", params: "parseTime=true&interpolateParams=true", run: valueRoundTrip},
	{name: "arguments are converted or refused", run: valueArguments},
	{name: "large values come complete", run: valueLarge},
	{name: "packets have a limit", params: "maxAllowedPacket=1024", run: valueTooLarge},
	{name: "times have the zone that was asked for", params: "parseTime=true&loc=Asia%2FKolkata", run: valueZones},
}

func valueTypes(p *program) {
	p.table("types", `id INT PRIMARY KEY,
		t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, m MEDIUMINT, i INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED NOT NULL, flag BOOL,
		f FLOAT, d DOUBLE, price DECIMAL(20,6), bit1 BIT(1), bit64 BIT(64),
		c CHAR(5), v VARCHAR(200), txt LONGTEXT, bin BINARY(4), vb VARBINARY(10), lb LONGBLOB,
		e ENUM('red', 'green'), st SET('a', 'b', 'c'), js JSON, y YEAR, dt DATE, tm TIME(3), dtm DATETIME(6), ts TIMESTAMP(6) NULL`,
		`(1, -128, 255, -32768, 8388607, 4294967295, -9223372036854775808, 18446744073709551615, TRUE, 1.5, -2.25, 12.345678, b'1', ~0,
		 'abc', 'Zoë', 'text', 'b', x'00ff', x'000102', 'red', 'a,c', '{"a": [1, null]}', 2024, '2024-02-29', '12:34:56.789', '2024-02-29 12:34:56.123456', '2024-02-29 12:34:56.5')`,
		`(2, 0, 0, 0, 0, 0, 0, 0, FALSE, 0, 0, 0, b'0', 0, '', '', '', '', '', '', 'green', '', '0', 1901, '0001-01-01', '-838:59:59', '1000-01-01', '1970-01-02 00:00:01')`)
	p.exec("INSERT INTO types (id, bu) VALUES (3, 0)")
	p.read(p.query("SELECT * FROM types ORDER BY id"))
	p.read(p.query("SELECT * FROM types WHERE id > ? ORDER BY id", 0))
	p.read(p.query("SELECT 1, -1, 1.5, 1e3, 'a', NULL, TRUE, x'01', NOW() > 0, CAST('2024-01-01' AS DATE)"))
}

func valueUsual(p *program) {
	p.table("usual", "id INT PRIMARY KEY, b BIGINT UNSIGNED, d DOUBLE, price DECIMAL(10,2), v VARCHAR(50), t TEXT, lb BLOB, dt DATE, dtm DATETIME",
		"(1, 18446744073709551615, 2.5, 9.99, 'Zoë', 'text', x'00ff', '2024-02-29', '2024-02-29 12:34:56')",
		"(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
	p.read(p.query("SELECT * FROM usual ORDER BY id"))
	p.read(p.query("SELECT * FROM usual WHERE id > ? ORDER BY id", 0))
}

func valueRoundTrip(p *program) {
	p.table("trip", "i BIGINT, u BIGINT UNSIGNED, f DOUBLE, s TEXT, b BLOB, t DATETIME, y BOOL")
	moment := time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
	for _, values := range [][]any{
		{int64(math.MinInt64), uint64(math.MaxUint64), math.Pi, "Zoë 日本 'quoted' \\ \x00", []byte{0, 1, '\'', '\\', 255}, moment, true},
		{nil, nil, nil, nil, nil, nil, nil},
		{0, 0, 0.0, "", []byte{}, moment.In(time.FixedZone("there", 3600)), false},
		{sql.NullInt64{Int64: 7, Valid: true}, sql.NullInt64{}, sql.NullFloat64{Float64: 1, Valid: true}, sql.NullString{String: "x", Valid: true}, []byte(nil), sql.NullTime{Time: moment, Valid: true}, sql.NullBool{Bool: true, Valid: true}},
	} {
		p.do(p.db, "ExecContext", append([]any{bg, "INSERT INTO trip VALUES (?, ?, ?, ?, ?, ?, ?)"}, values...)...)
	}
	p.read(p.query("SELECT * FROM trip"))
	p.read(p.query("SELECT * FROM trip WHERE 1 = ?", 1))
	var i sql.NullInt64
	var u sql.Null[uint64]
	var f *float64
	var s sql.NullString
	var b []byte
	var t sql.NullTime
	var y *bool
	p.ask(p.db, "SELECT * FROM trip WHERE i < 0", nil, &i, &u, &f, &s, &b, &t, &y)
	p.ask(p.db, "SELECT * FROM trip WHERE i IS NULL", nil, &i, &u, &f, &s, &b, &t, &y)
}

// valuer is an argument that converts itself, or does not.
type valuer struct {
	v   any
	err error
}

// String has no addresses, which are others on each side.
func (v valuer) String() string { return fmt.Sprintf("%v %v", v.v, v.err) }

func (v valuer) Value() (driver.Value, error) { return v.v, v.err }

func valueArguments(p *program) {
	refused := errors.New("the valuer refuses")
	type own string
	ten := 10
	for _, arg := range []any{
		int8(1), uint16(2), float32(1.5), true, "s", []byte("b"), own("own"), &ten, (*int)(nil), time.Unix(0, 0).UTC(),
		valuer{v: int64(5)},
		valuer{v: "text"},
		valuer{err: refused},
		(*valuer)(nil),
		valuer{v: struct{}{}},
		struct{}{},
		[]int{1},
		map[string]int{},
		func() {}, 1 + 2i,
		sql.Named("x", 1),
		sql.Out{Dest: new(int)},
		sql.Named("1x", 1),
	} {
		rows := p.one(p.db, "QueryContext", bg, "SELECT ?", arg)
		if p.err == nil {
			p.readSet(rows, 1)
		}
		p.do(p.db, "ExecContext", bg, "DO ?", arg)
	}
}

func valueLarge(p *program) {
	p.table("large", "id INT PRIMARY KEY, b LONGBLOB, s LONGTEXT")
	blob := make([]byte, 1<<20)
	for i := range blob {
		blob[i] = byte(i * 7)
	}
	p.do(p.db, "ExecContext", bg, "INSERT INTO large VALUES (?, ?, ?)", 1, blob, strings.Repeat("0123456789", 50_000))
	p.read(p.query("SELECT * FROM large"))
	p.read(p.query("SELECT * FROM large WHERE id = ?", 1))
}

func valueTooLarge(p *program) {
	p.table("too_large", "id INT, s TEXT")
	for _, n := range []int{900, 1100} {
		p.do(p.db, "ExecContext", bg, "INSERT INTO too_large VALUES (1, '"+strings.Repeat("x", n)+"')")
		p.do(p.db, "ExecContext", bg, "INSERT INTO too_large VALUES (1, ?)", strings.Repeat("x", n))
		p.do(p.db, "QueryContext", bg, "SELECT '"+strings.Repeat("x", 2000)+"'")
	}
	p.do(p.db, "PingContext", bg)
}

func valueZones(p *program) {
	p.table("zones", "id INT PRIMARY KEY, t DATETIME, ts TIMESTAMP NULL")
	moment := time.Date(2024, 7, 1, 22, 30, 0, 0, time.UTC)
	p.do(p.db, "ExecContext", bg, "INSERT INTO zones VALUES (1, ?, ?)", moment, moment)
	var a, b time.Time
	p.ask(p.db, "SELECT t, ts FROM zones", nil, &a, &b)
	p.ask(p.db, "SELECT t, ts FROM zones WHERE id = ?", []any{1}, &a, &b)
	p.ask(p.db, "SELECT CAST(t AS CHAR) FROM zones", nil, new(string))
	p.ask(p.db, "SELECT t, ts FROM zones", nil, new(string), new([]byte))
}
