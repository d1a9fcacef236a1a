package embedded

import (
	"net"
	"sync"
)

// tracker is a listener that knows its open connections, because
// go-mysql-server stops accepting when it is closed but leaves the connections
// that it has to their clients.
type tracker struct {
	net.Listener
	serving sync.WaitGroup // connections that the server has not closed yet

	mu   sync.Mutex
	open map[*trackedConn]struct{} // guarded by mu
}

func newTracker(ln net.Listener) *tracker {
	return &tracker{Listener: ln, open: map[*trackedConn]struct{}{}}
}

func (t *tracker) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tc := &trackedConn{Conn: c, tracker: t}
	t.serving.Add(1)
	t.mu.Lock()
	t.open[tc] = struct{}{}
	t.mu.Unlock()
	return tc, nil
}

// hangUp closes every connection under the server's hands and waits until the
// server has noticed. Nothing may be accepting any more.
func (t *tracker) hangUp() {
	t.mu.Lock()
	for c := range t.open {
		c.Conn.Close()
	}
	t.mu.Unlock()
	t.serving.Wait()
}

// trackedConn is a connection of a tracker. The server closes it last of all,
// after everything else that it does for a connection.
type trackedConn struct {
	net.Conn
	tracker *tracker
	once    sync.Once
}

func (c *trackedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.tracker.mu.Lock()
		delete(c.tracker.open, c)
		c.tracker.mu.Unlock()
		c.tracker.serving.Done()
	})
	return err
}
