package sql

import (
	"fmt"
	"reflect"
	"strings"
)

// fields are those of a struct that can take columns.
type fields []field

type field struct {
	name   string // by which it is found
	tagged bool
	index  []int // for [reflect.Value.FieldByIndex]
}

// fieldsOf lists the fields of t, embedded structs' included.
func fieldsOf(t reflect.Type) (all fields) { return all.add(t, nil, map[reflect.Type]bool{}) }

func (all fields) add(t reflect.Type, index []int, above map[reflect.Type]bool) fields {
	if above[t] { // it embeds a pointer to itself
		return all
	}
	above[t] = true
	defer delete(above, t)
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("db"), ",")
		if tag == "-" {
			continue
		}
		at := append(index[:len(index):len(index)], i)
		if f.Anonymous && tag == "" {
			inner := f.Type
			if inner.Kind() == reflect.Pointer && f.IsExported() {
				inner = inner.Elem()
			}
			if isRecord(inner) {
				all = all.add(inner, at, above)
				continue
			}
		}
		switch {
		case !f.IsExported():
		case tag != "":
			all = append(all, field{tag, true, at})
		default:
			all = append(all, field{f.Name, false, at})
		}
	}
	return all
}

// find returns the index of the field for a column: the least deeply embedded
// one, and of those one with a tag rather than one without.
func (all fields) find(t reflect.Type, column string) ([]int, error) {
	var best, other *field
	for i := range all {
		f := &all[i]
		switch {
		case f.tagged && f.name != column, !f.tagged && !strings.EqualFold(f.name, column):
		case best == nil || f.before(best):
			best, other = f, nil
		case !best.before(f):
			other = f
		}
	}
	switch {
	case best == nil:
		return nil, fmt.Errorf("valet/sql: the column %q has no field in %v", column, t)
	case other != nil:
		return nil, fmt.Errorf("valet/sql: the column %q has two fields in %v: %s and %s", column, t, path(t, best.index), path(t, other.index))
	}
	return best.index, nil
}

func (f *field) before(g *field) bool {
	if len(f.index) != len(g.index) {
		return len(f.index) < len(g.index)
	}
	return f.tagged && !g.tagged
}

// path is how a program names the field at an index.
func path(t reflect.Type, index []int) string {
	var names []string
	for _, i := range index {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		f := t.Field(i)
		names = append(names, f.Name)
		t = f.Type
	}
	return strings.Join(names, ".")
}
