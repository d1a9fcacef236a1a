package sql

import (
	"bytes"
	"database/sql"
	"errors"
	"time"
)

// assign copies src, a value of a driver's, to what dest points to, as
// database/sql does it, and reports whether it could. What it leaves to convert
// is rare: nil pointers, what is no pointer, and values of unusual types.
func assign(dest, src any) (done bool, err error) {
	switch s := src.(type) {
	case int64:
		return assignInt(dest, s)
	case uint64:
		return assignUint(dest, s)
	case []byte:
		return assignBytes(dest, s)
	case string:
		return assignString(dest, s)
	case time.Time:
		return assignTime(dest, s)
	case nil:
		return assignNull(dest)
	case float64:
		if d, ok := dest.(*float64); ok {
			return store(d, s)
		}
	case bool:
		if d, ok := dest.(*bool); ok {
			return store(d, s)
		}
	case float32:
	default:
		return false, nil
	}
	return assignSlow(dest, src)
}

// scanValue is assign, with convert for the rest.
func scanValue(dest, src any) error {
	done, err := assign(dest, src)
	if !done {
		// Its error is about the one column that it sees.
		err = errors.Unwrap(convert([]string{""}, []any{src}, []any{dest}))
	}
	return err
}

func store[T any](d *T, v T) (done bool, err error) {
	if d == nil {
		return false, nil
	}
	*d = v
	return true, nil
}

// assignInt has no case for numbers that do not fit.
func assignInt(dest any, s int64) (done bool, err error) {
	switch d := dest.(type) {
	case *int64:
		return store(d, s)
	case *int:
		if int64(int(s)) == s {
			return store(d, int(s))
		}
	case *int32:
		if int64(int32(s)) == s {
			return store(d, int32(s))
		}
	case *int16:
		if int64(int16(s)) == s {
			return store(d, int16(s))
		}
	case *int8:
		if int64(int8(s)) == s {
			return store(d, int8(s))
		}
	case *bool:
		if s == 0 || s == 1 {
			return store(d, s == 1)
		}
	case *uint64:
		if s >= 0 {
			return store(d, uint64(s))
		}
	case *uint:
		if s >= 0 && int64(uint(s)) == s {
			return store(d, uint(s))
		}
	case *uint32:
		if int64(uint32(s)) == s {
			return store(d, uint32(s))
		}
	case *uint16:
		if int64(uint16(s)) == s {
			return store(d, uint16(s))
		}
	case *uint8:
		if int64(uint8(s)) == s {
			return store(d, uint8(s))
		}
	}
	return assignSlow(dest, s)
}

// assignUint, too, has no case for numbers that do not fit.
func assignUint(dest any, s uint64) (done bool, err error) {
	switch d := dest.(type) {
	case *uint64:
		return store(d, s)
	case *uint:
		if uint64(uint(s)) == s {
			return store(d, uint(s))
		}
	case *uint32:
		if uint64(uint32(s)) == s {
			return store(d, uint32(s))
		}
	case *uint16:
		if uint64(uint16(s)) == s {
			return store(d, uint16(s))
		}
	case *uint8:
		if uint64(uint8(s)) == s {
			return store(d, uint8(s))
		}
	case *int64:
		if int64(s) >= 0 {
			return store(d, int64(s))
		}
	case *int:
		if int(s) >= 0 && uint64(int(s)) == s {
			return store(d, int(s))
		}
	}
	return assignSlow(dest, s)
}

func assignBytes(dest any, s []byte) (done bool, err error) {
	switch d := dest.(type) {
	case *string:
		return store(d, string(s))
	case *[]byte:
		return store(d, bytes.Clone(s))
	case *any:
		return store(d, any(bytes.Clone(s)))
	}
	return assignSlow(dest, s)
}

func assignString(dest any, s string) (done bool, err error) {
	switch d := dest.(type) {
	case *string:
		return store(d, s)
	case *[]byte:
		return store(d, []byte(s))
	}
	return assignSlow(dest, s)
}

func assignTime(dest any, s time.Time) (done bool, err error) {
	switch d := dest.(type) {
	case *time.Time:
		return store(d, s)
	case *string:
		return store(d, s.Format(time.RFC3339Nano))
	case *[]byte:
		return store(d, s.AppendFormat(make([]byte, 0, len(time.RFC3339Nano)), time.RFC3339Nano))
	}
	return assignSlow(dest, s)
}

func assignNull(dest any) (done bool, err error) {
	switch d := dest.(type) {
	case *any:
		return store(d, nil)
	case *[]byte:
		return store(d, nil)
	case *sql.RawBytes:
		return false, nil
	}
	return assignSlow(dest, nil)
}
