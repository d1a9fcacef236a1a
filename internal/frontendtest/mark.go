package frontendtest

import (
	"io"
	"runtime"
	"testing"

	"github.com/valet-go/valet/internal/owner"
)

// reports is a callback for SetHighWater that sends what it is told.
func reports(t *testing.T) (chan bool, func(bool)) {
	ch := make(chan bool, 100)
	return ch, func(above bool) {
		if !owner.Here() {
			t.Error("told off the loop")
		}
		ch <- above
	}
}

func highWaterMark(t *testing.T, h Host) {
	told, tell := reports(t)
	ended := make(chan struct{})
	c, cl, _ := connect(t, h, &Server{Data: echo, Closed: func(Conn, error) { close(ended) }})
	c.SetHighWater(1<<20, tell)
	for range 3 {
		fill(t, c, make([]byte, 16<<20))
		if !Await(t, "a report", told) {
			t.Fatal("told of the end first")
		}
		if _, err := io.CopyN(io.Discard, cl, 16<<20); err != nil {
			t.Fatal(err)
		}
		if Await(t, "a report", told) {
			t.Fatal("told twice of the beginning")
		}
		if n := c.Buffered(); n > 1<<19 {
			t.Errorf("%d bytes wait", n)
		}
	}
	fill(t, c, make([]byte, 16<<20))
	Await(t, "a report", told)
	c.Close()
	if _, err := io.Copy(io.Discard, cl); err != nil {
		t.Fatal(err)
	}
	Await(t, "Closed", ended)
	if len(told) > 0 {
		t.Error("told after Close")
	}
}

func highWaterMarkReplaced(t *testing.T, h Host) {
	first, tellFirst := reports(t)
	second, tellSecond := reports(t)
	c, _, _ := connect(t, h, &Server{Data: echo})
	c.SetHighWater(64<<20, tellFirst)
	fill(t, c, make([]byte, 16<<20))
	barrier(t, c)
	c.SetHighWater(1<<20, tellSecond) // which is passed already
	if !Await(t, "a report", second) {
		t.Error("told of the end first")
	}
	c.SetHighWater(0, nil)
	if _, err := c.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	barrier(t, c)
	if len(first)+len(second) > 0 {
		t.Error("told too much")
	}
	defer func() {
		if v := recover(); v == nil {
			t.Error("a negative mark is accepted")
		}
	}()
	c.SetHighWater(-1, tellFirst)
}

// Who sets the mark when it is passed waits to be told to go on, also if the
// client has read everything before the first report.
func highWaterMarkFallenBelowUntold(t *testing.T, h Host) {
	told, tell := reports(t)
	c, cl, _ := connect(t, h, &Server{Data: echo})
	fill(t, c, make([]byte, 16<<20))
	set := make(chan struct{})
	if err := c.Post(func() {
		c.SetHighWater(1<<20, tell)
		close(set)
		for c.Buffered() > 0 {
			runtime.Gosched()
		}
	}); err != nil {
		t.Fatal(err)
	}
	Await(t, "the mark", set)
	if _, err := io.CopyN(io.Discard, cl, 16<<20); err != nil {
		t.Fatal(err)
	}
	if !Await(t, "a report", told) {
		t.Error("told of the end first")
	}
	if Await(t, "a report", told) {
		t.Error("told twice of the beginning")
	}
}

// A handler that produces until it is above the mark, and goes on when it is
// told to, sends everything and keeps little.
func highWaterMarkHoldsAProducer(t *testing.T, h Host) {
	const mark, piece, pieces = 1 << 20, 64 << 10, 512
	most := 0
	c, cl, _ := connect(t, h, &Server{Data: drop})
	payload := make([]byte, piece)
	sent, held, end := 0, false, make(chan error, 1)
	var produce func()
	produce = func() {
		if held {
			return
		}
		if sent == pieces {
			end <- c.Close()
			return
		}
		sent++
		if _, err := c.Write(payload); err != nil {
			end <- err
			return
		}
		most = max(most, c.Buffered())
		_ = c.Post(produce)
	}
	full := make(chan struct{})
	filled := full
	c.SetHighWater(mark, func(above bool) {
		if above && !held && full != nil {
			close(full)
			full = nil
		}
		held = above
		if !above {
			produce()
		}
	})
	if err := c.Post(produce); err != nil {
		t.Fatal(err)
	}
	Await(t, "the first report", filled)
	if n, err := io.Copy(io.Discard, slowly{cl}); err != nil || n != piece*pieces {
		t.Fatalf("%d bytes arrived of %d: %v", n, piece*pieces, err)
	}
	if err := Await(t, "the end", end); err != nil {
		t.Error(err)
	}
	// The report is posted behind one or two turns of the producer.
	if most > mark+8*piece {
		t.Errorf("%d bytes waited", most)
	}
}
