package sql

import (
	"database/sql"
	"errors"
	"fmt"
	"reflect"
)

// scanner scans rows of the same columns into values of the same type. It is
// for one goroutine.
type scanner struct {
	plan  *plan
	cells []cell
	dest  []any // pointers to them
}

// cell takes the value of one column, in place of what dest points to. So it is
// this package that converts; and the panic of a Scanner is not one inside of
// [sql.Rows.Scan], which would keep its lock, so that Close waits for ever.
type cell struct {
	dest     any
	failed   error
	panicked any
}

var errScanPanicked = errors.New("valet/sql: a Scanner panicked")

// Scan is [sql.Scanner.Scan].
func (c *cell) Scan(src any) (err error) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked, err = v, errScanPanicked
		}
		c.failed = err
	}()
	return scanValue(c.dest, src)
}

// scannerOf returns what scans the row that rows is at.
func scannerOf[T any](rows *sql.Rows) (func(*sql.Rows, *T) error, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	p, err := planFor(reflect.TypeFor[T](), columns)
	if err != nil {
		return nil, err
	}
	s := scanner{p, make([]cell, len(columns)), make([]any, len(columns))}
	for i := range s.cells {
		s.dest[i] = &s.cells[i]
	}
	return func(rows *sql.Rows, v *T) error {
		switch {
		case p.isMap:
			return s.scanMap(rows, reflect.ValueOf(v).Elem())
		case p.fields != nil:
			return s.scanStruct(rows, reflect.ValueOf(v).Elem())
		}
		s.cells[0].dest = v
		return s.scan(rows)
	}, nil
}

func (s *scanner) scan(rows *sql.Rows) error {
	err := rows.Scan(s.dest...)
	if errors.Is(err, errScanPanicked) {
		for i := range s.cells {
			if v := s.cells[i].panicked; v != nil {
				panic(v)
			}
		}
	}
	return err
}

func (s *scanner) scanStruct(rows *sql.Rows, to reflect.Value) error {
	if s.plan.pointer {
		to.Set(reflect.New(to.Type().Elem()))
		to = to.Elem()
	}
	for i, index := range s.plan.fields {
		s.cells[i].dest = fieldAt(to, index).Addr().Interface()
	}
	err := s.scan(rows)
	if err == nil {
		return nil
	}
	for i := range s.cells {
		if why := s.cells[i].failed; why != nil {
			t := to.Type()
			index := s.plan.fields[i]
			return fmt.Errorf("valet/sql: the column %q into the field %s of %v, a %v: %w",
				s.plan.columns[i], path(t, index), t, t.FieldByIndex(index).Type, why)
		}
	}
	return err
}

// fieldAt is [reflect.Value.FieldByIndex], but that it makes what embedded
// pointers point to.
func fieldAt(v reflect.Value, index []int) reflect.Value {
	for i, at := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(at)
	}
	return v
}

func (s *scanner) scanMap(rows *sql.Rows, to reflect.Value) error {
	t := to.Type()
	values := make([]reflect.Value, len(s.cells))
	for i := range values {
		values[i] = reflect.New(t.Elem())
		s.cells[i].dest = values[i].Interface()
	}
	if err := s.scan(rows); err != nil {
		return err
	}
	to.Set(reflect.MakeMapWithSize(t, len(values)))
	for i, v := range values {
		to.SetMapIndex(reflect.ValueOf(s.plan.columns[i]).Convert(t.Key()), v.Elem())
	}
	return nil
}
