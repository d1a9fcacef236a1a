package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/valet-go/valet/adapter"
)

func TestQueuedEndToEnd(t *testing.T) {
	doc := smallRun(t, "-driver", "queued", "-conns", "3", "-inflight", "1000,2000")
	if len(doc.Rows) != 4 || len(doc.Ratios) != 4 || doc.Rows[0].Unit != "call" || doc.Rows[3].Inflight != 2000 {
		t.Fatalf("document: %+v", doc)
	}
	for _, r := range doc.Rows {
		if r.Heap < 1 || r.Allocs < 1 {
			t.Errorf("%s: %+v", r.Path, r.sample)
		}
	}
	for _, r := range doc.Ratios {
		if r.Memory <= 0 || r.MemoryAll <= 0 {
			t.Errorf("ratio: %+v", r)
		}
	}
}

// As many bodies run as there are slots, and the others begin only once the
// slots are free, on both sides.
func TestAGateMakesCallsWait(t *testing.T) {
	for name, open := range gates {
		t.Run(name, func(t *testing.T) {
			g, err := open(t.Context(), 2, 10)
			if err != nil {
				t.Fatal(err)
			}
			c := newCalls(2 + 10)
			if _, err := fillQueue(t.Context(), g, c, spec{Conns: 2, Inflight: 10}); err != nil {
				t.Error(err)
			}
			if running, waiting := c.running.Load(), g.waiting(); running != 2 || waiting != 10 {
				t.Errorf("%d run and %d wait, want 2 and 10", running, waiting)
			}
			close(c.released)
			if err := reach(t.Context(), "callbacks came", 12, func() int { return int(c.all.Load()) }); err != nil {
				t.Error(err)
			}
			g.close()
			if err := errors.Join(c.once(), c.failure()); err != nil {
				t.Error(err)
			}
		})
	}
}

// A call that is refused instead of waiting fails the run.
func TestARefusedCallIsAFailure(t *testing.T) {
	g, err := adapterGate(t.Context(), 1, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	c := newCalls(1 + 5)
	defer close(c.released)
	for key := range c.came {
		g.start(t.Context(), c.body(key), c.callback(key))
	}
	if err := reach(t.Context(), "callbacks came", 1, func() int { return int(c.all.Load()) }); err != nil {
		t.Fatal(err)
	}
	if err := c.failure(); !errors.Is(err, adapter.ErrOverloaded) {
		t.Errorf("failure: %v", err)
	}
}

func TestCallbacksThatAreMissingTwiceOrWrong(t *testing.T) {
	for want, give := range map[string]func(c *calls){
		"call 1 called back 0 times": func(c *calls) { c.calledBack(0, 0, nil) },
		"call 0 called back 2 times": func(c *calls) { c.calledBack(0, 0, nil); c.calledBack(0, 0, nil) },
		"call 1: it got the result of call 0": func(c *calls) {
			c.calledBack(0, 0, nil)
			c.calledBack(1, 0, nil)
		},
		"call 0: no": func(c *calls) { c.calledBack(0, 0, errors.New("no")); c.calledBack(1, 1, nil) },
	} {
		c := newCalls(2)
		give(c)
		err := errors.Join(c.once(), c.failure())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestReachEndsWhenThereAreTooMany(t *testing.T) {
	err := reach(t.Context(), "apples are there", 2, func() int { return 3 })
	if err == nil || err.Error() != "3 apples are there instead of 2" {
		t.Errorf("error: %v", err)
	}
}
