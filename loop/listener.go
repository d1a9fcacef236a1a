package loop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/valet-go/valet/internal/sysio"
)

const (
	// acceptBudget is how many connections one turn accepts, so that a storm
	// does not starve the streams that are there.
	acceptBudget = 32

	// An error of accept makes a pause: the first, doubled with each error
	// that follows, up to the last; a success begins anew.
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// Listener accepts streams on a loop. Its methods belong to the loop's
// goroutine and panic elsewhere while the loop runs; Addr and Stats may be
// called from any goroutine. None blocks. It is closed with its loop.
type Listener struct {
	place
	l      *Loop
	acc    acceptor
	accept func(*Stream)
	max    int // of open; 0: none

	started bool // Listen is done
	ready   bool // there may be a connection to accept
	closed  bool
	pause   time.Duration // the last one; 0 after a success
	timer   *Timer        // ends the pause

	live   int // streams that have not settled
	drains []*drain

	scheduled bool // is to get a turn in the next iteration
	inTurn    bool
	more      bool // the turn ends with something left to do

	accepted, failed atomic.Uint64
	open             atomic.Int64
	paused           atomic.Bool
}

// Listen listens on a local address, as [net.Listen] does, and calls accept on
// the loop with each new stream. network is "tcp", "tcp4", "tcp6" or "unix". TCP
// connections have no delay of small packets, and keep-alive probes as package
// net sets them. If accept panics, the stream is closed.
//
// Errors of accepting do not end the listener. A connection that was aborted
// while it waited is passed over; after any other, such as a lack of
// descriptors or memory, it pauses, for 5 ms and up to 1 s if that goes on.
// [Listener.Stats] counts them.
//
// Any goroutine; accept may be called before Listen returns. It does not wait
// for the loop, but looks up a host name in address, which may block: on the
// loop give a numeric address. Errors: an option's; [ErrClosed]; those of
// net.Listen.
func (l *Loop) Listen(network, address string, accept func(*Stream), opts ...ListenOption) (*Listener, error) {
	if accept == nil {
		panic("loop: Listen needs a function, not nil")
	}
	var c listenConfig
	for _, o := range opts {
		if err := o(&c); err != nil {
			return nil, err
		}
	}
	nl, err := c.listen(network, address)
	if err != nil {
		return nil, err
	}
	ln := &Listener{l: l, accept: accept, max: c.maxConns}
	if err := ln.acc.open(l, nl, ln.onReady); err != nil {
		return nil, err
	}
	if !l.streams.add(ln) {
		ln.acc.close()
		return nil, ErrClosed
	}
	if err := l.Post(ln.start); err != nil {
		return nil, err // the loop is being closed, and closes the listener
	}
	return ln, nil
}

func (c *listenConfig) listen(network, address string) (net.Listener, error) {
	if !streamNetwork(network) {
		return nil, &net.OpError{Op: "listen", Net: network, Err: net.UnknownNetworkError(network)}
	}
	var lc net.ListenConfig
	lc.SetMultipathTCP(false) // its reads may be short for other reasons
	if c.reusePort {
		if network == "unix" {
			return nil, fmt.Errorf("loop: WithReusePort on a unix socket: %w", errors.ErrUnsupported)
		}
		lc.Control = func(_, _ string, raw syscall.RawConn) (err error) {
			if e := raw.Control(func(fd uintptr) { err = sysio.ReusePort(fd) }); e != nil {
				return e
			}
			if err != nil {
				return fmt.Errorf("loop: WithReusePort: %w", err)
			}
			return nil
		}
	}
	return lc.Listen(context.Background(), network, address)
}

// Addr returns the address that the listener listens on. Any goroutine, also
// after Close.
func (ln *Listener) Addr() net.Addr { return ln.acc.addr }

// ListenerStats is what a listener has done so far.
type ListenerStats struct {
	Accepted uint64 // streams handed to the accept function
	Open     int    // of them, those that have not ended
	Errors   uint64 // errors of accepting, aborted connections among them
	Paused   bool   // whether it waits after an error
}

// Stats returns the listener's counters. Any goroutine, also after Close; the
// fields are read one after another.
func (ln *Listener) Stats() ListenerStats {
	return ListenerStats{ln.accepted.Load(), int(ln.open.Load()), ln.failed.Load(), ln.paused.Load()}
}

// Close stops listening: connections that wait in the backlog are refused, and
// a unix socket's path is removed. Streams that were accepted live on. On the
// loop; does not block. A second call does nothing.
func (ln *Listener) Close() {
	ln.l.mustOwn("Listener.Close")
	ln.close()
}

func (ln *Listener) close() {
	if ln.closed {
		return
	}
	ln.closed = true
	ln.acc.close()
	ln.paused.Store(false)
	if ln.timer != nil {
		ln.timer.Stop()
	}
	ln.l.streams.remove(ln)
}

// start is posted by Listen once everything is in place. Events may come
// before.
func (ln *Listener) start() {
	ln.started, ln.ready = true, true
	ln.serve()
}

func (ln *Listener) onReady(r Readiness) {
	if r&LoopClosed != 0 {
		return
	}
	ln.ready = true
	if ln.started {
		ln.serve()
	}
}

func (ln *Listener) schedule() {
	if !ln.inTurn && !ln.scheduled {
		ln.scheduled = true
		ln.l.later(ln)
	}
}

func (ln *Listener) turn() {
	ln.scheduled = false
	ln.serve()
}

// serve accepts what has come, within the budget.
func (ln *Listener) serve() {
	ln.inTurn, ln.more = true, true
	defer ln.endTurn()
	for range acceptBudget {
		ln.l.watchdog.note()
		if !ln.step() {
			ln.more = false
			return
		}
	}
}

// endTurn also runs when a callback has panicked.
func (ln *Listener) endTurn() {
	ln.inTurn = false
	if ln.more {
		ln.schedule()
	}
}

// step accepts one connection, or ends one drain, and reports whether there
// was anything to do.
func (ln *Listener) step() bool {
	if len(ln.drains) > 0 && ln.live == 0 {
		ln.endDrain()
		return true
	}
	if ln.closed || !ln.started || !ln.ready || ln.paused.Load() || ln.full() {
		return false
	}
	switch k, err := ln.acc.accept(); err {
	case nil:
		ln.welcome(k)
	case errAgain:
		ln.ready = false
		return false
	case errAborted:
		ln.failed.Add(1)
	default:
		ln.failure()
	}
	return true
}

func (ln *Listener) full() bool { return ln.max > 0 && ln.open.Load() >= int64(ln.max) }

func (ln *Listener) welcome(k link) {
	s, err := newStream(ln.l, k, ln)
	if err != nil {
		ln.failure()
		return
	}
	ln.pause = 0
	ln.accepted.Add(1)
	ln.open.Add(1)
	ln.live++
	s.hand(ln.accept)
}

// failure makes a pause.
func (ln *Listener) failure() {
	ln.failed.Add(1)
	ln.pause = min(max(2*ln.pause, firstPause), lastPause)
	ln.paused.Store(true)
	if ln.timer == nil {
		ln.timer = ln.l.AfterFunc(ln.pause, ln.resume)
	} else {
		ln.timer.Reset(ln.pause)
	}
}

func (ln *Listener) resume() {
	ln.paused.Store(false)
	ln.serve()
}

// released is told when a stream has ended, settled when its callbacks have run.
func (ln *Listener) released() {
	if open := ln.open.Add(-1); open == int64(ln.max)-1 {
		ln.schedule()
	}
}

func (ln *Listener) settled() {
	if ln.live--; ln.live == 0 && len(ln.drains) > 0 {
		ln.schedule()
	}
}

// shut closes the listener with its loop.
func (ln *Listener) shut() {
	for _, d := range ln.drains {
		d.err = ErrClosed
	}
	ln.close()
	ln.schedule()
}
