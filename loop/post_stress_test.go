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
		const posters = 4
		var accepted [posters]int // written by its poster
		var taken [posters]int    // written here
		closeAfter := rng.IntN(1000)
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
		var batch []func()
		for closed := false; !closed || !q.empty(); {
			q.mu.Lock()
			closed = q.closed
			q.mu.Unlock()
			batch, _ = q.swap(batch)
			for i, fn := range batch {
				batch[i] = nil
				fn()
			}
			runtime.Gosched()
		}
		wg.Wait()
		if taken != accepted {
			t.Fatalf("round %d: accepted %v, taken %v", round, accepted, taken)
		}
	}
}
