package mongo

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// asked counts the replies that the driver waits for, by command: what it says to
// have started need not have been sent.
type asked struct {
	mu     sync.Mutex // guards awaits
	awaits map[string]int
}

func newAsked() *asked { return &asked{awaits: map[string]int{}} }

// dialer returns one whose connections a watches.
func (a *asked) dialer(d options.ContextDialer) options.ContextDialer { return askedDialer{d, a} }

type askedDialer struct {
	options.ContextDialer
	a *asked
}

func (d askedDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.ContextDialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &askedConn{Conn: c, a: d.a}, nil
}

// askedConn is used by one goroutine at a time, but for Close.
type askedConn struct {
	net.Conn
	a     *asked
	wrote string // the command whose reply has not begun to come, or ""
}

func (c *askedConn) Write(p []byte) (int, error) {
	c.wrote = commandOf(p)
	return c.Conn.Write(p)
}

func (c *askedConn) Read(p []byte) (int, error) {
	c.a.add(c.wrote, 1)
	n, err := c.Conn.Read(p)
	c.a.add(c.wrote, -1)
	c.wrote = ""
	return n, err
}

func (a *asked) add(command string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.awaits[command] += n
}

// commandOf returns the name of a message's command: that of the first element of
// the document that is the first section of an OP_MSG.
func commandOf(msg []byte) string {
	const first = 16 + 4 + 1 + 4 + 1 // header, flags, kind of section, length, type
	if len(msg) < first {
		return ""
	}
	name, _, _ := bytes.Cut(msg[first:], []byte{0})
	return string(name)
}

// waits reports whether the reply to a command is waited for.
func (a *asked) waits(command string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.awaits[command] > 0
}

// cut calls x.method(ctx, args...), ends ctx when the server has been sent the
// command, before it replies, and returns the results.
func (p *program) cut(command string, x any, method string, args ...any) []any {
	p.t.Helper()
	ctx, cancel := p.canceling()
	wait := p.start(x, method, append([]any{ctx}, args...)...)
	p.untilAsked(command)
	cancel()
	return wait()
}

// untilAsked returns when the reply to the command is waited for.
func (p *program) untilAsked(command string) {
	p.t.Helper()
	eventually(p.t, "a wait for the reply to "+command, func() bool { return p.asked.waits(command) })
}

func TestCommandOf(t *testing.T) {
	msg := append(make([]byte, 25), 2)
	if got := commandOf(append(msg, "find\x00numbers"...)); got != "find" {
		t.Errorf("the command is %q", got)
	}
	if got := commandOf(msg[:20]); got != "" {
		t.Errorf("half a message has the command %q", got)
	}
}
