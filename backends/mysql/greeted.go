package mysql

import (
	"syscall"
	"time"

	"github.com/valet-go/valet/fakesock"
)

// greeted is a connection that notes the number which the server gives it in
// its greeting, and knows whether it still stands. Otherwise it is a
// [fakesock.Conn]. One goroutine uses it at a time, but for Close.
type greeted struct {
	*fakesock.Conn
	greeting greeting
	read     time.Time // when Read returned last
}

func (c *greeted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read = time.Now()
	if !c.greeting.over {
		c.greeting.see(b[:n])
	}
	return n, err
}

// SyscallConn is for the driver, which reads from each idle connection before it
// uses it, to see whether the server has closed it meanwhile.
func (c *greeted) SyscallConn() (syscall.RawConn, error) {
	raw, err := c.Conn.SyscallConn()
	return glance{raw, c}, err
}

// trusted is for how long after a read the loop is believed that nothing has come,
// since it may be late to learn that the server has closed the connection. A busy
// pool uses its connections again sooner; and what the server does so soon the
// driver's read would often miss as well, while it is on its way.
const trusted = 2 * time.Millisecond

// glance spares the driver its read, a twentieth of what a query takes of the
// processor, if there is nothing to see.
type glance struct {
	syscall.RawConn
	c *greeted
}

// Read is [syscall.RawConn.Read] if it calls f.
func (g glance) Read(f func(fd uintptr) bool) error {
	if g.c.Quiet() && time.Since(g.c.read) < trusted {
		return nil
	}
	return g.RawConn.Read(f)
}
