//go:build linux || darwin || freebsd

package frontend

import (
	"sync"
	"sync/atomic"

	"github.com/valet-go/valet/internal/gid"
	"github.com/valet-go/valet/internal/owner"
)

// phase is where the functions posted to a loop are run. It only ever grows.
//
//	from      to        when
//	starting  serving   Serving: the engine can wake its loop
//	any       ending    Ending: the engine is about to end its loop
//	any       orphaned  the engine has ended
type phase uint8

const (
	starting phase = iota // nobody runs them yet
	serving               // the engine's loop
	ending                // nobody any more; they wait for what comes next
	orphaned              // a goroutine that stands in
)

// Loop is one loop of an engine, and the executor of the connections that it
// serves.
type Loop struct {
	run *Run
	q   queue

	mu      sync.Mutex // guards what follows; held while wakeUp runs
	phase   phase
	wakeUp  func(again bool)
	queued  bool // is in run.orphans
	emptied bool // has told the run that it has no connection, while that stops

	// PollFD is the descriptor of the engine's poll, which is asked directly
	// to leave out a connection; -1 if unknown. The loop's goroutine only.
	PollFD int

	// Served is for the engine, to tell rounds that were for clients from others.
	// The loop's goroutine only.
	Served bool

	gid atomic.Uintptr // of the engine's goroutine; 0: of none

	// The rest belongs to the executor's goroutine: the engine's, and then
	// whoever stands in.
	conns   map[*Conn]struct{}
	unmark  func()
	closing bool // every connection has been told to close
}

// NewLoop is for an engine that is starting, or that has found another loop of
// its own.
func (r *Run) NewLoop() *Loop {
	l := &Loop{run: r, PollFD: -1, conns: map[*Conn]struct{}{}}
	l.q.wake = l.wake
	r.mu.Lock()
	r.loops[l] = struct{}{}
	r.mu.Unlock()
	return l
}

// Enter marks the loop's goroutine, on its first event, as one that must not
// block.
func (l *Loop) Enter() {
	if l.unmark == nil {
		l.gid.Store(gid.Current())
		l.unmark = owner.Mark()
	}
}

// Here reports whether the calling goroutine is the engine's loop. Before the
// first Enter nobody's is. Any goroutine.
func (l *Loop) Here() bool { return l.gid.Load() == gid.Current() }

// Serving tells how to make the engine's loop call [Loop.RunPosted]. wakeUp is
// called on any goroutine, and never after Ending; it must not block. again
// says that RunPosted calls it, which wants to be called anew, but only after
// the engine has read from its clients. What was posted before must be run by
// the caller.
func (l *Loop) Serving(wakeUp func(again bool)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phase == starting {
		l.phase, l.wakeUp = serving, wakeUp
	}
}

// Ending forgets how to wake the loop, whose engine is about to end it.
func (l *Loop) Ending() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phase < ending {
		l.phase, l.wakeUp = ending, nil
	}
}

// RunPosted runs posted functions, for a bounded time. On the loop.
func (l *Loop) RunPosted() { l.q.run(l.run.callPosted) }

// Kick makes the loop call RunPosted, whatever is posted. Any goroutine.
func (l *Loop) Kick() { l.wake(false) }

// post never fails before the end of Serve.
func (l *Loop) post(fn func()) { _ = l.q.post(posted{fn, nil}) }

// wake makes whoever is the executor look at the queue. Any goroutine.
func (l *Loop) wake(again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.phase {
	case serving:
		l.wakeUp(again)
	case orphaned:
		if !l.queued {
			l.queued = true
			l.run.standby(l)
		}
	case starting, ending: // whoever comes next looks by itself
	}
}

// orphan is called when the engine has ended: its connections end with it, but
// for those that it had given up before. From here on the stand-in is the
// executor.
func (l *Loop) orphan(reason error) {
	l.gid.Store(0)
	if l.unmark != nil {
		l.unmark()
		l.unmark = nil
	}
	l.PollFD = -1
	l.mu.Lock()
	l.phase, l.wakeUp = orphaned, nil
	l.mu.Unlock()
	for again := true; again; {
		standIn(func() {
			for c := range l.conns {
				if !c.isGone() {
					c.abort(reason)
				}
			}
			again = false // unless a callback has ended the goroutine
		})
	}
	l.wake(false)
}

// closeAll is the beginning of the graceful end. On the loop.
func (l *Loop) closeAll(reason error) {
	l.closing = true
	for c := range l.conns {
		c.closeWith(reason)
	}
	l.checkEmpty()
}

// forget takes a connection that has ended off the list.
func (l *Loop) forget(c *Conn) {
	delete(l.conns, c)
	l.checkEmpty()
}

func (l *Loop) checkEmpty() {
	if !l.closing || len(l.conns) > 0 {
		return
	}
	l.mu.Lock()
	first := !l.emptied
	l.emptied = true
	l.mu.Unlock()
	if first {
		l.run.loopEmptied()
	}
}

// standIn runs f on a goroutine that counts as an executor's. It returns when
// f has, or has ended its goroutine.
func standIn(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer owner.Mark()()
		f()
	}()
	<-done
}
