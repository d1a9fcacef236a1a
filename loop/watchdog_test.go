package loop

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// logBuffer is a log that a test can read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
	got chan struct{} // capacity 1: something was written
}

func newLog() (*logBuffer, *slog.Logger) {
	b := &logBuffer{got: make(chan struct{}, 1)}
	return b, slog.New(slog.NewTextHandler(b, nil))
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.got <- struct{}{}:
	default:
	}
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// aNamedCallback is what the stack in the report must name.
func aNamedCallback(release <-chan struct{}) { <-release }

func TestTheWatchdogReportsACallbackWhileItRuns(t *testing.T) {
	for name, block := range map[string]func(l *Loop, release <-chan struct{}){
		"posted": func(l *Loop, release <-chan struct{}) { l.Post(func() { aNamedCallback(release) }) },
		"timer": func(l *Loop, release <-chan struct{}) {
			l.Post(func() { l.AfterFunc(0, func() { aNamedCallback(release) }) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, logger := newLog()
			l := start(t, WithWatchdog(20*time.Millisecond), WithLogger(logger))
			on(t, l, func() {}) // it must not matter that the loop slept before
			release := make(chan struct{})
			block(l, release)
			await(t, log.got)
			close(release)
			on(t, l, func() {})
			text := log.String()
			for _, want := range []string{"blocks the event loop", "aNamedCallback", "limit=20ms", "level=WARN"} {
				if !strings.Contains(text, want) {
					t.Errorf("the report lacks %q:\n%s", want, text)
				}
			}
			if n := l.Stats().Stalls; n != 1 {
				t.Errorf("%d stalls counted, want 1", n)
			}
		})
	}
}

func TestTheWatchdogReportsAgainWhenItHasTakenTwiceAsLong(t *testing.T) {
	log, logger := newLog()
	l := start(t, WithWatchdog(4*time.Millisecond), WithLogger(logger))
	release := make(chan struct{})
	l.Post(func() { <-release })
	await(t, log.got)
	await(t, log.got)
	await(t, log.got)
	close(release)
	on(t, l, func() {
		if n := l.Stats().Stalls; n != 1 {
			t.Errorf("one callback counts as %d stalls", n)
		}
	})
}

// Many short callbacks, and sleep, are no stall. What is short is a matter of
// the machine, so the limit is long and the time is spent in many pieces.
func TestTheWatchdogIsSilentOtherwise(t *testing.T) {
	log, logger := newLog()
	const limit = 2 * time.Second
	l := start(t, WithWatchdog(limit), WithLogger(logger))
	w := &l.watchdog
	look := func() { // what the timer does
		w.look()
	}
	for range 20 { // a loop that sleeps
		look()
	}
	on(t, l, func() { // callbacks whose number grows
		for range 20 {
			w.asked.Store(true)
			w.note()
			look()
		}
	})
	if s := log.String(); s != "" {
		t.Error(s)
	}
}

// The watchdog sleeps with the loop, and wakes with it.
func TestTheWatchdogDozesWithTheLoop(t *testing.T) {
	l := start(t, WithWatchdog(4*time.Millisecond))
	for range 3 {
		for end := time.Now().Add(20 * time.Second); !l.watchdog.dozing.Load(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("it never dozes beside a sleeping loop")
			}
		}
		on(t, l, func() {
			if l.watchdog.dozing.Load() {
				t.Error("it dozes beside a loop that runs")
			}
		})
	}
}

func TestTheWatchdogCanBeOff(t *testing.T) {
	l := start(t, WithWatchdog(0))
	on(t, l, func() {
		if l.watchdog.timer != nil {
			t.Error("there is a timer")
		}
	})
}

func TestOptionsRefuseNonsense(t *testing.T) {
	for name, o := range map[string]Option{
		"WithWatchdog":     WithWatchdog(-1),
		"at least 1ms":     WithWatchdog(time.Microsecond),
		"WithLogger":       WithLogger(nil),
		"WithPanicHandler": WithPanicHandler(nil),
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New = %v; the error must speak of %s", err, name)
		}
	}
}

func TestPanicsAreLogged(t *testing.T) {
	log, logger := newLog()
	l := start(t, WithLogger(logger), logPanics)
	l.Post(func() { panic("the cause") })
	on(t, l, func() {
		if n := l.Stats().Panics; n != 1 {
			t.Errorf("%d panics counted", n)
		}
	})
	if s := log.String(); !strings.Contains(s, "the cause") || !strings.Contains(s, "watchdog_test.go") {
		t.Errorf("logged %q", s)
	}
}

func TestTheLoopsStackIsFoundAmongMany(t *testing.T) {
	l := start(t)
	release := make(chan struct{})
	defer close(release)
	for range 3000 { // more than the first buffer holds
		go func() { <-release }()
	}
	on(t, l, func() {
		id := goroutineID()
		found := make(chan string)
		go func() { found <- string(stackOf(id)) }()
		if s := <-found; !strings.Contains(s, "TestTheLoopsStackIsFoundAmongMany") {
			t.Errorf("found %.300s", s)
		}
	})
}

func TestAWatchedLoopThatIsRunTwice(t *testing.T) {
	log, logger := newLog()
	l, err := New(WithWatchdog(5*time.Millisecond), WithLogger(logger))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 3 {
		l.Post(l.Stop)
		if err := l.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	release := make(chan struct{})
	l.Post(func() { <-release })
	l.Post(l.Stop)
	go func() {
		<-log.got
		close(release)
	}()
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// When the whole process has stood still, the first look that comes late must
// not blame the callback that happened to be running.
func TestTheWatchdogBlamesNobodyForALateLook(t *testing.T) {
	log, logger := newLog()
	const limit = time.Hour // its own timer does not look during the test
	l := start(t, WithWatchdog(limit), WithLogger(logger))
	on(t, l, func() {
		w := &l.watchdog
		w.look() // sees the iteration
		w.look() // and again: begins to count
		late := func() {
			w.mu.Lock()
			w.since = w.since.Add(-2 * limit)
			w.mu.Unlock()
			w.look()
		}
		late()
		if s := log.String(); s != "" {
			t.Errorf("reported by the first look:\n%s", s)
		}
		w.look()
		w.look()
		w.look() // by now it has been seen to run for a whole limit
		if n := l.Stats().Stalls; n != 1 {
			t.Errorf("%d stalls counted, want 1", n)
		}
	})
}

// The callbacks of a stream's turn are watched one by one.
func TestTheWatchdogTellsAStreamsCallbacksApart(t *testing.T) {
	l := start(t, WithWatchdog(time.Hour))
	s, _ := streamPair(t, l, "tcp4")
	const n = turnCallbacks / 2
	beats := map[uint64]bool{}
	done := make(chan struct{})
	on(t, l, func() {
		for range n {
			s.Write(nil, func(error) {
				l.watchdog.asked.Store(true)
				if beats[l.watchdog.beat.Load()] = true; len(beats) == n {
					close(done)
				}
			})
		}
	})
	await(t, done)
}
