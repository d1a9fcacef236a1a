package debughttp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

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

// run starts a call, waits until its body runs, and lets that return at the
// end of the test.
func run(t testing.TB, a *adapter.Adapter, opts ...adapter.CallOption) *adapter.Call {
	t.Helper()
	runs, release := make(chan struct{}), make(chan struct{})
	c := adapter.Go(bg, a, func(context.Context) (int, error) {
		close(runs)
		<-release
		return 0, nil
	}, func(int, error) {}, opts...)
	t.Cleanup(func() { close(release) })
	await(t, runs)
	return c
}

// start starts a call whose body returns at once.
func start(a *adapter.Adapter, opts ...adapter.CallOption) *adapter.Call {
	return adapter.Go(bg, a, func(context.Context) (int, error) { return 0, nil }, func(int, error) {}, opts...)
}

func await[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		buf := make([]byte, 1<<16)
		t.Fatalf("waited in vain\n%s", buf[:runtime.Stack(buf, true)])
		panic("unreachable")
	}
}

// eventually polls until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// get asks h, and fails the test if the status is another.
func get(t testing.TB, h http.Handler, target string, status int) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	if w.Code != status {
		t.Fatalf("GET %s = %d, want %d:\n%s", target, w.Code, status, w.Body)
	}
	return w
}

// getJSON asks h for JSON.
func getJSON(t testing.TB, h http.Handler, target string) (s snapshot) {
	t.Helper()
	w := get(t, h, target, http.StatusOK)
	if kind := w.Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("GET %s has Content-Type %q", target, kind)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatalf("GET %s: %v in\n%s", target, err, w.Body)
	}
	return s
}

// named returns the call of that name.
func (s snapshot) named(name string) *call {
	for i := range s.Calls {
		if s.Calls[i].Name == name {
			return &s.Calls[i]
		}
	}
	return nil
}
