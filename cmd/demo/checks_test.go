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

func TestFollowWantsEveryStepInItsPlace(t *testing.T) {
	loop := []moment{handlerStarts, startReturned, otherCallback}
	body := []moment{bodyBegins, messageBuilt, writeCalled, writeReturned, readCalled, readReturned, bodyEnds}
	events := func(drop moment, worker uintptr) (all []event) {
		add := func(what moment, on uintptr) {
			if what != drop {
				all = append(all, event{what: what, at: time.Unix(0, int64(len(all))), on: on})
			}
		}
		for _, m := range loop {
			add(m, 1)
		}
		add(writeCalled, 3) // a monitor's
		for _, m := range body {
			add(m, worker)
		}
		add(calledBack, 1)
		return all
	}
	kept, err := follow(events(-1, 2))
	if err != nil || len(kept) != len(loop)+len(body)+1 {
		t.Errorf("kept %d events, %v", len(kept), err)
	}
	for _, missing := range append(append([]moment{calledBack}, loop...), body...) {
		if _, err := follow(events(missing, 2)); err == nil {
			t.Errorf("nobody misses moment %d", missing)
		}
	}
	if _, err := follow(events(-1, 1)); err == nil {
		t.Error("a body on the loop passes")
	}
	swapped := events(-1, 2)
	last := len(swapped) - 1
	swapped[last].at, swapped[last-1].at = swapped[last-1].at, swapped[last].at
	if _, err := follow(swapped); err == nil {
		t.Error("a callback before the end of its body passes")
	}
}
