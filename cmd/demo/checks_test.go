package main

import (
	"strings"
	"testing"
	"time"
)

func TestGuardNamesTheStepThatHangs(t *testing.T) {
	g := newGuard()
	g.within(time.Hour)
	g.enter("waiting")
	g.within(time.Millisecond)
	if got := <-g.hung; got != "waiting (it had 1ms)" {
		t.Errorf("got %q", got)
	}
}

func TestWitnessNoticesStraysRepetitionsAndLosses(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(w witness)
		want string // in the verdict; empty: none
	}{
		{"as it should be", func(w witness) { seenFunc(w, func() {})() }, ""},
		{"twice", func(w witness) {
			f := seenFunc(w, func() {})
			f()
			f()
		}, "1 more than once"},
		{"never", func(w witness) { seenErr(w, func(error) {}) }, "of 1 callbacks, 0 came"},
		{"elsewhere", func(w witness) {
			done := make(chan struct{})
			go seenFunc(w, func() { close(done) })()
			<-done
		}, "1 of them on a wrong goroutine"},
		{"where the second opinion disagrees", func(w witness) {
			w.also = func() bool { return false }
			seenFunc(w, func() {})()
		}, "1 of them on a wrong goroutine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var counts tally
			c.do(counts.here())
			err := counts.verdict()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("verdict %v; want %q", err, c.want)
			}
		})
	}
}
