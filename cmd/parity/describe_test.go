package parity

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
)

// describe is the text of a value, with its type. Objects of both sides that
// correspond have the same.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case error:
		return describeError(v)
	case context.Context:
		return fmt.Sprintf("ctx(%v)", v.Err())
	case []byte:
		if len(v) > 60 {
			return fmt.Sprintf("[]byte of %d, %08x", len(v), crc32.ChecksumIEEE(v))
		}
		return fmt.Sprintf("[]byte(%q)", v)
	case string:
		if len(v) > 300 {
			return fmt.Sprintf("string of %d, %08x", len(v), crc32.ChecksumIEEE([]byte(v)))
		}
		return fmt.Sprintf("%q", anyMark.ReplaceAllString(v, "/* mark */"))
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case []*sql.ColumnType:
		var all []string
		for _, c := range v {
			all = append(all, describeColumn(c))
		}
		return "[" + strings.Join(all, "; ") + "]"
	case sql.Result:
		id, idErr := v.LastInsertId()
		n, nErr := v.RowsAffected()
		return fmt.Sprintf("id %d, %v, %d rows, %v", id, idErr, n, nErr)
	case sql.DBStats:
		return fmt.Sprintf("at most %d: %d open, %d in use, %d idle; closed %d, %d, %d", v.MaxOpenConnections,
			v.OpenConnections, v.InUse, v.Idle, v.MaxIdleClosed, v.MaxIdleTimeClosed, v.MaxLifetimeClosed)
	case sql.Out:
		return "sql.Out"
	case *sql.TxOptions:
		return fmt.Sprintf("%+v", v)
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Func, reflect.Chan:
		return r.Type().String()
	case reflect.Pointer:
		if r.IsNil() {
			return "nil " + r.Type().Elem().Name()
		}
		switch name := r.Type().Elem().Name(); name {
		case "DB", "Conn", "Tx", "Stmt", "Rows", "Row", "MySQLDriver":
			return name
		}
		return "&" + describe(r.Elem().Interface())
	}
	return fmt.Sprintf("%T(%v)", v, v)
}

func describeAll(values []any) string {
	var all []string
	for _, v := range values {
		all = append(all, describe(v))
	}
	return strings.Join(all, ", ")
}

func describeColumn(c *sql.ColumnType) string {
	length, hasLength := c.Length()
	nullable, knows := c.Nullable()
	precision, scale, decimal := c.DecimalSize()
	return fmt.Sprint(c.Name(), " ", c.DatabaseTypeName(), " ", c.ScanType(), " ", length, hasLength, nullable, knows, precision, scale, decimal)
}

// sentinels are what errors are asked for.
var sentinels = []struct {
	name string
	err  error
}{
	{"ErrNoRows", sql.ErrNoRows},
	{"ErrTxDone", sql.ErrTxDone},
	{"ErrConnDone", sql.ErrConnDone},
	{"Canceled", context.Canceled},
	{"DeadlineExceeded", context.DeadlineExceeded},
	{"ErrBadConn", driver.ErrBadConn},
	{"ErrRemoveArgument", driver.ErrRemoveArgument},
	{"ErrInvalidConn", mysql.ErrInvalidConn},
	{"ErrPktTooLarge", mysql.ErrPktTooLarge},
	{"EOF", io.EOF},
	{"ErrClosed", adapter.ErrClosed},
	{"errScanner", errScanner},
}

// describeError is the text of an error: its types as it wraps them, its message,
// the server's number, and what errors.Is and errors.As find.
func describeError(err error) string {
	if err == nil {
		return "no error"
	}
	text := fmt.Sprintf("error %s %q", typesOf(err), localAddr.ReplaceAllString(err.Error(), "127.0.0.1:port"))
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			text += " is " + s.name
		}
	}
	var server *mysql.MySQLError
	if errors.As(err, &server) {
		text += fmt.Sprintf(" number %d state %s message %q", server.Number, server.SQLState[:], server.Message)
	}
	return text
}

// What is another one on each side.
var (
	localAddr = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)
	anyMark   = regexp.MustCompile(`/\* mark [0-9]+ \*/`)
)

func typesOf(err error) string {
	text := fmt.Sprintf("%T", err)
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		if inner := w.Unwrap(); inner != nil {
			text += "(" + typesOf(inner) + ")"
		}
	case interface{ Unwrap() []error }:
		for _, inner := range w.Unwrap() {
			text += "(" + typesOf(inner) + ")"
		}
	}
	return text
}

// describeInt is a number in SQL.
func describeInt(n int) string { return fmt.Sprint(n) }
