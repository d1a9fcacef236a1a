package chat_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/valet-go/valet/cmd/demo/chat"
	"github.com/valet-go/valet/cmd/demo/chat/guest"
)

// crowd is people who talk and listen in a room, badly connected.
type crowd struct {
	room          string
	posters, each int // messages of each poster
	listeners     int
	breaks        float64       // of the requests, those that are broken off
	acknowledged  chan struct{} // gets one for each message, if not nil
	mu            sync.Mutex    // guards what follows
	numbers       map[string]int64
	wrong         []string
	ended         sync.WaitGroup
}

func (c *crowd) complain(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// broken sometimes returns a context that ends soon, wherever the request is then.
func (c *crowd) broken(ctx context.Context, rng *rand.Rand) (context.Context, context.CancelFunc) {
	if rng.Float64() >= c.breaks {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(rng.IntN(40))*time.Millisecond)
}

// start starts everybody. Seeds are drawn here, so that they do not depend on the
// order of goroutines.
func (c *crowd) start(w *world, rng *rand.Rand) {
	c.numbers = map[string]int64{}
	total := c.posters * c.each
	for i := range c.listeners {
		seed := rng.Uint64()
		c.ended.Go(func() { c.listen(w, i, total, rand.New(rand.NewPCG(seed, 0))) })
	}
	for i := range c.posters {
		seed := rng.Uint64()
		c.ended.Go(func() { c.talk(w, fmt.Sprint("Poster ", i), rand.New(rand.NewPCG(seed, 0))) })
	}
}

// talk posts messages, each again until it is acknowledged, and sometimes once more.
func (c *crowd) talk(w *world, nick string, rng *rand.Rand) {
	g := guest.New(w.Addr(), c.room, nick)
	defer g.Leave()
	before := int64(0)
	for i := range c.each {
		id := fmt.Sprintf("%s-%d", strings.ReplaceAll(nick, " ", "-"), i)
		n := int64(0)
		for again := 1 + rng.IntN(2); again > 0 && w.ctx.Err() == nil; {
			ctx, cancel := c.broken(w.ctx, rng)
			got, err := g.Say(ctx, id, nick+" says "+fmt.Sprint(i))
			cancel()
			if status := guest.Status(err); status != 0 && status < 500 {
				c.complain("%s: %v", id, err)
				return
			}
			if err != nil {
				backOff(w.ctx)
				continue
			}
			again--
			if n != 0 && n != got {
				c.complain("%s is number %d, and then %d", id, n, got)
			}
			n = got
		}
		if n <= before && w.ctx.Err() == nil {
			c.complain("%s is number %d, behind %d", id, n, before)
		}
		before = n
		c.mu.Lock()
		c.numbers[id] = n
		c.mu.Unlock()
		if c.acknowledged != nil {
			c.acknowledged <- struct{}{}
		}
	}
}

// listen polls until it has had all messages, and checks that each comes once and
// in its turn, however often it goes away.
func (c *crowd) listen(w *world, i, total int, rng *rand.Rand) {
	g := guest.New(w.Addr(), c.room, fmt.Sprint("Listener ", i))
	defer g.Leave()
	heard := int64(0)
	for heard < int64(total) {
		ctx, cancel := c.broken(w.ctx, rng)
		err := g.Poll(ctx)
		cancel()
		if w.ctx.Err() != nil {
			c.complain("listener %d had %d of %d in the end", i, heard, total)
			return
		}
		if err != nil {
			if status := guest.Status(err); status != 0 && status < 500 {
				c.complain("listener %d: %v", i, err)
				return
			}
			g.Leave() // and comes back over another connection
			backOff(w.ctx)
			continue
		}
		for _, m := range g.Messages {
			if m.N != heard+1 {
				c.complain("listener %d hears %d after %d", i, m.N, heard)
				return
			}
			heard = m.N
		}
	}
}

// backOff is what clients do after an error.
func backOff(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	<-ctx.Done()
}

// check waits for the end, and compares what was acknowledged with the history.
func (c *crowd) check(w *world) {
	w.t.Helper()
	c.ended.Wait()
	for _, s := range c.wrong {
		w.t.Errorf("%s: %s", c.room, s)
	}
	all := w.history(c.room)
	if len(all) != c.posters*c.each {
		w.t.Errorf("%s has %d messages; want %d", c.room, len(all), c.posters*c.each)
	}
	for id, n := range c.numbers {
		at := slices.IndexFunc(all, func(m stored) bool { return m.Client == id })
		if at < 0 || all[at].ID.N != n {
			w.t.Errorf("%s: %s was acknowledged as number %d, and is not there", c.room, id, n)
		}
	}
}

func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestEverybodyHearsEverythingOnceAndInOrder(t *testing.T) {
	w := newWorld(t, chat.Options{})
	rng := seeded(t)
	var crowds []*crowd
	for _, room := range []string{"red", "green", "blue"} {
		c := &crowd{room: room, posters: 4, each: 10, listeners: 3, breaks: 0.3}
		c.start(w, rng)
		crowds = append(crowds, c)
	}
	for _, c := range crowds {
		c.check(w)
	}
	w.checkCounts("red", "green", "blue")
}

// Who was away for longer than the memory reaches gets everything nevertheless.
func TestAwayForLong(t *testing.T) {
	w := newWorld(t, chat.Options{})
	g := w.guest("long", "Ada")
	must(t, g.Poll(w.ctx))
	const total = 260
	for from := 0; from < total; from += 52 { // together, which is faster
		var all sync.WaitGroup
		errs := make([]error, 52)
		for i := range errs {
			all.Go(func() { _, errs[i] = g.Say(w.ctx, fmt.Sprintf("m-%d", from+i), "text") })
		}
		all.Wait()
		must(t, errors.Join(errs...))
	}
	for want := int64(1); want <= total; {
		must(t, g.Poll(w.ctx))
		for _, m := range g.Messages {
			if m.N != want {
				t.Fatalf("number %d; want %d", m.N, want)
			}
			want++
		}
	}
}
