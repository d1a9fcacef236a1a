// Package facadetest compares the types of a driver with those of a facade, which
// has the same methods.
package facadetest

import (
	"reflect"
	"testing"
)

// Facades are a driver's types, no pointers, and those that stand for them.
type Facades map[reflect.Type]reflect.Type

// Own is the type that stands for t, which may be a pointer.
func (f Facades) Own(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return reflect.PointerTo(f.Own(t.Elem()))
	}
	if own := f[t]; own != nil {
		return own
	}
	return t
}

// Translated is a function's type with the types of the facade.
func (f Facades) Translated(function reflect.Type) reflect.Type {
	var in, out []reflect.Type
	for t := range function.Ins() {
		in = append(in, f.Own(t))
	}
	for t := range function.Outs() {
		out = append(out, f.Own(t))
	}
	return reflect.FuncOf(in, out, function.IsVariadic())
}

// Methods fails the test unless both sides have the same methods, with the same
// signatures but for the types themselves.
func (f Facades) Methods(t *testing.T) {
	for theirs := range f {
		for _, theirs := range []reflect.Type{theirs, reflect.PointerTo(theirs)} {
			ours := f.Own(theirs)
			for i := range theirs.NumMethod() {
				want := theirs.Method(i)
				got, ok := ours.MethodByName(want.Name)
				if !ok {
					t.Errorf("%v has no method %s", ours, want.Name)
					continue
				}
				if expect := f.Translated(want.Type); got.Type != expect {
					t.Errorf("%v.%s is a %v, want a %v", ours, want.Name, got.Type, expect)
				}
			}
			for i := range ours.NumMethod() {
				name := ours.Method(i).Name
				if _, ok := theirs.MethodByName(name); !ok {
					t.Errorf("%v has a method %s, which %v has not", ours, name, theirs)
				}
			}
		}
	}
}
