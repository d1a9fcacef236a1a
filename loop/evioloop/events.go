//go:build linux || darwin || freebsd

package evioloop

import (
	"errors"
	"net"
	"reflect"
	"time"

	"github.com/tidwall/evio"
	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/gid"
	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// keepAlive is what Go's own net package sets for accepted connections.
const keepAlive = 15 * time.Second

// errEvioEnded is what becomes of the connections when evio stops by itself.
var errEvioEnded = errors.New("evioloop: evio stopped, after an accept error or a callback that called runtime.Goexit; it is being restarted")

// enter marks evio's loop goroutine, on its first event, as one that must not
// block.
func (r *run) enter() {
	if r.unmark == nil {
		r.loopGID, r.unmark = gid.Current(), owner.Mark()
	}
}

func (r *run) opened(ec evio.Conn) (out []byte, opts evio.Options, action evio.Action) {
	r.enter()
	opts.ReuseInputBuffer = true
	err := r.look(ec)
	if err != nil {
		r.fail(err)
	} else {
		unix.CloseOnExec(r.layout.connFD(ec))
	}
	if ec.AddrIndex() == len(r.listens) {
		if r.wakeConn != nil { // a stranger; only root and this user can come here
			return nil, opts, evio.Close
		}
		r.wakeConn = ec
		return nil, opts, evio.None
	}
	if err != nil || r.stopping.Load() {
		return nil, opts, evio.Close
	}
	c, err := r.newConn(ec)
	if err != nil {
		if n := r.srv.refused.Add(1); n == 1 || n%1000 == 0 {
			r.srv.logger().Warn("evioloop: connection refused; raise the limit of open files (ulimit -n), each connection needs two",
				"err", err, "refused", n)
		}
		return nil, opts, evio.Close
	}
	if r.listens[ec.AddrIndex()].network != "unix" {
		noDelay(c.fd)
		opts.TCPKeepAlive = keepAlive
	}
	r.callOpened(c)
	return nil, opts, evio.None
}

func (r *run) newConn(ec evio.Conn) (*Conn, error) {
	fd := r.layout.connFD(ec)
	dup, err := duplicate(fd, r.maxFD)
	if err != nil {
		return nil, err
	}
	c := &Conn{run: r, evioFD: fd, fd: dup, local: ec.LocalAddr(), remote: ec.RemoteAddr()}
	ec.SetContext(c)
	r.conns[c] = struct{}{}
	return c, nil
}

// look finds out, once, where evio keeps its descriptors, and makes its poll's
// close-on-exec, for each evio.
func (r *run) look(ec evio.Conn) (err error) {
	if r.pollFD >= 0 {
		return nil
	}
	if r.layout, err = findLayout(reflect.TypeOf(ec)); err != nil {
		return err
	}
	fds := r.layout.polls(ec)
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	r.pollFD = fds[0]
	return nil
}

func (r *run) data(ec evio.Conn, in []byte) ([]byte, evio.Action) {
	r.enter()
	if ec == r.wakeConn {
		return nil, r.woken()
	}
	if c, ok := ec.Context().(*Conn); ok {
		c.mu.Lock()
		adopted, isOpen := c.adopted, c.state == open
		c.mu.Unlock()
		if !adopted {
			c.adopt()
		}
		if isOpen {
			r.callData(c, in)
		}
	}
	return nil, evio.None
}

// adopt lets evio's poll know the connection by our duplicate, on the loop
// after evio has opened it. Evio closes its descriptor as soon as a client has
// finished sending; the registration, being ours, can then still be ended, and
// the connection kept until all is sent. Evio itself touches a registration
// only for output and actions, of which we give it none.
func (c *Conn) adopt() {
	c.mu.Lock()
	if !c.adopted && !c.gone && c.state < closed {
		c.adopted = adopt(c.run.pollFD, c.evioFD, c.fd)
	}
	c.mu.Unlock()
}

// woken runs posted functions.
func (r *run) woken() evio.Action {
	if !r.quit.Load() {
		r.q.run(r.callPosted)
	}
	if r.quit.Load() {
		return evio.Shutdown
	}
	return evio.None
}

// closed runs on the loop, or, when evio ends, on the goroutine of evio.Serve,
// after the loop's. There no user code may run, which could end the goroutine
// and with it evio's cleaning up.
func (r *run) closed(ec evio.Conn, err error) evio.Action {
	onLoop := r.loopGID == gid.Current()
	if !onLoop {
		r.freeSpares()
	}
	c, ok := ec.Context().(*Conn)
	switch {
	case ok && onLoop:
		c.evioClosed(err)
	case ok:
		c.abort(r.endReason())
		r.late = append(r.late, c)
	case ec == r.wakeConn && onLoop:
		return evio.Shutdown // somebody broke the wake connection: start again
	}
	return evio.None
}

func (r *run) endReason() error {
	if r.stopping.Load() {
		return loop.ErrClosed
	}
	return errEvioEnded
}

// forget takes a connection that has ended off the list.
func (r *run) forget(c *Conn) {
	delete(r.conns, c)
	r.checkEmpty()
}

func (r *run) checkEmpty() {
	if r.stopping.Load() && len(r.conns) == 0 && !r.isEmpty {
		r.isEmpty = true
		close(r.empty)
	}
}

// The functions below call the user's. Whatever happens there stays there, but
// for a Goexit, which cannot be stopped.

func (r *run) callOpened(c *Conn) {
	if r.srv.Opened == nil {
		return
	}
	returned := false
	defer r.contain(c, &returned)
	r.srv.Opened(c)
	returned = true
}

func (r *run) callData(c *Conn, in []byte) {
	returned := false
	defer r.contain(c, &returned)
	r.srv.Data(c, in)
	returned = true
}

func (r *run) callEOF(c *Conn) {
	returned := false
	defer r.contain(c, &returned)
	r.srv.EOF(c)
	returned = true
}

func (r *run) callClosed(c *Conn) {
	if r.srv.Closed == nil {
		return
	}
	c.mu.Lock()
	reason := c.reason
	c.mu.Unlock()
	returned := false
	defer r.contain(c, &returned)
	r.srv.Closed(c, reason)
	returned = true
}

func (r *run) callPosted(p posted) {
	returned := false
	defer r.contain(p.c, &returned)
	p.fn()
	returned = true
}

func (r *run) callReady(addrs []net.Addr) {
	returned := false
	defer r.contain(nil, &returned)
	r.srv.Ready(addrs)
	returned = true
}

// contain is deferred around every callback.
func (r *run) contain(c *Conn, returned *bool) {
	if *returned {
		return
	}
	reason := r.srv.caught(recover())
	if c != nil {
		c.closeWith(reason)
	}
}
