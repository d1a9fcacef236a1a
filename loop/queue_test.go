package loop

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Posters race with each other, with the loop and with close: what was
// accepted comes out once, in each poster's order, and nothing else does.
func TestQueueStress(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	for round := range rounds {
		rng := rand.New(rand.NewPCG(seed, uint64(round)))
		var q queue
		q.init()
		const posters = 4
		var accepted [posters]int // written by its poster
		var taken [posters]int    // written here
		closeAfter := rng.IntN(3 * segmentSize)
		var posted atomic.Int64
		var wg sync.WaitGroup
		for p := range posters {
			wg.Go(func() {
				for i := 0; ; i++ {
					if q.push(func() {
						if taken[p] != i {
							t.Errorf("round %d: poster %d: number %d came in place of %d", round, p, i, taken[p])
						}
						taken[p]++
					}) != nil {
						accepted[p] = i
						return
					}
					posted.Add(1)
				}
			})
		}
		wg.Go(func() {
			for posted.Load() < int64(closeAfter) {
				runtime.Gosched()
			}
			q.close()
		})
		for closed := false; !closed || !q.drained(); {
			until := q.end()
			for {
				fn, _ := q.take(until)
				if fn == nil {
					break
				}
				fn()
			}
			q.mu.Lock()
			closed = q.stop.s != nil
			q.mu.Unlock()
			runtime.Gosched()
		}
		wg.Wait()
		if taken != accepted {
			t.Fatalf("round %d: accepted %v, taken %v", round, accepted, taken)
		}
	}
}

// A mark keeps out what was posted after it, at the seam of two segments too.
func TestTakeStopsAtTheMark(t *testing.T) {
	for _, before := range []int{0, 1, segmentSize - 1, segmentSize, segmentSize + 1, 3 * segmentSize} {
		var q queue
		q.init()
		for range before {
			q.push(func() {})
		}
		until := q.end()
		for range segmentSize + 1 {
			q.push(func() { t.Error("taken beyond the mark") })
		}
		n := 0
		for fn, _ := q.take(until); fn != nil; fn, _ = q.take(until) {
			fn()
			n++
		}
		if n != before {
			t.Errorf("%d taken, %d were posted before the mark", n, before)
		}
		if q.empty() {
			t.Error("the queue says it is empty")
		}
	}
}

func TestAClosedQueueStaysClosed(t *testing.T) {
	for _, before := range []int{0, 1, segmentSize - 1, segmentSize, segmentSize + 1} {
		var q queue
		q.init()
		for range before {
			q.push(func() {})
		}
		q.close()
		q.close()
		for range 2 * segmentSize {
			if err := q.push(func() {}); err != ErrClosed {
				t.Fatalf("after close: %v", err)
			}
		}
		n := 0
		for !q.drained() {
			if fn, _ := q.take(q.end()); fn != nil {
				n++
			}
		}
		if n != before {
			t.Errorf("%d of %d came out", n, before)
		}
	}
}
