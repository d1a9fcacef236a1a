//go:build linux || darwin || freebsd

package evioloop

import (
	"reflect"
	"time"

	"github.com/tidwall/evio"
	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/frontend"
)

// keepAlive is what Go's own net package sets for accepted connections.
const keepAlive = 15 * time.Second

func (e *engine) opened(ec evio.Conn) (out []byte, opts evio.Options, action evio.Action) {
	opts.ReuseInputBuffer = true
	look, err := e.look(ec)
	if err != nil {
		return nil, opts, e.cannotStart(err)
	}
	l := e.loops[look.loopIndex(ec)]
	l.Enter()
	if l.PollFD < 0 {
		fds := look.polls(ec)
		for _, fd := range fds {
			unix.CloseOnExec(fd)
		}
		l.PollFD = fds[0]
	}
	fd := look.connFD(ec)
	unix.CloseOnExec(fd)
	if ec.AddrIndex() == len(e.listens) {
		ec.SetContext(l)
		return nil, opts, evio.None
	}
	l.Served = true
	if e.run.Stopping() {
		return nil, opts, evio.Close
	}
	own, err := frontend.Duplicate(fd, e.maxFD)
	if err != nil {
		e.run.Refuse(&e.srv.refused, "each connection needs two", err)
		return nil, opts, evio.Close
	}
	if e.listens[ec.AddrIndex()].Network != "unix" {
		frontend.NoDelay(own)
		opts.TCPKeepAlive = keepAlive
	}
	c := l.Accept(frontend.Accepted{FD: fd, Own: own, Local: ec.LocalAddr(), Remote: ec.RemoteAddr()})
	ec.SetContext(c)
	c.Opened()
	return nil, opts, evio.None
}

// cannotStart makes evio end, for a reason that Start, or the end of Serve, tells.
func (e *engine) cannotStart(err error) evio.Action {
	e.startErr.Store(&err)
	settle(e.serveID, e.started, e.done)
	return evio.Shutdown
}

// look finds out, once for each evio, where it keeps its descriptors. Any of
// evio's loops.
func (e *engine) look(ec evio.Conn) (*layout, error) {
	if l := e.layout.Load(); l != nil {
		return l, nil
	}
	l, err := findLayout(reflect.TypeOf(ec))
	if err != nil {
		return nil, err
	}
	e.layout.Store(&l)
	return &l, nil
}

func (e *engine) data(ec evio.Conn, in []byte) ([]byte, evio.Action) {
	switch c := ec.Context().(type) {
	case *frontend.Conn:
		c.Loop().Served = true
		c.Data(in)
	case *evioLoop:
		return nil, e.woken(c, ec, in)
	}
	return nil, evio.None
}

// woken runs posted functions. The first that comes on a wake connection is its
// number.
func (e *engine) woken(l *evioLoop, ec evio.Conn, in []byte) evio.Action {
	if l.wakeConn != ec {
		fd, ok := e.waking.take(in, l.wakeConn == nil)
		if !ok { // a stranger; only root and this user can come here
			return evio.Close
		}
		if l.wakeConn != nil {
			return evio.None
		}
		turn, err := newTurn(fd, l.PollFD)
		if err != nil {
			return e.cannotStart(err)
		}
		l.wakeConn, l.turn = ec, turn
		l.Serving(func(bool) { turn.wake() })
	}
	if !l.Served && len(e.loops) > 1 {
		e.leaveToOthers(l)
	}
	l.Served = false
	for ready := false; !e.quit.Load(); ready = l.turn.wait() {
		if ready {
			l.turn.next()
			return evio.None
		}
		l.RunPosted()
	}
	return evio.Shutdown
}

// leaveToOthers is called after a round of a loop in which evio's poll had
// something to report, but not for its clients: most likely somebody connects, whom
// evio leaves to a loop with fewer. Until that one has accepted, all others turn
// without a pause, and where they have all processors, it would be told only by the
// runtime's monitor, after 10 ms: four loops on two processors took 8 s to accept
// 2,100 clients, and take 0.2 s with this.
func (e *engine) leaveToOthers(l *evioLoop) {
	for _, other := range e.loops {
		if other != l {
			other.Kick()
		}
	}
}

// closed runs on the loop, or, when evio ends, on the goroutine of evio.Serve,
// after the loops'. There no user code may run, which could end the goroutine
// and with it evio's cleaning up; what is left is ended afterwards.
func (e *engine) closed(ec evio.Conn, err error) evio.Action {
	switch c := ec.Context().(type) {
	case *frontend.Conn:
		if c.Loop().Here() {
			c.Loop().Served = true
			c.EngineClosed(err)
			return evio.None
		}
	case *evioLoop:
		if c.Here() {
			if c.wakeConn == ec {
				return evio.Shutdown // somebody broke the wake connection: start again
			}
			return evio.None
		}
	default: // refused
		return evio.None
	}
	e.freeSpares()
	return evio.None
}
