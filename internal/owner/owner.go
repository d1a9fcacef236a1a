// Package owner knows which goroutines run callbacks: a loop's, or those of a
// front end. A fake-socket operation that would park on one of them would wait
// for itself, so it fails instead.
package owner

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/valet-go/valet/internal/gid"
)

var (
	mu     sync.Mutex // guards replacing marked
	marked atomic.Pointer[[]uintptr]
)

// Mark makes the calling goroutine an owner until unmark is called. unmark may
// be called from any goroutine, once, and must be called before or soon after
// the marked goroutine ends, because the runtime reuses goroutines. Neither
// blocks for longer than it takes to copy a short list.
func Mark() (unmark func()) {
	id := gid.Current()
	change(func(list []uintptr) []uintptr { return append(list, id) })
	return func() {
		change(func(list []uintptr) []uintptr {
			if i := slices.Index(list, id); i >= 0 {
				return slices.Delete(list, i, i+1)
			}
			return list
		})
	}
}

func change(f func([]uintptr) []uintptr) {
	mu.Lock()
	defer mu.Unlock()
	var list []uintptr
	if old := marked.Load(); old != nil {
		list = slices.Clone(*old)
	}
	list = f(list)
	marked.Store(&list)
}

// Here reports whether the calling goroutine is an owner. Any goroutine; it
// costs a few nanoseconds and is asked only where an operation is about to
// park.
func Here() bool {
	list := marked.Load()
	return list != nil && slices.Contains(*list, gid.Current())
}
