package debughttp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/valet-go/valet/adapter"
)

// Handler returns a handler that shows what the backends of the adapters, and
// those made from them, are doing. An adapter that is a view of another's
// backend, or whose backend was made from another's, is shown by that already. It
// panics without an adapter, or with a nil one. See the package doc for who may
// be let in, and what can be asked.
//
// The handler may run on any goroutine, a loop's included, and at any time, after
// Close as well. It waits for nobody but whoever reads the response. Listing
// costs what [adapter.Adapter.Calls] says, and some 5 µs of computing for each
// call on the page, or 2 µs in JSON; a stack costs what
// [adapter.CallInfo.Stack] says.
func Handler(adapters ...*adapter.Adapter) http.Handler {
	if len(adapters) == 0 {
		panic("debughttp: Handler needs an adapter")
	}
	for _, a := range adapters {
		if a == nil {
			panic("debughttp: Handler needs an adapter, not nil")
		}
	}
	return handler(slices.Clone(adapters))
}

// handler has at least one adapter.
type handler []*adapter.Adapter

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "debughttp: only GET and HEAD are served", http.StatusMethodNotAllowed)
		return
	}
	q, err := parse(r.URL.Query())
	if err != nil {
		http.Error(w, "debughttp: "+err.Error(), http.StatusBadRequest)
		return
	}
	switch {
	case q.stack:
		stack, err := h.stack(q.goroutine)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		respond(w, r, "text/plain; charset=utf-8", []byte(stack))
	case q.json:
		// It consists of strings and finite numbers, and cannot fail.
		body, _ := json.MarshalIndent(h.take(q.waiting), "", "  ")
		respond(w, r, "application/json", append(body, '\n'))
	default:
		var body bytes.Buffer
		if err := page.Execute(&body, view{h.take(q.waiting), q}); err != nil {
			http.Error(w, "debughttp: "+err.Error(), http.StatusInternalServerError)
			return
		}
		respond(w, r, "text/html; charset=utf-8", body.Bytes())
	}
}

// setHeaders sets what holds for every response.
func setHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// respond writes a response that is complete, so that whoever reads it slowly
// keeps nobody else waiting.
func respond(w http.ResponseWriter, r *http.Request, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		w.Write(body) // whoever has asked may be gone
	}
}

// stack returns the stack of a goroutine that a call in flight runs on.
func (h handler) stack(goroutine uint64) (string, error) {
	for _, a := range h {
		calls := a.Calls(0)
		i := slices.IndexFunc(calls, func(c adapter.CallInfo) bool { return c.Goroutine == goroutine && goroutine != 0 })
		if i < 0 {
			continue
		}
		c := &calls[i]
		stack, err := c.Stack()
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("call %q of backend %q, started %v ago, %s\n\n%s\n", c.Name, c.Backend, c.Age, c.State, stack), nil
	}
	return "", fmt.Errorf("debughttp: no call in flight runs on goroutine %d; it may have ended meanwhile", goroutine)
}
