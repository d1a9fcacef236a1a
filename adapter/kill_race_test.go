package adapter

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

// server is one that can be told to stop what a connection asks of it: the
// query that is under way then is the one that is killed.
type server struct {
	mu    sync.Mutex
	query int // under way; 0: none
	hit   map[int]bool
}

func (s *server) begin(query int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.query = query
}

func (s *server) kill(context.Context) error {
	for range 3 { // on its way
		runtime.Gosched()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hit[s.query] = true
	return nil
}

// TestAKillNeverHitsTheNextQuery races cancelling the first of two queries on
// one connection with its end.
func TestAKillNeverHitsTheNextQuery(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	a := newAdapter(t, WithCancel(Kill), WithGrace(time.Hour))
	late := 0
	for range 3000 {
		s := &server{hit: map[int]bool{}}
		began := make(chan struct{})
		first, pause, before := r.IntN(8), r.IntN(8), r.IntN(8)
		explicit := r.IntN(3) > 0
		cb, got := into[int]()
		c := Go(bg, a, func(ctx context.Context) (int, error) {
			s.begin(1)
			release := Killable(ctx, s.kill)
			close(began)
			for range first {
				runtime.Gosched()
			}
			if explicit {
				release()
			} else {
				return 1, nil // the pool gives the connection to somebody else
			}
			s.begin(2)
			for range pause {
				runtime.Gosched()
			}
			return 2, nil
		}, func(v int, err error) {
			s.begin(3)
			cb(v, err)
		})
		<-began
		for range before {
			runtime.Gosched()
		}
		c.Cancel()
		if o := await(t, got); o.err != nil {
			t.Errorf("callback got %v", o.err)
		}
		eventually(t, "the body returned", func() bool { return a.Stats().Running == 0 })
		s.mu.Lock()
		if s.hit[2] || s.hit[3] || s.hit[0] {
			t.Fatalf("seed %d: the killing hit %v", seed, s.hit)
		}
		if !s.hit[1] {
			late++
		}
		s.mu.Unlock()
	}
	t.Logf("%d of 3000 were over before they could be killed", late)
}
