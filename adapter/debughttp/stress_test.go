package debughttp

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/valet-go/valet/adapter"
)

func TestItCanBeAskedByManyWhileCallsComeAndGo(t *testing.T) {
	root := newAdapter(t)
	h := Handler(root)
	const clients, rounds = 8, 50
	stop, stopped := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { stopped <- n }()
		for ; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			b := root.Backend(fmt.Sprint("backend ", n%4), adapter.WithSlots(2), adapter.WithQueue(8))
			var lane adapter.Lane
			for i := range 16 {
				c := start(b, adapter.Name("call"))
				start(b, adapter.Held(), adapter.In(&lane))
				if i%3 == 0 {
					c.Cancel()
				}
			}
			if err := b.Close(bg); err != nil {
				t.Error(err)
			}
		}
	}()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for range rounds {
				target := []string{"/", "/?format=json", "/?waiting=3"}[i%3]
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
				if w.Code != http.StatusOK {
					t.Errorf("%s = %d: %s", target, w.Code, w.Body)
				}
			}
			for _, c := range root.Calls(0) { // a few stacks, some of which are gone
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, fmt.Sprint("/?goroutine=", c.Goroutine), nil))
				if w.Code != http.StatusOK && w.Code != http.StatusNotFound {
					t.Errorf("goroutine %d = %d: %s", c.Goroutine, w.Code, w.Body)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	if n := await(t, stopped); n == 0 {
		t.Error("no calls came")
	}
}

func TestItCanBeAskedOnTheLoopAndWaitsForNobodyThere(t *testing.T) {
	a := newAdapter(t, adapter.WithSlots(1), adapter.WithQueue(2*defaultWaiting))
	run(t, a, adapter.Name("runs"))
	for range 2 * defaultWaiting {
		start(a)
	}
	h := Handler(a)
	goroutine := getJSON(t, h, "/?format=json").named("runs").Goroutine
	got := make(chan *httptest.ResponseRecorder, 3)
	if err := a.Loop().Post(func() {
		for _, target := range []string{"/", "/?format=json", fmt.Sprint("/?goroutine=", goroutine)} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
			got <- w
		}
	}); err != nil {
		t.Fatal(err)
	}
	for range cap(got) {
		if w := await(t, got); w.Code != http.StatusOK {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
	}
}

// slow is a client that reads nothing until it is told to.
type slow struct {
	*httptest.ResponseRecorder
	writing, read chan struct{}
}

func (w slow) Write(p []byte) (int, error) {
	close(w.writing)
	<-w.read
	return w.ResponseRecorder.Write(p)
}

func TestAClientThatDoesNotReadKeepsNoCallWaiting(t *testing.T) {
	a := newAdapter(t)
	h := Handler(a)
	w := slow{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	}()
	await(t, w.writing)
	if _, err := adapter.Wait(func(cb func(int, error)) {
		adapter.Go(bg, a, func(context.Context) (int, error) { return 0, nil }, cb)
	}); err != nil {
		t.Error(err)
	}
	get(t, h, "/", http.StatusOK)
	close(w.read)
	await(t, served)
}
