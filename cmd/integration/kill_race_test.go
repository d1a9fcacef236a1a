package integration

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"
)

// killRace cancels operations that last about as long as a kill takes, at any
// moment of their lives, on connections that are used again at once. What is not
// cancelled must succeed, and what is cancelled must not take connections with
// it.
type killRace struct {
	lasts  time.Duration
	within time.Duration // of its start an operation is cancelled

	cancelled func(ctx context.Context, rng *rand.Rand) error // is run with that
	other     func() error                                    // is not cancelled
	byServer  func(error) bool                                // whether it tells of a kill
}

func (r killRace) run(t *testing.T) {
	t.Helper()
	const lines = 6
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var cancelled, killed, finished, checked, left atomic.Int64
	left.Store(lines)
	began := time.Now()
	// It goes on until its counts have come, though not for so long that it is
	// not waited for.
	goesOn := func() bool {
		past := time.Since(began)
		missing := killed.Load() == 0 || finished.Load() == 0
		return past < r.lasts || missing && past < patience/2
	}
	done := make(chan struct{})
	for line := range lines {
		rng := rand.New(rand.NewPCG(seed, uint64(line)))
		go func() {
			defer func() {
				if left.Add(-1) == 0 {
					close(done)
				}
			}()
			for goesOn() && !t.Failed() {
				cancelled.Add(1)
				err := r.cancel(rng)
				switch {
				case err == nil:
					finished.Add(1)
				case !errors.Is(err, context.Canceled):
					t.Errorf("a cancelled operation: %v", err)
				case r.byServer(err):
					killed.Add(1)
				}
				for range 2 {
					checked.Add(1)
					if err := r.other(); err != nil {
						t.Errorf("an operation that nobody cancelled: %v", err)
					}
				}
			}
		}()
	}
	await(t, done)
	t.Logf("%d cancelled, of which %d by the server and %d too late; %d others were not harmed",
		cancelled.Load(), killed.Load(), finished.Load(), checked.Load())
	if killed.Load() == 0 || finished.Load() == 0 {
		t.Error("the cancellations did not come at all moments")
	}
}

func (r killRace) cancel(rng *rand.Rand) error {
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	timer := time.AfterFunc(time.Duration(rng.Int64N(int64(r.within))), cancel)
	defer timer.Stop()
	return r.cancelled(ctx, rng)
}
