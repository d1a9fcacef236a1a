package promadapter

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

var bg = context.Background()

// newAdapter returns an adapter on a loop of its own, and closes both.
func newAdapter(t testing.TB, opts ...adapter.Option) *adapter.Adapter {
	t.Helper()
	l, err := loop.Start(bg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil && !errors.Is(err, loop.ErrClosed) {
			t.Error(err)
		}
	})
	a := adapter.New(l, opts...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(bg, patience)
		defer cancel()
		if err := a.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return a
}

// run starts a call, waits until its body runs, and returns what lets that
// return, which happens at the end of the test at the latest.
func run(t testing.TB, a *adapter.Adapter, opts ...adapter.CallOption) (c *adapter.Call, release func()) {
	t.Helper()
	runs := make(chan struct{})
	released, release := context.WithCancel(bg)
	c = adapter.Go(bg, a, func(context.Context) (int, error) {
		close(runs)
		<-released.Done()
		return 0, nil
	}, func(int, error) {}, opts...)
	t.Cleanup(release)
	select {
	case <-runs:
	case <-time.After(patience):
		t.Fatal("the body never ran")
	}
	return c, release
}

// call makes a call and waits for its callback.
func call(a *adapter.Adapter, body func() error, opts ...adapter.CallOption) error {
	_, err := adapter.Wait(func(cb func(int, error)) {
		adapter.Go(bg, a, func(context.Context) (int, error) { return 0, body() }, cb, opts...)
	})
	return err
}

func nothing() error { return nil }

// eventually polls until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// registry returns a registry of its own that checks what is collected.
func registry(t testing.TB, collectors ...prometheus.Collector) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	for _, c := range collectors {
		if err := reg.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	return reg
}

// wantMetrics compares the named metrics, or all if none is named, with text.
// Indentation does not count.
func wantMetrics(t testing.TB, reg prometheus.Gatherer, text string, names ...string) {
	t.Helper()
	text = strings.ReplaceAll(strings.TrimLeft(text, "\n"), "\t", "")
	if err := testutil.GatherAndCompare(reg, strings.NewReader(text), names...); err != nil {
		t.Error(err)
	}
}
