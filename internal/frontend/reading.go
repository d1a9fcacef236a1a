//go:build linux || darwin || freebsd

package frontend

import (
	"time"
)

// watchAgain is how long to wait when the system refuses to poll a connection.
const watchAgain = 100 * time.Millisecond

// Data is the engine's word that c has sent in. On the loop.
func (c *Conn) Data(in []byte) {
	c.mu.Lock()
	switch {
	case c.state != open:
		c.mu.Unlock()
		return
	case c.paused:
		// The pause has not reached the engine's poll yet, which can only be
		// told on the loop and after Opened. This is the last that is read.
		c.holdLocked(in)
		c.applyReadingLocked()
		c.mu.Unlock()
		return
	case !c.borrowed && c.watched == c.engineFD:
		c.adoptLocked()
	}
	c.mu.Unlock()
	c.loop.run.callData(c, in)
}

// holdLocked keeps a copy for applyReading.
func (c *Conn) holdLocked(in []byte) {
	r := c.rareLocked()
	r.held = append(r.held, in...)
}

// adopt lets the engine's poll know the connection by our own descriptor, on
// the loop after it was opened. An engine that closes its descriptor as soon as
// a client has finished sending cannot end a registration that lives longer;
// ours can be ended, and the connection kept until all is sent.
func (c *Conn) adopt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.borrowed && !c.gone && c.state < closed && c.watched == c.engineFD {
		c.adoptLocked()
	}
}

func (c *Conn) adoptLocked() {
	if watch(c.loop.PollFD, int(c.fd), int(c.engineFD)) != nil {
		return
	}
	if forgetsClosed { // it is the engine's number that counts
		return
	}
	if unwatch(c.loop.PollFD, int(c.engineFD), int(c.engineFD)) != nil {
		_ = unwatch(c.loop.PollFD, int(c.fd), int(c.engineFD))
		return
	}
	c.watched = c.fd
}

// unwatchLocked has the engine's poll leave the connection out. On the loop.
func (c *Conn) unwatchLocked() {
	if c.watched >= 0 {
		// It fails only for what is not registered.
		_ = unwatch(c.loop.PollFD, int(c.watched), int(c.engineFD))
		c.watched = -1
	}
}

// PauseReading keeps Data from being called until ResumeReading.
func (c *Conn) PauseReading() { c.setPaused(true) }

// ResumeReading ends a pause.
func (c *Conn) ResumeReading() { c.setPaused(false) }

func (c *Conn) setPaused(paused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paused == paused || c.state != open {
		return
	}
	c.paused = paused
	if paused && (c.borrowed || c.watched == c.fd) && c.loop.Here() {
		c.applyReadingLocked()
		return
	}
	c.loop.post(c.applyReading)
}

// applyReading does what PauseReading or ResumeReading has asked for last, on
// the loop and after Opened, where some engines would not bear it.
func (c *Conn) applyReading() {
	c.mu.Lock()
	var held []byte
	if !c.paused && c.state == open && c.rare != nil {
		held, c.rare.held = c.rare.held, nil
	}
	if len(held) > 0 {
		c.mu.Unlock()
		c.loop.run.callData(c, held)
		c.mu.Lock()
	}
	c.applyReadingLocked()
	c.mu.Unlock()
}

func (c *Conn) applyReadingLocked() {
	switch pause := c.paused && c.state < shut; {
	case c.gone || c.state == closed || c.loop.PollFD < 0:
	case pause:
		c.unwatchLocked()
	case c.watched < 0:
		err := watch(c.loop.PollFD, int(c.fd), int(c.engineFD))
		if err == nil {
			c.watched = c.fd
			return
		}
		// Nothing more is heard of it, not even that it is shut down.
		if c.state < shut {
			_ = c.failLocked(err)
		}
		time.AfterFunc(watchAgain, func() { c.loop.post(c.applyReading) })
	}
}
