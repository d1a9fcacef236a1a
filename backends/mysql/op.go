package mysql

import (
	"context"
	"errors"
	"sync"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
)

// op is one thing that a connection is asked for in a call with the policy
// Kill. Of a nil one, in other calls, the methods do nothing.
//
// A KILL QUERY that is late must not hit what the connection is asked next. So
// whoever began an op ends it before database/sql can give the connection away:
// that stops a kill which has not been sent yet, and waits for one that has.
type op struct {
	c       *conn
	release func()

	mu      sync.Mutex         // guards the rest
	abort   context.CancelFunc // ends the dialling for the kill, or nil
	over    bool               // the server has answered, or was not asked
	sent    bool               // a kill is on its way, or was
	lost    bool               // nobody knows whether it has arrived
	flushed bool
}

// begin must be called before the server is asked for something. With an error
// it must not be asked. The op must be ended in any case.
func (c *conn) begin(ctx context.Context) (*op, error) {
	if policy, _ := adapter.PolicyOf(ctx); policy != adapter.Kill {
		return nil, nil
	}
	if known, err := c.identify(ctx); !known {
		return nil, err
	}
	o := &op{c: c}
	o.release = adapter.Killable(ctx, o.kill)
	_, err := adapter.PolicyOf(ctx) // after Killable, so that no moment is missed
	return o, err
}

// kill is what Killable gets.
func (o *op) kill(ctx context.Context) error {
	ctx, abort := context.WithCancel(ctx)
	defer abort()
	o.mu.Lock()
	over := o.over
	o.abort = abort
	o.mu.Unlock()
	if over {
		return nil
	}
	k := o.c.killer
	by, err := k.connect(ctx, o.c.peer)
	if err == nil {
		defer k.done(by)
	}
	o.mu.Lock()
	o.abort = nil
	o.sent = err == nil && !o.over
	sent, over := o.sent, o.over
	o.mu.Unlock()
	switch {
	case over:
		return nil
	case !sent:
		return err
	}
	if err = k.send(ctx, by, o.c.id); err != nil && !answered(err) {
		o.mu.Lock()
		o.lost = true
		o.mu.Unlock()
	}
	return err
}

func (o *op) wasSent() bool {
	if o == nil {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sent
}

// settle makes the kill harmless for what comes after, and reports whether it
// was sent: then what is still being read will be cut short.
func (o *op) settle() (killed bool) {
	if o == nil {
		return false
	}
	o.mu.Lock()
	o.over = true
	if o.abort != nil {
		o.abort()
	}
	o.mu.Unlock()
	o.release()
	return o.wasSent()
}

// end is settle once everything has been read, on the goroutine that uses the
// connection. The server has not always noticed the kill while it was busy. So
// it is asked for something else that it may answer with the kill's error, or,
// if the kill may still be on its way, nothing more, ever.
func (o *op) end() {
	if !o.settle() {
		return
	}
	o.mu.Lock()
	flushed, lost := o.flushed, o.lost
	o.flushed = true
	o.mu.Unlock()
	switch {
	case flushed:
	case lost:
		o.c.driverConn.Close()
	default:
		o.c.flush()
	}
}

// answered reports whether err came from the server.
func answered(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e)
}
