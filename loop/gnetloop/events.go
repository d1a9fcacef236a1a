//go:build linux || darwin || freebsd

package gnetloop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"syscall"
	"time"

	"github.com/panjf2000/gnet/v2"

	"github.com/valet-go/valet/internal/frontend"
)

// What Go's own net package sets for accepted connections.
const (
	keepAlive       = 15 * time.Second
	keepAliveProbes = 9
)

// OnOpen is on the loop.
func (e *engine) OnOpen(gc gnet.Conn) ([]byte, gnet.Action) {
	fd := gc.Fd()
	l, local := e.loop(gc, fd)
	l.Enter()
	if !l.seen {
		l.seen = true
		look, err := findLayout(reflect.TypeOf(gc))
		if err != nil {
			e.run.Fail(err)
			return nil, gnet.Close
		}
		l.PollFD, l.tasks = look.poll(gc), look.tasks(gc)
	}
	if e.run.Stopping() || l.PollFD < 0 {
		return nil, gnet.Close
	}
	if fd >= e.maxFD {
		e.run.Refuse(&e.srv.refused, "each connection needs one",
			fmt.Errorf("descriptor %d is above %d: %w", fd, e.maxFD, syscall.EMFILE))
		return nil, gnet.Close
	}
	if local.Network() == "tcp" {
		frontend.NoDelay(fd)
		// It fails only on a connection that is broken, which gnet will notice.
		_ = gc.SetKeepAlive(true, keepAlive, keepAlive, keepAliveProbes)
	}
	c := l.Accept(frontend.Accepted{FD: fd, Own: -1, Local: local, Remote: own(gc.RemoteAddr())})
	gc.SetContext(c)
	c.Opened()
	return nil, gnet.None
}

// loop finds what belongs to gc's loop, and the address of its listener, of
// which gnet does not know the port if the system has chosen it.
func (e *engine) loop(gc gnet.Conn, fd int) (*gnetLoop, net.Addr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	el := gc.EventLoop()
	l := e.loops[el]
	if l == nil {
		l = &gnetLoop{Loop: e.run.NewLoop()}
		e.loops[el] = l
		if !e.ending {
			l.serveWith(e.run, el)
		}
	}
	local := e.locals[gc.LocalAddr()]
	if local == nil {
		local = gc.LocalAddr()
		if a := frontend.BoundAddr(fd); a != nil {
			local = &net.TCPAddr{IP: local.(*net.TCPAddr).IP, Port: a.(*net.TCPAddr).Port}
		}
		e.locals[gc.LocalAddr()] = local
	}
	return l, local
}

// serveWith has el run what is posted to l.
func (l *gnetLoop) serveWith(run *frontend.Run, el gnet.EventLoop) {
	work := gnet.RunnableFunc(func(context.Context) error {
		l.RunPosted()
		return nil
	})
	l.Serving(func(again bool) {
		if again {
			// Gnet runs what is executed until there is no more of it, before
			// it reads from its clients: what is executed in between comes from
			// elsewhere.
			run.Relay(l.Kick)
			return
		}
		// It fails only when gnet has ended.
		_ = el.Execute(context.Background(), work)
	})
}

// own copies an address whose zone gnet uses again when the connection closes.
func own(a net.Addr) net.Addr {
	if t, ok := a.(*net.TCPAddr); ok && t.Zone != "" {
		return &net.TCPAddr{IP: t.IP, Port: t.Port, Zone: strings.Clone(t.Zone)}
	}
	return a
}

// OnTraffic is on the loop.
func (e *engine) OnTraffic(gc gnet.Conn) gnet.Action {
	in, err := gc.Next(-1) // all, so that gnet keeps nothing
	if c, ok := gc.Context().(*frontend.Conn); ok && err == nil {
		c.Data(in)
	}
	return gnet.None
}

// OnClose is on the loop, before the descriptor is closed.
func (e *engine) OnClose(gc gnet.Conn, err error) gnet.Action {
	c, ok := gc.Context().(*frontend.Conn)
	switch {
	case !ok: // refused
	case err == nil: // nobody closes a connection but gnet, when it ends
		c.EngineEnds()
	case errors.Is(err, io.EOF): // a SyscallError may be around it
		c.EngineClosed(nil)
	default:
		c.EngineClosed(err)
	}
	return gnet.None
}
