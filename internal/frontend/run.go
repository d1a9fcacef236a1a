//go:build linux || darwin || freebsd

package frontend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/valet-go/valet/loop"
)

const (
	// A failed start, or an engine that ends within healthyAfter, is followed
	// by a pause that doubles from firstPause to longestPause; maxFailures of
	// them in a row, about half a minute, end Serve.
	firstPause   = 10 * time.Millisecond
	longestPause = time.Second
	maxFailures  = 36
	healthyAfter = time.Second

	// drainTime is how long functions may post others at the end.
	drainTime = 250 * time.Millisecond
)

// Config is what the user has set, and the host's name.
type Config struct {
	Name          string // begins the errors
	EngineName    string
	ErrBufferFull error

	Opened, EOF  func(*Conn)
	Data         func(*Conn, []byte)
	Closed       func(*Conn, error)
	Ready        func([]net.Addr)
	PanicHandler func(v any, stack []byte)
	Logger       *slog.Logger
	Grace        time.Duration
	MaxBuffered  int
	Restarts     *atomic.Int64
}

// Engine is one engine after another: Start is called again when one has ended.
type Engine interface {
	// Start returns when the engine listens, where it does, or why it does
	// not, with nothing left running. It calls Listening before clients come.
	Start() ([]net.Addr, error)
	// Ended is closed when the engine that Start has started has ended; err is
	// why, if it knows. Its loops are those that NewLoop has made meanwhile.
	Ended() (ended <-chan struct{}, err func() error)
	// StopAccepting is called once, at the beginning of the graceful end.
	StopAccepting()
	// End makes the engine end. It may be called when it has ended already.
	End()
	// Cleanup gives back what the engine that has ended has used.
	Cleanup()
}

// Run is one call of Serve.
type Run struct {
	Config
	engine  Engine
	flusher *loop.Loop // sends output when clients make room

	listened atomic.Bool // an engine has listened already
	stopping atomic.Bool // take no more connections
	failed   chan error  // why Serve has to end

	notFull  chan struct{} // wakes the stand-in: orphans is not empty any more
	emptied  chan struct{} // closed when the server stops and no connection is left
	withConn atomic.Int64  // loops that may have connections, while it stops

	mu      sync.Mutex // guards the rest
	loops   map[*Loop]struct{}
	old     []weak.Pointer[Loop] // have no connection, but may be posted to
	orphans []*Loop              // have something posted
}

// Serve runs engines until ctx ends. makeEngine is given the run.
func Serve(ctx context.Context, c Config, makeEngine func(*Run) Engine) error {
	if ctx.Err() != nil {
		return nil
	}
	r := &Run{
		Config: c, failed: make(chan error, 1), loops: map[*Loop]struct{}{},
		notFull: make(chan struct{}, 1), emptied: make(chan struct{}),
	}
	flusher, err := loop.Start(context.Background())
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	r.flusher = flusher
	defer r.flusher.Close()
	r.engine = makeEngine(r)
	defer r.finish()
	return r.supervise(ctx)
}

// Listening counts the restarts.
func (r *Run) Listening() {
	if r.listened.Swap(true) {
		r.Restarts.Add(1)
	}
}

// Stopping reports whether connections are refused. Any goroutine.
func (r *Run) Stopping() bool { return r.stopping.Load() }

// Fail makes Serve end with err. Any goroutine.
func (r *Run) Fail(err error) {
	select {
	case r.failed <- err:
	default:
	}
}

// Relay runs fn soon, off the engine's loops.
func (r *Run) Relay(fn func()) { _ = r.flusher.Post(fn) } // fails only at the end

// errEnded is what becomes of the connections when an engine ends by itself.
func (r *Run) errEnded() error {
	return fmt.Errorf("%s: %s stopped, after an accept error or a callback that called runtime.Goexit; it is being restarted", r.Name, r.EngineName)
}

func (r *Run) endReason() error {
	if r.stopping.Load() {
		return loop.ErrClosed
	}
	return r.errEnded()
}

// supervise runs the engine again and again until the server is to end.
func (r *Run) supervise(ctx context.Context) error {
	failures := 0
	for first := true; ; first = false {
		began := time.Now()
		up, over, err := r.attempt(ctx, first)
		switch {
		case over:
			return err
		case ctx.Err() != nil && (up || !first):
			return nil
		case first && !up:
			return fmt.Errorf("%s: %w", r.Name, err)
		case up && time.Since(began) > healthyAfter:
			failures = 0
		case failures == maxFailures:
			return fmt.Errorf("%s: %s does not stay up: %w", r.Name, r.EngineName, err)
		}
		pause := min(firstPause<<min(failures, 10), longestPause)
		failures++
		r.Logger.Error(r.Name+": "+r.EngineName+" stopped and will be restarted", "err", err, "pause", pause)
		if !r.pause(ctx, pause) {
			return nil
		}
	}
}

// attempt runs the engine until it ends, and cleans up after it. up tells
// whether it came as far as listening, over that Serve is to end with err.
func (r *Run) attempt(ctx context.Context, first bool) (up, over bool, err error) {
	addrs, err := r.engine.Start()
	defer r.engineEnded()
	if err != nil {
		return false, false, err
	}
	ended, why := r.engine.Ended()
	if first && r.Ready != nil {
		told := make(chan struct{})
		go func() {
			defer close(told)
			r.callReady(addrs)
		}()
		<-told
	}
	for {
		select {
		case <-ended:
			return true, false, errors.Join(r.errEnded(), why())
		case <-ctx.Done():
			r.stop(ended)
			return true, true, nil
		case err := <-r.failed:
			r.stopping.Store(true)
			r.engine.End()
			<-ended
			return true, true, err
		case <-r.notFull:
			r.runOrphans()
		}
	}
}

// stop is the graceful end.
func (r *Run) stop(ended <-chan struct{}) {
	r.mu.Lock()
	r.stopping.Store(true) // a loop that is made from now on gets no connection
	loops := slices.Collect(maps.Keys(r.loops))
	r.mu.Unlock()
	r.withConn.Store(int64(len(loops)) + 1)
	for _, l := range loops {
		l.post(func() { l.closeAll(loop.ErrClosed) })
	}
	r.loopEmptied() // so that without a loop it is told as well
	r.engine.StopAccepting()
	grace := time.NewTimer(max(r.Grace, 0))
	defer grace.Stop()
	for waiting := true; waiting; {
		select {
		case <-r.emptied:
			waiting = false
		case <-grace.C:
			waiting = false
		case <-ended:
			waiting = false
		case <-r.notFull:
			r.runOrphans()
		}
	}
	r.engine.End()
	<-ended
}

func (r *Run) loopEmptied() {
	if r.withConn.Add(-1) == 0 {
		close(r.emptied)
	}
}

// engineEnded makes the stand-in the executor of all loops. Those without a
// connection are kept only as long as somebody could post to them.
func (r *Run) engineEnded() {
	for _, l := range r.list() {
		l.orphan(r.endReason())
	}
	r.engine.Cleanup()
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.old[:0]
	for _, p := range r.old {
		if p.Value() != nil {
			kept = append(kept, p)
		}
	}
	r.old = kept
	for l := range r.loops {
		if len(l.conns) == 0 && !r.stopping.Load() {
			delete(r.loops, l)
			r.old = append(r.old, weak.Make(l))
		}
	}
}

// list returns the loops that may have connections.
func (r *Run) list() []*Loop {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.loops))
}

// standby asks the stand-in to run what is posted to l. Any goroutine.
func (r *Run) standby(l *Loop) {
	r.mu.Lock()
	r.orphans = append(r.orphans, l)
	r.mu.Unlock()
	select {
	case r.notFull <- struct{}{}:
	default:
	}
}

// runOrphans runs what is posted to loops whose engine has ended.
func (r *Run) runOrphans() {
	r.mu.Lock()
	orphans := r.orphans
	r.orphans = nil
	r.mu.Unlock()
	for _, l := range orphans {
		l.mu.Lock()
		l.queued = false
		l.mu.Unlock()
		standIn(l.RunPosted)
		if l.q.waiting() {
			l.wake(true) // a callback may have ended the goroutine
		}
	}
}

// pause lets time go by while posted functions are run. It reports whether ctx
// is still alive.
func (r *Run) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return true
		case <-ctx.Done():
			return false
		case <-r.notFull:
			r.runOrphans()
		}
	}
}

// finish ends every connection that is left, runs what is posted, and closes
// the queues. Every loop is an orphan by now.
func (r *Run) finish() {
	r.stopping.Store(true)
	loops := r.list()
	for _, l := range loops {
		for len(l.conns) > 0 {
			standIn(func() {
				for c := range l.conns {
					c.abort(loop.ErrClosed)
				}
			})
		}
	}
	for _, p := range r.old {
		if l := p.Value(); l != nil {
			loops = append(loops, l)
		}
	}
	for end := time.Now().Add(drainTime); drain(loops) && time.Now().Before(end); {
	}
	for _, l := range loops {
		l.q.closeIfEmpty(true)
	}
	for drain(loops) {
	}
}

// drain runs what is posted now, and reports whether there was anything.
func drain(loops []*Loop) (any bool) {
	for _, l := range loops {
		if l.q.waiting() {
			any = true
			standIn(l.RunPosted)
		}
	}
	return any
}
