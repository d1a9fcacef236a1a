//go:build linux || darwin || freebsd

package frontend

// mark is a connection's high-water mark.
type mark struct {
	bytes       int
	cb          func(above bool) // nil: there is none
	above, told bool             // above the mark; and what cb was told last
	posted      bool             // a report is under way
}

// SetHighWater makes cb be told, on the loop, when more than bytes wait to be
// sent, and when that has fallen to half again.
func (c *Conn) SetHighWater(bytes int, cb func(above bool)) {
	if bytes < 0 {
		panic(c.loop.run.Name + ": SetHighWater needs a mark that is not negative")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &c.rareLocked().mark
	*m = mark{bytes: bytes, cb: cb, posted: m.posted}
	c.gaugeLocked()
}

func (c *Conn) rareLocked() *rare {
	if c.rare == nil {
		c.rare = &rare{}
	}
	return c.rare
}

// gaugeLocked compares what waits with the mark.
func (c *Conn) gaugeLocked() {
	if c.rare == nil || c.rare.mark.cb == nil {
		return
	}
	m := &c.rare.mark
	switch n := c.bufferedLocked(); {
	case n > m.bytes:
		m.above = true
	case n <= m.bytes/2 && m.told: // else nobody would be told when to go on
		m.above = false
	}
	if m.above != m.told && !m.posted && c.state == open {
		m.posted = true
		_ = c.loop.q.post(posted{c.report, c}) // fails only after the end of Serve
	}
}

// report tells what the mark's callback does not know yet. On the loop.
func (c *Conn) report() {
	c.mu.Lock()
	m := &c.rare.mark
	m.posted = false // before the look: what changes after it is reported anew
	cb, above := m.cb, m.above
	if cb == nil || above == m.told || c.state != open {
		c.mu.Unlock()
		return
	}
	m.told = above
	c.gaugeLocked() // it may have fallen before this
	c.mu.Unlock()
	cb(above)
}
