package loop

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

const (
	// dueBudget is how long the endpoints that have something to do may take
	// before the loop polls again.
	dueBudget = 500 * time.Microsecond

	// yieldEvery is how long streams may keep the loop busy before it lets
	// other goroutines run: a loop with something to do does not sleep.
	yieldEvery = 200 * time.Microsecond
)

// endpoint is a stream, a listener or a dial.
type endpoint interface {
	// turn does what is due, and runs callbacks. On the loop, in no callback.
	turn()
	// shut makes everything that is pending due, with ErrClosed: the loop is
	// being closed. It runs no callback.
	shut()
	// where is its place among those that are open, which add and remove look
	// after.
	where() *place
}

// place is what an endpoint embeds. A list takes half of a map's memory.
type place struct{ number int32 } // 0: none

func (p *place) where() *place { return p }

// streams is what a loop keeps for its endpoints.
type streams struct {
	mu     sync.Mutex // guards open and closed
	open   []endpoint
	closed bool

	// The rest belongs to the loop's goroutine.
	due     []endpoint // to get a turn in the next iteration
	dueAt   int
	posted  bool   // takeTurns has been posted
	run     func() // takeTurns, made once
	down    bool   // as closed: nothing is begun any more
	yielded time.Time

	readRoom  int    // bytes that the stream whose turn it is may still receive
	writeRoom int    // and send
	scratch   []byte // what one turn of a stream receives, until it is consumed or kept
	chunks    chunks
}

// add registers e, to be shut with the loop. It reports false if the loop is
// closed. Any goroutine.
func (st *streams) add(e endpoint) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return false
	}
	if at := e.where(); at.number == 0 {
		st.open = append(st.open, e)
		at.number = int32(len(st.open))
	}
	return true
}

func (st *streams) remove(e endpoint) {
	st.mu.Lock()
	defer st.mu.Unlock()
	at, n := e.where(), len(st.open)
	if at.number == 0 || st.closed {
		return
	}
	last := st.open[n-1] // takes its place
	st.open[at.number-1], st.open[n-1] = last, nil
	st.open = st.open[:n-1]
	last.where().number, at.number = at.number, 0
}

// all returns what is registered.
func (st *streams) all() []endpoint {
	st.mu.Lock()
	defer st.mu.Unlock()
	return slices.Clone(st.open)
}

// later gives e a turn in the next iteration. One post serves all endpoints of
// an iteration, and none is made for what an event's own turn can do.
func (l *Loop) later(e endpoint) {
	st := &l.streams
	st.due = append(st.due, e)
	l.postDue()
}

func (l *Loop) postDue() {
	st := &l.streams
	if !st.posted {
		if st.run == nil {
			st.run = l.takeTurns
		}
		st.posted = l.Post(st.run) == nil // if not, closeStreams gives the turn
	}
}

// takeTurns gives turns to the endpoints that were due when it was called, as far
// as the budget goes.
func (l *Loop) takeTurns() {
	st := &l.streams
	st.posted = false
	defer l.keepDue()
	start := time.Now()
	for last := len(st.due); st.dueAt < last; {
		l.nextDue().turn()
		if st.dueAt%8 == 0 && time.Since(start) > dueBudget {
			break
		}
	}
	if st.dueAt < len(st.due) && time.Since(st.yielded) > yieldEvery {
		runtime.Gosched()
		st.yielded = time.Now()
	}
}

func (l *Loop) nextDue() endpoint {
	st := &l.streams
	e := st.due[st.dueAt]
	st.due[st.dueAt] = nil
	st.dueAt++
	return e
}

// keepDue leaves what is still due for the next iteration. It also runs when a
// callback has panicked.
func (l *Loop) keepDue() {
	st := &l.streams
	st.due, st.dueAt = slices.Delete(st.due, 0, st.dueAt), 0
	if len(st.due) > 0 {
		l.postDue()
	}
}

// closeStreams ends every endpoint and runs the callbacks that are pending. It
// comes after the posted callbacks and before the handlers are told. If a
// callback ends the goroutine, a second call goes on.
func (l *Loop) closeStreams() {
	st := &l.streams
	st.mu.Lock()
	open := st.open
	st.open, st.closed = nil, true
	st.mu.Unlock()
	st.down = true
	for _, e := range open {
		e.shut()
	}
	for st.dueAt < len(st.due) {
		l.closeDue()
	}
	st.scratch, st.chunks = nil, chunks{}
}

func (l *Loop) closeDue() {
	defer l.contain()
	l.nextDue().turn()
}
