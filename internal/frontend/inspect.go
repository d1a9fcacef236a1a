//go:build linux || darwin || freebsd

package frontend

// What the hosts' tests look at.

// Engine is what runs l. Any goroutine.
func (l *Loop) Engine() Engine { return l.run.engine }

// Len is how many connections l has. On the loop.
func (l *Loop) Len() int { return len(l.conns) }

// Descriptors returns the one that c writes to, or -1, and the engine's number.
// Any goroutine.
func (c *Conn) Descriptors() (fd, engineFD int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.fd), int(c.engineFD)
}

// Held is how many bytes of input c keeps while its reading is paused. Any
// goroutine.
func (c *Conn) Held() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rare == nil {
		return 0
	}
	return len(c.rare.held)
}

// FlusherIterations is how often what sends output has been woken. Any
// goroutine.
func (l *Loop) FlusherIterations() uint64 { return l.run.flusher.Stats().Iterations }
