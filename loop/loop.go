package loop

import (
	"context"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valet-go/valet/internal/gid"
	"github.com/valet-go/valet/internal/idle"
	"github.com/valet-go/valet/internal/owner"
)

// Loop is an event loop. Make one with [New] or [Start].
type Loop struct {
	sleepState atomic.Uint32 // see poller.go
	posted     queue
	owner      atomic.Uintptr // the goroutine that runs the loop, or between; 0 when none does
	stopping   atomic.Bool    // Stop was called, and Run has not returned yet
	closing    atomic.Bool    // Close was called
	ended      chan struct{}  // closed when Close has done all

	mu         sync.Mutex // guards running, and the decision who shuts down
	running    bool
	closeAtEnd bool // made by Start

	handlers handlers
	streams  streams
	poller   *poller
	watchdog watchdog
	log      *slog.Logger
	onPanic  func(v any, stack []byte)

	statsMu   sync.Mutex // guards published
	published Stats

	// The rest belongs to the loop's goroutine.
	ctx      context.Context // bounds the running Run
	limit    uint64          // of callbacks; at so many, Run ends
	timers   timerHeap
	timerSeq uint64
	timersAt time.Time // of the last phase 1: no timer is due earlier
	batch    []func()  // posted callbacks being run
	batchAt  int
	found    []event
	ready    []ready // events being dispatched
	readyAt  int
	counts   Stats
}

// New returns a loop that does not run yet; see [Loop.Run]. Any goroutine; does
// not block. Errors: an option's; the system's, if it has no descriptor left. A
// loop that is no longer needed must be closed, whether it ever ran or not.
func New(opts ...Option) (*Loop, error) {
	l := &Loop{ended: make(chan struct{}), log: slog.Default(), timersAt: epoch}
	l.onPanic = l.logPanic
	l.watchdog.limit = defaultStall
	for _, o := range opts {
		if err := o(l); err != nil {
			return nil, err
		}
	}
	l.watchdog.log = l.log
	var err error
	if l.poller, err = newPoller(); err != nil {
		return nil, err
	}
	return l, nil
}

// Start returns a loop that runs on a goroutine of its own until ctx ends, or
// Stop or Close is called, and is then closed, as by Close. Any goroutine; waits
// only until the new goroutine runs. Errors are those of New.
func Start(ctx context.Context, opts ...Option) (*Loop, error) {
	l, err := New(opts...)
	if err != nil {
		return nil, err
	}
	l.running, l.closeAtEnd = true, true
	owned := make(chan struct{})
	go l.run(ctx, forever, func() { close(owned) })
	<-owned
	return l, nil
}

// Run runs the loop on the calling goroutine until ctx ends, and returns the
// context's error; until [Loop.Stop], and returns nil; or until [Loop.Close],
// and returns [ErrClosed]. A loop that was stopped may be run again. If a
// callback calls [runtime.Goexit], that ends the calling goroutine, and the
// loop goes on with another. On a loop that runs already, as from a callback,
// it reports [ErrRunning]; on a closed one ErrClosed. Any goroutine.
func (l *Loop) Run(ctx context.Context) error {
	if err := l.enter(); err != nil {
		return err
	}
	l.run(ctx, forever, func() {})
	return l.verdict(ctx)
}

// RunOnce is Run, but returns nil as soon as at least one callback has run, be it
// one of the loop's own, at the end of that iteration. If there is nothing to do
// it waits, until ctx ends; given a context that has ended it runs one iteration
// and does not wait. It is for programs that have a main loop of their own.
func (l *Loop) RunOnce(ctx context.Context) error {
	if err := l.enter(); err != nil {
		return err
	}
	if l.run(ctx, l.counts.Callbacks+1, func() {}) {
		return nil
	}
	return l.verdict(ctx)
}

// enter makes the caller the one who runs the loop.
func (l *Loop) enter() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closing.Load():
		return ErrClosed
	case l.running:
		return ErrRunning
	}
	l.running = true
	return nil
}

// verdict says why the loop ended.
func (l *Loop) verdict(ctx context.Context) error {
	if l.closing.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// forever is more callbacks than a loop can run.
const forever = math.MaxUint64

// between is the loop's owner while it changes over from a goroutine that a
// callback ended to another: the runtime may give the old one's identity to a
// third, which must not be taken for the loop.
const between = ^uintptr(0)

// run iterates until the loop is to end, or so many callbacks have run in all,
// which it reports. It calls started when the calling goroutine owns the loop.
func (l *Loop) run(ctx context.Context, callbacks uint64, started func()) (enough bool) {
	l.ctx, l.limit = ctx, callbacks
	l.owner.Store(gid.Current())
	unmark := owner.Mark()
	l.watchdog.start()
	goexit := true
	defer func() {
		unmark()
		if goexit { // a callback ended this goroutine; the loop lives on
			l.owner.Store(between)
			go l.run(ctx, callbacks, func() {})
			return
		}
		l.finish()
	}()
	started()
	defer context.AfterFunc(ctx, l.wake)()
	for first := true; first && callbacks != forever || !l.ending(); first = false {
		l.iterate()
	}
	enough = l.counts.Callbacks >= l.limit
	goexit = false
	return enough
}

func (l *Loop) ending() bool {
	return l.closing.Load() || l.stopping.Load() || l.counts.Callbacks >= l.limit || l.ctx.Err() != nil
}

// finish gives the loop up, and shuts it down if it is closing.
func (l *Loop) finish() {
	l.mu.Lock()
	if l.closeAtEnd {
		l.closing.Store(true)
	}
	closing := l.closing.Load()
	if !closing {
		l.publish()
		l.watchdog.stop()
		l.running = false
		l.stopping.Store(false)
		l.owner.Store(0)
	}
	l.mu.Unlock()
	if closing {
		l.shutdown()
	}
}

// iterate is one iteration; its phases are in the package doc.
func (l *Loop) iterate() {
	l.dispatch() // what a callback that ended its goroutine left behind
	l.runTimers()
	l.runPosted()
	l.poll()
	l.dispatch()
}

// poll is phase 3.
func (l *Loop) poll() {
	l.counts.Iterations++
	l.watchdog.polling()
	wait := !l.backlog() && !l.ending() && idle.Yield()
	if wait || l.counts.Iterations%publishEvery == 0 {
		l.publish()
	}
	if wait {
		l.wait()
	} else {
		l.found = l.poller.poll(l.found[:0])
	}
	l.watchdog.polled()
	if len(l.found) > 0 {
		l.ready = l.handlers.resolve(l.found, l.ready)
	}
}

func (l *Loop) wait() {
	l.poller.arm(l.nextTimer())
	l.sleepState.Store(sleeping)
	// What was posted, or asked for, before the announcement is seen here; what
	// comes after it wakes the poller.
	if l.posted.empty() && !l.ending() {
		l.found = l.poller.wait(l.found[:0])
		l.counts.Sleeps++
	} else {
		l.found = l.poller.poll(l.found[:0])
	}
	if l.sleepState.Swap(awake) == awake {
		l.counts.Wakeups++
	}
}

// Stop makes Run return after the running iteration; what was posted then waits
// for the next Run. A loop made by [Start] is closed. Any goroutine; does not
// block. On a loop that does not run it does nothing, nor after Close.
func (l *Loop) Stop() {
	l.mu.Lock()
	if l.running {
		l.stopping.Store(true)
	}
	l.mu.Unlock()
	l.wake()
}

// Close ends the loop for good. Post fails with [ErrClosed] from now on; callbacks
// that were posted before still run. Then every [Stream] and [Listener] ends:
// reads, writes, dials and drains that are pending call back with ErrClosed,
// unless they are due with something else, and so does [Stream.OnClose]. Last,
// each handler is told by [LoopClosed]. Timers are dropped. What is begun on a
// loop that has got so far reports ErrClosed, or does not call back.
//
// Any goroutine. It waits for all this, unless it is called on the loop, which
// then ends after the running iteration. If the loop does not run, the callbacks
// run on the calling goroutine, which one of them may end by [runtime.Goexit]. A
// second call reports [ErrClosed], after the same wait, and so does the first
// one if a loop made by [Start] has ended by itself.
func (l *Loop) Close() error {
	l.mu.Lock()
	first := !l.closing.Swap(true)
	mine := first && !l.running
	l.mu.Unlock()
	if first {
		l.posted.close()
	}
	switch {
	case mine:
		l.shutdown()
		<-l.ended
	case l.OnLoop():
	default:
		l.wake()
		<-l.ended
	}
	if !first {
		return ErrClosed
	}
	return nil
}

// shutdown runs what was posted, tells the handlers, and frees the poller. It
// runs on the loop's goroutine, or the closer's if the loop does not run; if a
// callback ends that goroutine, it is continued on another.
func (l *Loop) shutdown() {
	l.owner.Store(gid.Current())
	unmark := owner.Mark()
	goexit := true
	defer func() {
		unmark()
		if goexit {
			l.owner.Store(between)
			go l.shutdown()
		}
	}()
	l.posted.close()
	l.dispatch()
	for l.backlog() {
		l.runPosted()
	}
	l.closeStreams()
	l.closeHandlers()
	goexit = false
	l.dropTimers()
	l.publish()
	l.watchdog.stop()
	l.poller.close()
	l.owner.Store(0)
	close(l.ended)
}

// OnLoop reports whether the calling goroutine is the one that runs the loop;
// no one does after Close. Any goroutine; costs two nanoseconds.
func (l *Loop) OnLoop() bool { return l.owner.Load() == gid.Current() }

// mustOwn panics if what was called may not be called here.
func (l *Loop) mustOwn(what string) {
	if o := l.owner.Load(); o != 0 && o != gid.Current() {
		panic("loop: " + what + " called off the loop while it runs; use Post to get there")
	}
}

// contain ends a panic of a callback. It is deferred around callbacks.
func (l *Loop) contain() {
	if v := recover(); v != nil {
		l.counts.Panics++
		l.onPanic(v, debug.Stack())
	}
}
