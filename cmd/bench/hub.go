package main

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/valet-go/valet/loop"
)

// hub is what handlers keep that must not block: the clients that wait for the
// next message. It belongs to the goroutine that serves them, but for waiting and
// broadcast.
type hub[C comparable] struct {
	answer func(c C, message []byte)

	clients map[C]struct{}
	count   atomic.Int64 // of them
	served  atomic.Value // the loop.Executor of the one that came last
}

func newHub[C comparable]() *hub[C] { return &hub[C]{clients: map[C]struct{}{}} }

// join lets a client wait, whose callbacks run on exec.
func (h *hub[C]) join(c C, exec loop.Executor) {
	h.clients[c] = struct{}{}
	h.count.Store(int64(len(h.clients)))
	h.served.Store(exec)
}

func (h *hub[C]) leave(c C) {
	delete(h.clients, c)
	h.count.Store(int64(len(h.clients)))
}

func (h *hub[C]) waiting() int { return int(h.count.Load()) }

// broadcast answers the clients that wait. One that asks again meanwhile waits
// for the message after this.
func (h *hub[C]) broadcast(message []byte) {
	exec, ok := h.served.Load().(loop.Executor)
	if !ok {
		return // nobody has come
	}
	_ = exec.Post(func() { // it fails only when the server has ended
		for _, c := range slices.Collect(maps.Keys(h.clients)) {
			h.leave(c)
			h.answer(c, message)
		}
	})
}
