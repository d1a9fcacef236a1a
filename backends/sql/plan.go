package sql

import (
	"database/sql"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// plan says how a row of certain columns becomes a value of a certain type. It
// is immutable.
type plan struct {
	columns []string
	fields  [][]int // of each column, for a struct; nil: not a struct
	pointer bool    // to a struct
	isMap   bool
}

// plans holds those that were made. There are as many as a program has pairs of
// types and results, but for columns whose names are made up as it runs.
var (
	plans     sync.Map // from planKey to *plan
	planCount atomic.Int64
)

const maxPlans = 4096

type planKey struct {
	t       reflect.Type
	columns string
}

// planFor returns the plan for rows of the columns as a t.
func planFor(t reflect.Type, columns []string) (*plan, error) {
	key := planKey{t, strings.Join(columns, "\x00")}
	if p, ok := plans.Load(key); ok {
		return p.(*plan), nil
	}
	p, err := newPlan(t, columns)
	if err == nil && planCount.Load() < maxPlans {
		if _, had := plans.LoadOrStore(key, p); !had {
			planCount.Add(1)
		}
	}
	return p, err
}

func newPlan(t reflect.Type, columns []string) (*plan, error) {
	p := &plan{columns: columns}
	switch target := t; {
	case target == rawBytesType:
		return nil, errRawBytes
	case target.Kind() == reflect.Map && !scans(target):
		if target.Key().Kind() != reflect.String {
			return nil, fmt.Errorf("valet/sql: a row cannot be a %v: the keys must be strings", t)
		}
		p.isMap = true
		return p, twice(columns)
	case target.Kind() == reflect.Pointer && isRecord(target.Elem()):
		p.pointer = true
		t = target.Elem()
	case !isRecord(target):
		if len(columns) != 1 {
			return nil, fmt.Errorf("valet/sql: a row of %d columns cannot be a %v, which takes one", len(columns), t)
		}
		return p, nil
	}
	found := fieldsOf(t)
	p.fields = make([][]int, len(columns))
	for i, column := range columns {
		index, err := found.find(t, column)
		if err != nil {
			return nil, err
		}
		if t.FieldByIndex(index).Type == rawBytesType {
			return nil, fmt.Errorf("valet/sql: the field %s of %v cannot be a RawBytes, which is valid until the next row only", path(t, index), t)
		}
		p.fields[i] = index
	}
	return p, twice(columns)
}

// twice returns an error if two columns have the same name.
func twice(columns []string) error {
	seen := make(map[string]bool, len(columns))
	for _, column := range columns {
		if seen[column] {
			return fmt.Errorf("valet/sql: there are two columns %q; name one of them otherwise", column)
		}
		seen[column] = true
	}
	return nil
}

var (
	scannerType = reflect.TypeFor[sql.Scanner]()
	timeType    = reflect.TypeFor[time.Time]()

	rawBytesType = reflect.TypeFor[sql.RawBytes]()
)

// scans reports whether a value of type t is scanned as a whole by itself.
func scans(t reflect.Type) bool {
	return t == timeType || reflect.PointerTo(t).Implements(scannerType)
}

// isRecord reports whether t is a struct whose fields take the columns.
func isRecord(t reflect.Type) bool { return t.Kind() == reflect.Struct && !scans(t) }
