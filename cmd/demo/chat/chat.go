package chat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/cmd/demo/chat/page"
	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/evioloop"
	"github.com/valet-go/valet/loop/httploop"
)

// tick is how often the sweep looks who has come, gone, or waited long enough.
const tick = 500 * time.Millisecond

// Chat is a server. Its methods may be called from any goroutine.
type Chat struct {
	opts    Options
	store   *store
	files   *httploop.Files
	process string // names this one on the bus

	addr   string
	timers *loop.Loop
	cancel context.CancelFunc
	served chan struct{} // closed when evio has ended, with err
	err    error

	// home is evio's loop; nil before the first client.
	home atomic.Pointer[home]

	// The rest belongs to the loop.
	rooms   map[string]*room
	writers int           // rooms that are being written to
	lined   []*room       // those that wait to be
	calls   int           // started by the chat itself, and not ended
	closing chan struct{} // not nil: nothing new; closed when there are no calls
}

// home is evio's loop as an executor that outlives its clients: a connection's
// context ends calls that are made on it, and these are not to end.
type home struct{ conn *evioloop.Conn }

func (h *home) Post(fn func()) error { return h.conn.Post(fn) }

// errRestarted says that evio stopped by itself. What was its goroutine's cannot
// be handed over to another without a lock.
var errRestarted = errors.New("chat: evio has stopped by itself")

// Open prepares the databases and serves at addr, host:port, until Close. a is
// for the files; db and client must belong to the same loop. ctx bounds the
// opening. It blocks, but not on that loop, where it fails.
func Open(ctx context.Context, a *adapter.Adapter, db *mysql.DB, client *mongo.Client, addr string, opts Options) (*Chat, error) {
	if err := opts.complete(); err != nil {
		return nil, err
	}
	c := &Chat{
		opts: opts, store: newStore(db, client, opts.Name), files: httploop.NewFiles(a, fs.FS(page.Files)),
		process: rand.Text(), timers: a.Loop(), served: make(chan struct{}), rooms: map[string]*room{},
	}
	if err := c.store.prepare(ctx); err != nil {
		return nil, err
	}
	if err := c.serve(addr); err != nil {
		return nil, err
	}
	return c, nil
}

// serve starts evio, and waits until it listens.
func (c *Chat) serve(addr string) error {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	web := &httploop.Server{MaxBody: maxBody}
	ready := make(chan string, 1)
	host := &evioloop.Server{
		Data:   func(conn *evioloop.Conn, in []byte) { web.Data(conn, in) },
		EOF:    func(conn *evioloop.Conn) { web.EOF(conn) },
		Closed: func(conn *evioloop.Conn, _ error) { web.Closed(conn) },
		Ready:  func(addrs []net.Addr) { ready <- addrs[0].String() },
		Logger: c.opts.Logger,
		Grace:  time.Second,
	}
	host.Opened = func(conn *evioloop.Conn) {
		c.home.CompareAndSwap(nil, &home{conn})
		web.Opened(conn)
	}
	web.Handler = func(x *httploop.Exchange) {
		if host.Restarts() > 0 {
			cancel()
			x.Error(errClosing.status, errRestarted.Error())
			return
		}
		c.handle(x)
	}
	go func() {
		defer close(c.served)
		c.err = host.Serve(ctx, "tcp://"+addr)
		if host.Restarts() > 0 {
			c.err = errors.Join(errRestarted, c.err)
		}
	}()
	select {
	case c.addr = <-ready:
	case <-c.served:
		cancel()
		return fmt.Errorf("chat: %w", c.err)
	}
	return c.timers.Post(func() { c.sweepFrom() })
}

// sweepFrom makes the sweep run until evio has ended. On the loop of the timers.
func (c *Chat) sweepFrom() {
	var timer *loop.Timer
	timer = c.timers.Every(tick, func() {
		select {
		case <-c.served:
			timer.Stop()
		default:
			c.onLoop(c.sweep)
		}
	})
}

// sweep looks after all rooms.
func (c *Chat) sweep() {
	now := time.Now()
	for name, r := range c.rooms {
		if r.loading != nil {
			continue
		}
		r.tick(now)
		r.release(now, false)
		if r.idle(now) {
			delete(c.rooms, name)
		}
	}
}

// onLoop runs fn on the loop, if that has begun and not ended. Any goroutine.
func (c *Chat) onLoop(fn func()) {
	if h := c.home.Load(); h != nil {
		_ = h.Post(fn)
	}
}

// started and ended count calls that the chat has started for itself, whose
// callbacks need the loop.
func (c *Chat) started() { c.calls++ }

func (c *Chat) ended() {
	if c.calls--; c.calls == 0 && c.closing != nil {
		close(c.closing)
	}
}

// Addr is the host and port where it listens.
func (c *Chat) Addr() string { return c.addr }

// Ended is closed when the chat has ended, by Close or because evio has stopped
// by itself; then Close reports why.
func (c *Chat) Ended() <-chan struct{} { return c.served }

// Close refuses new messages, sends all clients away, waits for what is being
// written, or for the end of ctx, and stops serving. The databases are the
// caller's to close. It blocks. A second call waits as well.
func (c *Chat) Close(ctx context.Context) error {
	idle := make(chan struct{})
	if h := c.home.Load(); h == nil || h.Post(func() { c.shut(idle) }) != nil {
		close(idle)
	}
	var err error
	select {
	case <-idle:
	case <-c.served:
	case <-ctx.Done():
		err = fmt.Errorf("chat: what is being written: %w", context.Cause(ctx))
	}
	c.cancel()
	<-c.served
	return errors.Join(err, c.err)
}

// shut is the beginning of the end; idle is closed when no calls are left.
func (c *Chat) shut(idle chan struct{}) {
	now := time.Now()
	for _, r := range c.rooms {
		r.release(now, true)
	}
	switch {
	case c.closing != nil: // Close was called twice
		close(idle)
	case c.calls == 0:
		c.closing = idle
		close(idle)
	default:
		c.closing = idle
	}
}
