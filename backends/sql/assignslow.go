package sql

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"strconv"
)

// assignSlow follows database/sql's convertAssign, step by step, for the
// sources that assign admits. It needs reflection where that does.
func assignSlow(dest, src any) (done bool, err error) {
	switch d := dest.(type) {
	case *string:
		if text, ok := textOf(src); ok {
			return store(d, text)
		}
	case *[]byte:
		if text, ok := textOf(src); ok {
			return store(d, []byte(text))
		}
	case *sql.RawBytes:
		return false, nil
	case *bool:
		v, err := driver.Bool.ConvertValue(src)
		if err != nil {
			return true, err
		}
		return store(d, v.(bool))
	case *any:
		return store(d, src)
	case sql.Scanner:
		return true, d.Scan(src)
	}
	p := reflect.ValueOf(dest)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return false, nil
	}
	return assignTo(p.Elem(), dest, src)
}

// assignTo assigns src to to, which dest points to.
func assignTo(to reflect.Value, dest, src any) (done bool, err error) {
	from := reflect.ValueOf(src)
	if from.IsValid() && from.Type().AssignableTo(to.Type()) {
		if b, ok := src.([]byte); ok {
			from = reflect.ValueOf(bytes.Clone(b))
		}
		to.Set(from)
		return true, nil
	}
	kind := to.Kind()
	if from.IsValid() && kind == from.Kind() && from.Type().ConvertibleTo(to.Type()) {
		to.Set(from.Convert(to.Type()))
		return true, nil
	}
	if src == nil {
		return true, assignNullTo(to, dest)
	}
	text := ""
	switch kind {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		return assign(to.Interface(), src)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		var n int64
		text = anyText(src)
		if n, err = strconv.ParseInt(text, 10, to.Type().Bits()); err == nil {
			to.SetInt(n)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		var n uint64
		text = anyText(src)
		if n, err = strconv.ParseUint(text, 10, to.Type().Bits()); err == nil {
			to.SetUint(n)
		}
	case reflect.Float32, reflect.Float64:
		var x float64
		text = anyText(src)
		if x, err = strconv.ParseFloat(text, to.Type().Bits()); err == nil {
			to.SetFloat(x)
		}
	case reflect.String:
		b, ok := src.([]byte) // a string has been converted already
		if !ok {
			return true, errUnsupported(dest, src)
		}
		to.SetString(string(b))
	default:
		return true, errUnsupported(dest, src)
	}
	if err != nil {
		if parse, ok := err.(*strconv.NumError); ok {
			err = parse.Err
		}
		err = fmt.Errorf("converting driver.Value type %T (%q) to a %s: %v", src, text, kind, err)
	}
	return true, err
}

func assignNullTo(to reflect.Value, dest any) error {
	switch kind := to.Kind(); kind {
	case reflect.Pointer:
		to.SetZero()
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64, reflect.String:
		return fmt.Errorf("converting NULL to %s is unsupported", kind)
	default:
		return errUnsupported(dest, nil)
	}
}

func errUnsupported(dest, src any) error {
	return fmt.Errorf("unsupported Scan, storing driver.Value type %T into type %T", src, dest)
}

// textOf is the text of a number or bool.
func textOf(src any) (text string, ok bool) {
	switch s := src.(type) {
	case int64:
		return strconv.FormatInt(s, 10), true
	case uint64:
		return strconv.FormatUint(s, 10), true
	case float64:
		return strconv.FormatFloat(s, 'g', -1, 64), true
	case float32:
		return strconv.FormatFloat(float64(s), 'g', -1, 32), true
	case bool:
		return strconv.FormatBool(s), true
	}
	return "", false
}

// anyText is the text of whatever it is, but NULL.
func anyText(src any) string {
	switch s := src.(type) {
	case string:
		return s
	case []byte:
		return string(s)
	}
	if text, ok := textOf(src); ok {
		return text
	}
	return fmt.Sprintf("%v", src)
}
