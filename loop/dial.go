package loop

import (
	"context"
	"net"
)

// dial is a Dial whose callback has not run.
type dial struct {
	place
	l      *Loop
	ctx    context.Context
	cancel context.CancelFunc
	cb     func(*Stream, error)
	done   bool // the callback has run, or is due with ErrClosed
}

// Dial connects as [net.Dialer] does, with all that belongs to it (several
// addresses, IPv6 and IPv4, keep-alive), and calls cb on the loop, once, with
// the stream or the dialer's error. network is "tcp", "tcp4", "tcp6" or "unix".
// If ctx ends before cb is called, the dial fails with the context's error;
// afterwards ctx has no meaning. If cb panics, the stream is closed.
//
// When the loop is closed meanwhile, cb gets [ErrClosed]; on a loop that has
// been closed already cb cannot run, and never does.
//
// Any goroutine; does not block.
func (l *Loop) Dial(ctx context.Context, network, address string, cb func(*Stream, error)) {
	if cb == nil {
		panic("loop: Dial needs a function, not nil")
	}
	d := &dial{l: l, cb: cb}
	d.ctx, d.cancel = context.WithCancel(ctx)
	if !l.streams.add(d) {
		d.cancel()
		return
	}
	go d.run(network, address)
}

// run connects, on a goroutine of its own.
func (d *dial) run(network, address string) {
	k, err := d.connect(network, address)
	if d.l.Post(func() { d.finish(k, err) }) != nil && err == nil {
		closeNative(k.native) // the loop is being closed, and calls back
	}
}

func (d *dial) connect(network, address string) (link, error) {
	if !streamNetwork(network) {
		return link{}, &net.OpError{Op: "dial", Net: network, Err: net.UnknownNetworkError(network)}
	}
	var nd net.Dialer
	nd.SetMultipathTCP(false) // see listenConfig.listen
	c, err := nd.DialContext(d.ctx, network, address)
	if err != nil {
		return link{}, err
	}
	k := link{laddr: c.LocalAddr(), raddr: c.RemoteAddr()}
	if k.native, err = takeConn(c); err != nil {
		return link{}, &net.OpError{Op: "dial", Net: network, Addr: k.raddr, Err: err}
	}
	return k, nil
}

// finish runs the callback. On the loop, posted.
func (d *dial) finish(k link, err error) {
	ended := d.ctx.Err()
	d.cancel()
	switch {
	case err != nil:
	case d.done:
		closeNative(k.native)
	case ended != nil: // just after the connect had succeeded
		closeNative(k.native)
		err = &net.OpError{Op: "dial", Net: k.laddr.Network(), Addr: k.raddr, Err: ended}
	}
	if d.done {
		return
	}
	d.done = true
	d.l.streams.remove(d)
	var s *Stream
	if err == nil {
		s, err = newStream(d.l, k, nil)
	}
	if err != nil {
		d.cb(nil, err)
		return
	}
	s.hand(func(s *Stream) { d.cb(s, nil) })
}

func (d *dial) shut() {
	d.done = true
	d.cancel()
	d.l.later(d)
}

// turn comes after shut only.
func (d *dial) turn() { d.cb(nil, ErrClosed) }
