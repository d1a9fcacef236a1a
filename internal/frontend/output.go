//go:build linux || darwin || freebsd

package frontend

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/loop"
)

// output is what waits for the client to make room. A connection has one only
// as long as something waits.
type output struct {
	buf    []byte
	off    int          // buf[off:] is to be sent
	handle *loop.Handle // waits for room
}

// Write sends p, or as much of it as the system takes at once; the rest is
// kept. It writes all of p or nothing.
func (c *Conn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.mu.Lock()
	if c.state != open {
		defer c.mu.Unlock()
		return 0, c.reason
	}
	if len(p) > c.loop.run.MaxBuffered-c.bufferedLocked() {
		c.mu.Unlock()
		return 0, c.loop.run.ErrBufferFull
	}
	err := c.writeLocked(p)
	c.mu.Unlock()
	if err != nil {
		c.endContext()
		return 0, err
	}
	return len(p), nil
}

// WriteString is Write without a copy of s.
func (c *Conn) WriteString(s string) (int, error) {
	return c.Write(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// Buffered is how many bytes of output wait for the client to make room.
func (c *Conn) Buffered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bufferedLocked()
}

func (c *Conn) bufferedLocked() int {
	if c.out == nil {
		return 0
	}
	return len(c.out.buf) - c.out.off
}

func (c *Conn) writeLocked(p []byte) error {
	if o := c.out; o != nil {
		if o.off > 0 && len(o.buf)+len(p) > cap(o.buf) {
			o.buf = o.buf[:copy(o.buf, o.buf[o.off:])]
			o.off = 0
		}
		o.buf = append(o.buf, p...)
		c.gaugeLocked()
		return nil
	}
	n, err := Send(int(c.fd), p)
	if err != nil && err != unix.EAGAIN {
		return c.failLocked(err)
	}
	if p = p[n:]; len(p) == 0 {
		return nil
	}
	c.out = &output{buf: append([]byte(nil), p...)}
	if err := c.waitLocked(); err != nil {
		return c.failLocked(err)
	}
	if !c.borrowed && c.watched == c.engineFD { // so that it can be kept when the client half-closes
		c.loop.post(c.adopt)
	}
	c.gaugeLocked()
	return nil
}

// waitLocked has flush called when there is room, or again, for another
// descriptor.
func (c *Conn) waitLocked() error {
	if c.out.handle != nil {
		_ = c.out.handle.Remove() // fails only for a descriptor that is not registered
		c.out.handle = nil
	}
	h, err := c.loop.run.flusher.AddHandler(int(c.fd), loop.Writable, c.flush)
	if err == nil {
		c.out.handle = h
	}
	return err
}

// failLocked ends the connection after a write has failed, and returns err.
func (c *Conn) failLocked(err error) error {
	c.reason = err
	if c.state == open {
		c.state = closing
	}
	c.shutLocked()
	return err
}

// flush runs on the flusher whenever there is room to send.
func (c *Conn) flush(loop.Readiness) {
	c.mu.Lock()
	o := c.out
	if o == nil { // all was sent since this event was harvested
		c.mu.Unlock()
		return
	}
	n, err := Send(int(c.fd), o.buf[o.off:])
	o.off += n
	failed := err != nil && err != unix.EAGAIN
	switch {
	case failed:
		_ = c.failLocked(err)
	case o.off == len(o.buf):
		c.dropOutputLocked()
		if c.state == closing {
			c.shutLocked()
		}
	}
	c.gaugeLocked()
	c.mu.Unlock()
	if failed {
		c.endContext()
	}
}

// dropOutputLocked forgets what is buffered, and the wait for room.
func (c *Conn) dropOutputLocked() {
	if c.out == nil {
		return
	}
	if h := c.out.handle; h != nil {
		_ = h.Remove() // fails only for a descriptor that is not registered
	}
	c.out = nil
}
