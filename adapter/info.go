package adapter

import (
	"bytes"
	"fmt"
	"net"
	"runtime"
	"time"

	"github.com/valet-go/valet/internal/parking"
)

// CallInfo is what a call in flight is doing.
type CallInfo struct {
	Backend string
	Name    string // as given to [Name], or ""
	State   State
	Age     time.Duration // since it was started

	Held, Long bool
	Abandoned  bool // the call has ended, and its body goes on

	// Goroutine is the number of the goroutine that the body runs on, as in a
	// dump of stacks; 0 if the body has not begun.
	Goroutine uint64

	// Parked is the operation that this goroutine waits in, on a connection of
	// package fakesock's; nil if there is none.
	Parked *ParkedOn
}

// ParkedOn is an operation that a call waits in.
type ParkedOn struct {
	Op            string // "read", "write", or another of fakesock.ParkedOp's
	Local, Remote net.Addr
	For           time.Duration
}

// Calls returns the calls of the backend, and of those made from it, whose
// bodies have not returned, and, of each backend, at most waiting calls that
// wait: for their turn behind one of these, or for a slot, the oldest first. Any
// goroutine. It keeps calls from starting and ending for some 100 ns
// per call that it lists, and looks at every connection of the process; for
// people who want to know what is going on.
func (a *Adapter) Calls(waiting int) []CallInfo {
	var infos []CallInfo
	var gids []uintptr // of infos; 0: none
	a.b.each(func(b *backend) {
		b.mu.Lock()
		defer b.mu.Unlock()
		at := now() // no call here was started later
		add := func(c *Call) {
			info := c.info(at)
			var gid uintptr
			if w := c.worker.Load(); w != nil {
				info.Goroutine, gid = w.number, w.gid
			}
			infos, gids = append(infos, info), append(gids, gid)
		}
		left := waiting
		addWaiting := func(c *Call) {
			if left > 0 {
				add(c)
				left--
			}
		}
		behind := func(c *Call) {
			if c.lane != nil {
				for w := c.lane.waiting.first; w != nil && left > 0; w = w.next {
					addWaiting(w)
				}
			}
		}
		for _, l := range []*list{&b.live, &b.abandoned} {
			for c := l.first; c != nil; c = c.next {
				add(c)
				behind(c)
			}
		}
		for i := range b.lines {
			for c := b.lines[i].queue.first; c != nil && left > 0; c = c.next {
				addWaiting(c)
				behind(c)
			}
		}
	})
	parked := parking.Find(gids)
	for i := range infos {
		if op, ok := parked[gids[i]]; ok && gids[i] != 0 {
			infos[i].Parked = &ParkedOn{Op: op.Op, Local: op.Local, Remote: op.Remote, For: time.Since(op.Since)}
		}
	}
	return infos
}

func (c *Call) info(at int64) CallInfo {
	r := c.rare.Load()
	return CallInfo{
		Backend: c.a.b.name, Name: c.name, State: c.State(), Age: time.Duration(at - c.started),
		Held: c.class == held, Long: c.class == long, Abandoned: r != nil && r.abandoned,
	}
}

// Stack returns the stack of the call's goroutine as it is now, when the call
// may have ended and the goroutine be busy with another; an error if there is no
// such goroutine any more. It stops the whole program for some microseconds per
// goroutine: for people who want to know why a call hangs.
func (i CallInfo) Stack() (string, error) {
	if i.Goroutine == 0 {
		return "", fmt.Errorf("adapter: the call %q has no goroutine yet: it is %v", i.Name, i.State)
	}
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	head := fmt.Appendf(nil, "goroutine %d ", i.Goroutine)
	for _, stack := range bytes.Split(buf, []byte("\n\n")) {
		if bytes.HasPrefix(stack, head) {
			return string(stack), nil
		}
	}
	return "", fmt.Errorf("adapter: goroutine %d of the call %q has ended", i.Goroutine, i.Name)
}
