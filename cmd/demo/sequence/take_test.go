package sequence

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"

	"github.com/valet-go/valet/cmd/internal/embedded"
)

// taken is the trace of a real request.
func taken(t *testing.T) *Trace {
	t.Helper()
	my, err := embedded.StartMySQL(embedded.WithUser("valet", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer my.Close()
	trace, err := Take(t.Context(), my.DSN())
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

func TestTakeFollowsARealRequest(t *testing.T) {
	trace := taken(t)
	on := map[Party]uint64{}
	stepped := map[int]bool{}
	for i, e := range trace.Events {
		if i > 0 && e.At.Before(trace.Events[i-1].At) {
			t.Errorf("%s: before the event before it", e)
		}
		if g, seen := on[e.On()]; seen && g != e.Goroutine {
			t.Errorf("%s: on goroutine %d; the %s is %d", e, e.Goroutine, e.On(), g)
		}
		on[e.On()] = e.Goroutine
		if e.Depth < 1 || e.Depth >= maxDepth {
			t.Errorf("%s: %d frames deep", e, e.Depth)
		}
		if e.Step > 0 && stepped[e.Step] {
			t.Errorf("there are two steps %d", e.Step)
		}
		stepped[e.Step] = true
	}
	for step := 1; step <= len(steps); step++ {
		if !stepped[step] {
			t.Errorf("there is no step %d", step)
		}
	}
	if on[Client] == on[Loop] || on[Loop] == on[Worker] || on[Client] == on[Worker] || len(on) != 3 {
		t.Errorf("the goroutines are %v", on)
	}
	if first, last := trace.Events[0], trace.Events[len(trace.Events)-1]; first.What != RequestSent || last.On() == Worker {
		t.Errorf("it is from %q to %q", first, last)
	}
}

func TestTakeTellsWhatIsWrong(t *testing.T) {
	if _, err := Take(t.Context(), "no DSN"); err == nil {
		t.Error("anything is a DSN")
	}
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	if _, err := Take(t.Context(), "root@tcp("+nobody.Addr().String()+")/x"); err == nil || !bytes.Contains([]byte(err.Error()), []byte("refused")) {
		t.Errorf("without a server: %v", err)
	}
}

func TestTakeEndsWithItsContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	went := errors.New("went away")
	go func() {
		c, err := silent.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		cancel(went)
		c.Close()
	}()
	if _, err := Take(ctx, "root@tcp("+silent.Addr().String()+")/x"); err == nil {
		t.Error("it has an answer of nobody's")
	}
}
