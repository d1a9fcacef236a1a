package adapter

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// What the systems before this one learned the hard way, and the tests here and
// elsewhere that keep it learned:
//
//	a lock held across a wait stops the loop     TestALockHeldAcrossAWaitDoesNotStopTheLoop
//	a blocking call on the loop hangs it         TestABlockingCallOnTheLoopFails, TestWaitOnTheLoopFails, TestCloseOnTheLoopFails
//	captured contexts leak                       TestContextsAndResultsThatAreGoneAreGarbage, TestAWatchKeepsNoCall, and TestMain
//	long waits starve a fixed pool               TestLongWaitsDoNotStarveShortCalls
//	cancellation is where the bugs are           TestARunningCallIsCancelledByItsPolicy and its neighbours, TestStress
//	two users of one connection                  TestStatementsOfATransactionNeverOverlap, TestLaneRunsCallsOneAfterAnotherInOrder
//	a hop for each row is slow                   TestRowsComeInBatches, TestEachGivesOthersATurn
//	pools reorder replies                        TestRepliesComeInTheOrderOfTheirRequests
//	a submit that blocks freezes the loop        TestStartingACallNeverBlocksTheLoop
//	a panic in a callback ends the process       TestPanicInACallbackIsReportedByTheLoop, TestGoexitInACallbackLeavesTheLoopRunning

// pipe returns two ends of a connection on loopback: one with the fake socket
// of a driver, and one of a server.
func pipe(t *testing.T, l *loop.Loop) (driver, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if driver, err = (&fakesock.Dialer{Loop: l}).Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { driver.Close(); server.Close() })
	return driver, server
}

// TestALockHeldAcrossAWaitDoesNotStopTheLoop has two calls of a driver that
// holds a lock while it waits for a reply. The reply is sent by the loop, once
// the second call wants the lock.
func TestALockHeldAcrossAWaitDoesNotStopTheLoop(t *testing.T) {
	a := newAdapter(t)
	driver, server := pipe(t, a.Loop())
	var mu sync.Mutex
	var wants atomic.Int32
	body := func(context.Context) (string, error) {
		wants.Add(1)
		mu.Lock()
		defer mu.Unlock()
		b := make([]byte, 1)
		_, err := driver.Read(b)
		return string(b), err
	}
	cb, got := into[string]()
	for range 2 {
		Go(bg, a, body, cb)
	}
	eventually(t, "one waits for a reply, and the other for the lock", func() bool {
		return wants.Load() == 2 && len(fakesock.Parked(a.Loop())) == 1
	})
	for range 2 {
		on(t, a, func() {
			if _, err := server.Write([]byte("x")); err != nil {
				t.Error(err)
			}
		})
		wantValue(t, got, "x")
	}
}

func TestABlockingCallOnTheLoopFails(t *testing.T) {
	a := newAdapter(t)
	driver, _ := pipe(t, a.Loop())
	cb, got := into[int]()
	Go(bg, a, func(context.Context) (int, error) { return 1, nil }, func(int, error) {
		cb(driver.Read(make([]byte, 1))) // which nobody would answer
	})
	wantErr(t, got, loop.ErrWouldBlockLoop)
}

// TestContextsAndResultsThatAreGoneAreGarbage: nothing of a call is kept once it
// is over, whatever became of it.
func TestContextsAndResultsThatAreGoneAreGarbage(t *testing.T) {
	type heavy struct{ _ [1 << 10]byte }
	type key struct{}
	a := newAdapter(t, WithSlots(2))
	server, stop := context.WithCancel(bg) // lives on
	defer stop()
	var gone []weak.Pointer[heavy]
	round := func(end func(context.CancelFunc, *Call)) {
		value, result := new(heavy), new(heavy)
		gone = append(gone, weak.Make(value), weak.Make(result))
		ctx, cancel := context.WithCancel(context.WithValue(server, key{}, value))
		defer cancel()
		runs := make(chan struct{})
		cb, got := into[*heavy]()
		c := Go(ctx, a, func(ctx context.Context) (*heavy, error) {
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			close(runs)
			if end != nil {
				<-child.Done()
			}
			return result, child.Err()
		}, cb)
		<-runs
		if end != nil {
			end(cancel, c)
		}
		await(t, got)
	}
	round(nil)
	round(func(cancel context.CancelFunc, _ *Call) { cancel() })
	round(func(_ context.CancelFunc, c *Call) { c.Cancel() })
	eventually(t, "all is garbage", func() bool {
		runtime.GC()
		return !slices.ContainsFunc(gone, func(p weak.Pointer[heavy]) bool { return p.Value() != nil })
	})
}

func TestLongWaitsDoNotStarveShortCalls(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithLongSlots(3))
	var waits []*asked
	for range 3 {
		waits = append(waits, ask(bg, t, a, Long()))
	}
	fourth, late := quick(a, Long())
	if fourth.State() != Waiting {
		t.Errorf("the fourth long call is %v", fourth.State())
	}
	for range 20 {
		_, got := quick(a)
		wantValue(t, got, "quick")
	}
	eventually(t, "the short calls are over", func() bool { return a.Stats().Running == 3 })
	defer block(t, a).release() // nor the other way round
	waits[0].result(nil)
	wantValue(t, late, "quick")
}

func TestStatementsOfATransactionNeverOverlap(t *testing.T) {
	a := newAdapter(t)
	var lane Lane
	busy := 0 // the race detector watches it, too
	done := make(chan error, 100)
	for range cap(done) {
		Go(bg, a, func(context.Context) (int, error) {
			if busy++; busy > 1 {
				t.Error("two statements at once")
			}
			runtime.Gosched()
			busy--
			return 0, nil
		}, func(_ int, err error) { done <- err }, Held(), In(&lane))
	}
	for range cap(done) {
		if err := await(t, done); err != nil {
			t.Error(err)
		}
	}
}

// TestRowsComeInBatches: what the loop is asked to run does not grow with the
// rows, but with the batches.
func TestRowsComeInBatches(t *testing.T) {
	const batches, rows = 20, 1000
	a := newAdapter(t)
	var posts atomic.Int64
	counting := elsewhere(func(f func()) error { posts.Add(1); return a.Loop().Post(f) })
	fetched, handled := 0, 0
	s := NewStream(a.On(counting), nil, func(context.Context) ([]int, error) {
		if fetched++; fetched > batches {
			return nil, io.EOF
		}
		return make([]int, rows), nil
	}, func() error { return nil })
	err := WaitErr(func(cb func(error)) {
		s.Each(bg, func(int) error { handled++; return nil }, cb)
	})
	if err != nil || handled != batches*rows {
		t.Errorf("Each handled %d rows, %v", handled, err)
	}
	// One for each fetch, one for its end, and some where a turn was over.
	if n := posts.Load(); n > batches*rows/eachCheck/4 {
		t.Errorf("%d posts for %d rows in %d batches", n, handled, batches)
	}
}

// TestRepliesComeInTheOrderOfTheirRequests: pipelined requests that end in the
// opposite order.
func TestRepliesComeInTheOrderOfTheirRequests(t *testing.T) {
	const requests = 20
	a := newAdapter(t, WithSlots(requests))
	var window Window
	var replies []int // on the loop
	done := make(chan struct{})
	ends := make([]chan struct{}, requests+1)
	for i := range ends {
		ends[i] = make(chan struct{})
	}
	for i := range requests {
		Go(bg, a, func(context.Context) (int, error) {
			<-ends[i+1]
			close(ends[i])
			return i, nil
		}, func(v int, err error) {
			if replies = append(replies, v); len(replies) == requests {
				close(done)
			}
		}, Ordered(&window))
	}
	close(ends[requests])
	await(t, done)
	if !slices.IsSorted(replies) {
		t.Errorf("the replies came in the order %v", replies)
	}
}

func TestStartingACallNeverBlocksTheLoop(t *testing.T) {
	a := newAdapter(t, WithSlots(1), WithQueue(1))
	head := block(t, a)
	const many = 500
	got := make(chan error, many)
	on(t, a, func() { // does not return if one of them blocks
		for range many {
			Go(bg, a, func(context.Context) (int, error) { return 0, nil }, func(_ int, err error) { got <- err })
		}
	})
	for range many - 1 {
		if err := await(t, got); !errors.Is(err, ErrOverloaded) {
			t.Errorf("callback got %v, want ErrOverloaded", err)
		}
	}
	head.release()
	if err := await(t, got); err != nil { // of the one that found room in the queue
		t.Error(err)
	}
}
