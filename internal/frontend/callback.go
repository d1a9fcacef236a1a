//go:build linux || darwin || freebsd

package frontend

import (
	"fmt"
	"net"
	"runtime/debug"
	"sync/atomic"
)

// The functions below call the user's. Whatever happens there stays there, but
// for a Goexit, which cannot be stopped.

func (r *Run) callOpened(c *Conn) {
	if r.Opened == nil {
		return
	}
	returned := false
	defer r.contain(c, &returned)
	r.Opened(c)
	returned = true
}

func (r *Run) callData(c *Conn, in []byte) {
	returned := false
	defer r.contain(c, &returned)
	r.Data(c, in)
	returned = true
}

func (r *Run) callEOF(c *Conn) {
	returned := false
	defer r.contain(c, &returned)
	r.EOF(c)
	returned = true
}

func (r *Run) callClosed(c *Conn) {
	if r.Closed == nil {
		return
	}
	c.mu.Lock()
	reason := c.reason
	c.mu.Unlock()
	returned := false
	defer r.contain(c, &returned)
	r.Closed(c, reason)
	returned = true
}

func (r *Run) callPosted(p posted) {
	if p.c == nil { // one of ours, which calls the user's in turn
		p.fn()
		return
	}
	returned := false
	defer r.contain(p.c, &returned)
	p.fn()
	returned = true
}

func (r *Run) callReady(addrs []net.Addr) {
	returned := false
	defer r.contain(nil, &returned)
	r.Ready(addrs)
	returned = true
}

// contain is deferred around every callback.
func (r *Run) contain(c *Conn, returned *bool) {
	if *returned {
		return
	}
	v := recover()
	reason := r.caught(v)
	if c == nil {
		return
	}
	c.closeWith(reason)
	if g, ok := r.engine.(Goexiter); ok && v == nil && c.loop.Here() {
		g.Goexit(c.loop)
	}
}

// Goexiter is an engine that has to be told when a callback ends a loop's
// goroutine.
type Goexiter interface{ Goexit(*Loop) }

// caught reports how a callback ended that did not return: v is what recover
// gave, nil for a Goexit. It returns the reason for closing the connection.
func (r *Run) caught(v any) error {
	reason := ErrGoexit
	if v != nil {
		reason = fmt.Errorf("%s: panic in a callback: %v", r.Name, v)
	} else {
		v = ErrGoexit
	}
	if stack := debug.Stack(); r.PanicHandler != nil {
		r.PanicHandler(v, stack)
	} else {
		r.Logger.Error(r.Name+": panic in a callback", "panic", fmt.Sprint(v), "stack", string(stack))
	}
	return reason
}

// Refuse counts a connection for which there is no descriptor, and logs the
// first, and then one in a thousand.
func (r *Run) Refuse(count *atomic.Int64, needs string, err error) {
	if n := count.Add(1); n == 1 || n%1000 == 0 {
		r.Logger.Warn(r.Name+": connection refused; raise the limit of open files (ulimit -n), "+needs,
			"err", err, "refused", n)
	}
}
