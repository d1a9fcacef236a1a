package syncsql

import (
	"database/sql"
	"reflect"
	"testing"
)

// facades are database/sql's types and those of this package.
var facades = map[reflect.Type]reflect.Type{
	reflect.TypeFor[*sql.DB]():   reflect.TypeFor[*DB](),
	reflect.TypeFor[*sql.Conn](): reflect.TypeFor[*Conn](),
	reflect.TypeFor[*sql.Tx]():   reflect.TypeFor[*Tx](),
	reflect.TypeFor[*sql.Stmt](): reflect.TypeFor[*Stmt](),
	reflect.TypeFor[*sql.Rows](): reflect.TypeFor[*Rows](),
	reflect.TypeFor[*sql.Row]():  reflect.TypeFor[*Row](),
}

// own is the type of this package that stands for t.
func own(t reflect.Type) reflect.Type {
	if f := facades[t]; f != nil {
		return f
	}
	return t
}

func TestEveryMethodOfDatabaseSQLIsThereWithItsSignature(t *testing.T) {
	for theirs, ours := range facades {
		for i := range theirs.NumMethod() {
			want := theirs.Method(i)
			got, ok := ours.MethodByName(want.Name)
			if !ok {
				t.Errorf("%v has no method %s", ours, want.Name)
				continue
			}
			if expect := translated(want.Type); got.Type != expect {
				t.Errorf("%v.%s is a %v, want a %v", ours, want.Name, got.Type, expect)
			}
		}
		for i := range ours.NumMethod() {
			if name := ours.Method(i).Name; !has(theirs, name) {
				t.Errorf("%v has a method %s, which %v has not", ours, name, theirs)
			}
		}
	}
}

func has(t reflect.Type, method string) bool {
	_, ok := t.MethodByName(method)
	return ok
}

// translated is a method's type with the types of this package.
func translated(f reflect.Type) reflect.Type {
	var in, out []reflect.Type
	for t := range f.Ins() {
		in = append(in, own(t))
	}
	for t := range f.Outs() {
		out = append(out, own(t))
	}
	return reflect.FuncOf(in, out, f.IsVariadic())
}
