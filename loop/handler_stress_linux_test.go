//go:build !valetportable

package loop

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// conduit is a pipe whose bytes are numbered. Its handler is removed, added
// again and modified by itself, by other handlers and by other goroutines.
type conduit struct {
	o      *ordeal
	r, w   int
	others []*conduit
	sent   int // by the writer

	mu  sync.Mutex // guards reg
	reg *registration

	// On the loop.
	read   int
	toRead *int // by all of them, until it is enough
}

// registration is one life of a conduit's handler.
type registration struct {
	h       *Handle
	removed bool // on the loop
	told    int  // of the loop's end; on the loop
}

func interest(edge bool) Interest {
	if edge {
		return Readable | Edge
	}
	return Readable
}

// add registers the handler; remove and modify do nothing if it is not
// registered. They are called anywhere.
func (c *conduit) add(edge bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reg != nil {
		return
	}
	reg := &registration{}
	h, err := c.o.AddHandler(c.r, interest(edge), func(r Readiness) { c.ready(reg, r) })
	if err == nil {
		reg.h, c.reg = h, reg
	} else if !errors.Is(err, ErrClosed) {
		c.o.t.Error(err)
	}
}

func (c *conduit) remove() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reg == nil {
		return
	}
	if err := c.reg.h.Remove(); err != nil {
		c.o.t.Error(err)
	}
	if c.o.OnLoop() {
		c.reg.removed = true
	}
	c.reg = nil
}

func (c *conduit) modify(edge bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reg == nil {
		return
	}
	if err := c.reg.h.Modify(interest(edge)); err != nil && !errors.Is(err, ErrClosed) {
		c.o.t.Error(err)
	}
}

// ready reads in order, to the end, since it may be edge-triggered.
func (c *conduit) ready(reg *registration, r Readiness) {
	switch {
	case reg.removed, reg.told > 0:
		c.o.t.Error("called after Remove, or after the loop's end")
	case r&LoopClosed != 0:
		reg.told++
		return
	}
	c.drain()
	other := c.others[c.o.rng.IntN(len(c.others))]
	edge := c.o.rng.IntN(2) == 0
	switch c.o.rng.IntN(6) {
	case 0:
		c.remove()
		c.add(edge)
	case 1:
		c.remove()
		c.o.Post(func() { c.add(edge) })
	case 2:
		other.remove()
		other.add(edge)
	case 3:
		other.modify(edge)
	}
	c.o.misbehave()
}

func (c *conduit) drain() {
	for b := make([]byte, 64); ; {
		n, err := unix.Read(c.r, b)
		if n <= 0 {
			if err != unix.EAGAIN {
				c.o.t.Errorf("read: %d, %v", n, err)
			}
			return
		}
		for _, v := range b[:n] {
			if v != byte(c.read) {
				c.o.t.Errorf("byte %d is %d", c.read, v)
			}
			c.read++
			if *c.toRead--; *c.toRead == 0 {
				close(c.o.enough)
			}
		}
	}
}

// write sends total bytes in small pieces, and changes handlers from outside.
func (c *conduit) write(rng *rand.Rand, total int) {
	for c.sent < total && !c.o.ended.Load() {
		var b [8]byte
		n := min(1+rng.IntN(len(b)), total-c.sent)
		for i := range n {
			b[i] = byte(c.sent + i)
		}
		if n, err := unix.Write(c.w, b[:n]); err == nil {
			c.sent += n
		} else if err != unix.EAGAIN {
			c.o.t.Error(err)
			return
		}
		edge := rng.IntN(2) == 0
		switch rng.IntN(8) {
		case 0:
			c.remove()
			c.add(edge)
		case 1:
			c.modify(edge)
		case 2:
			runtime.Gosched()
		}
	}
}

// Handlers of pipes are changed from everywhere while the loop is stopped, run
// again, and at last closed, in every other round at random: no event is lost,
// no handler is called after its end, and each is told of the loop's end.
func TestHandlerStress(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		o := newOrdeal(t, seed, uint64(round))
		rng := rand.New(rand.NewPCG(seed, uint64(round+2000)))
		const total = 2000 // bytes for each
		conduits := make([]*conduit, 6)
		toRead := total * len(conduits)
		if round%2 == 0 {
			toRead = 1 + rng.IntN(toRead)
		}
		for i := range conduits {
			conduits[i] = &conduit{o: o, others: conduits, toRead: &toRead}
			conduits[i].r, conduits[i].w = pipe(t)
		}
		for _, c := range conduits {
			c.add(rng.IntN(2) == 0)
			mine := rand.New(rand.NewPCG(seed, rng.Uint64()))
			o.work.Go(func() { c.write(mine, total) })
		}
		o.close(round)
		for i, c := range conduits {
			if c.reg != nil && c.reg.told != 1 {
				t.Errorf("conduit %d was told of the end %d times", i, c.reg.told)
			}
			if c.drain(); c.read != c.sent {
				t.Errorf("conduit %d: %d bytes sent, %d read", i, c.sent, c.read)
			}
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}
