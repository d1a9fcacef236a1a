package main

import (
	"io"
	"strings"
	"testing"
)

// FuzzReport feeds anything at all: a test may print what looks like an event,
// and a killed go command ends in the middle of a line.
func FuzzReport(f *testing.F) {
	f.Add(`{"Action":"run","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"p"`)
	f.Add("{}\n{\"Action\":\"fail\"}\n")
	f.Add(`{"Action":"skip","Test":"T"}`)
	f.Fuzz(func(t *testing.T, in string) {
		r := newReport(io.Discard)
		if err := r.read(strings.NewReader(in)); err != nil {
			t.Fatal(err)
		}
		r.failSkips()
		r.writeSum(io.Discard)
		if len(r.open) != 0 {
			t.Errorf("%d packages were not accounted for", len(r.open))
		}
	})
}
