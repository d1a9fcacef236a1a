//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package loop

import "net"

// acceptor accepts in a goroutine, one connection for each accept that found
// none, so that at the cap none is taken off the backlog.
type acceptor struct {
	l      *Loop
	ln     net.Listener
	addr   net.Addr
	event  func(Readiness)
	closed bool

	accepting bool // a goroutine is; it posts got when it is done
	conn      net.Conn
	err       error
	got       func()
}

func (a *acceptor) open(l *Loop, ln net.Listener, event func(Readiness)) error {
	a.l, a.ln, a.addr, a.event = l, ln, ln.Addr(), event
	a.got = a.gotOne
	return nil
}

func (a *acceptor) accept() (link, error) {
	switch {
	case a.accepting:
		return link{}, errAgain
	case a.conn != nil:
		k := link{native: a.conn, laddr: a.conn.LocalAddr(), raddr: a.conn.RemoteAddr()}
		a.conn = nil
		return k, nil
	case a.err != nil:
		err := a.err
		a.err = nil
		return link{}, err
	}
	a.accepting = true
	go func() {
		a.conn, a.err = a.ln.Accept()
		if a.l.Post(a.got) != nil && a.conn != nil {
			a.conn.Close()
		}
	}()
	return link{}, errAgain
}

func (a *acceptor) gotOne() {
	a.accepting = false
	if a.closed {
		if a.conn != nil {
			a.conn.Close()
		}
		return
	}
	a.event(ReadReady)
}

func (a *acceptor) close() {
	a.closed = true
	a.ln.Close()
	if !a.accepting && a.conn != nil {
		a.conn.Close()
	}
}
