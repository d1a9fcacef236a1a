package loop

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// The matrix: what happens to a stream, before, during and after each of its
// operations. Each callback comes exactly once, with the documented error.

// moment is when something happens to an operation.
type moment string

const (
	before moment = "before"
	during moment = "during"
	after  moment = "after"
)

// trial is a stream with one operation, whose callbacks it counts on the loop.
type trial struct {
	t    *testing.T
	l    *Loop
	s    *Stream
	peer net.Conn
	when moment

	calls  int // of the operation's callback
	err    error
	closed int // calls of OnClose
	cause  error
	hung   bool
}

func (r *trial) called(err error) {
	if r.calls++; !r.l.OnLoop() {
		r.t.Error("called back off the loop")
	}
	r.err = err
}

// trialOps begin the operation: one that is pending until something happens, or
// one that can be completed.
var trialOps = map[string]func(r *trial, pending bool){
	"ReadBytes": func(r *trial, _ bool) { r.s.ReadBytes(5, func(_ []byte, err error) { r.called(err) }) },
	"ReadUntil": func(r *trial, _ bool) {
		r.s.ReadUntil([]byte("\n"), 10, func(_ []byte, err error) { r.called(err) })
	},
	"ReadSome": func(r *trial, _ bool) { r.s.ReadSome(func(_ []byte, err error) { r.called(err) }) },
	"Write": func(r *trial, pending bool) {
		data := []byte("x")
		if pending {
			data = make([]byte, 16<<20) // more than any buffer holds
		}
		r.s.Write(data, r.called)
	},
	"CloseWrite": func(r *trial, pending bool) { // which has no callback, but that of a late write
		if pending {
			r.s.Write(make([]byte, 16<<20), nil)
		}
		r.s.CloseWrite()
		r.s.Write([]byte("too late"), r.called)
	},
}

func isRead(op string) bool { return op != "Write" && op != "CloseWrite" }

// trialEvents make something happen and wait until it has taken effect.
var trialEvents = map[string]func(r *trial){
	"Close": func(r *trial) {
		on(r.t, r.l, func() {
			calls := r.calls
			if r.s.Close(); r.calls != calls || r.closed != 0 {
				r.t.Error("a callback ran inside Close")
			}
		})
		eventually(r.t, r.l, "OnClose", func() bool { return r.closed > 0 })
	},
	"read timeout": func(r *trial) {
		passed := make(chan struct{})
		on(r.t, r.l, func() {
			r.s.SetReadTimeout(time.Millisecond)
			r.l.AfterFunc(3*time.Millisecond, func() { close(passed) })
		})
		await(r.t, passed)
	},
	"loop close": func(r *trial) { r.l.Close() },
	"peer reset": func(r *trial) {
		on(r.t, r.l, func() { r.s.OnHangUp(func() { r.hung = true }) })
		reset(r.t, r.peer)
		// What is pending ends the stream, perhaps later than the hang-up is told.
		eventually(r.t, r.l, "the hang-up", func() bool { return r.hung && r.when != during || r.closed > 0 })
	},
}

// wanted is what the documentation says: the error of the operation's callback,
// and that of OnClose, of a stream that is closed in the end.
func (r *trial) wanted(op, event string, when moment) (calls int, err, cause error) {
	calls = 1
	if event == "loop close" {
		cause = ErrClosed
	}
	switch {
	case op == "CloseWrite":
		err = net.ErrClosed // the late write's, come what may
		if event == "peer reset" && when == during {
			cause = errBroken
		}
	case when == after:
		return // what is over is not called back again
	case event == "Close":
		err = net.ErrClosed
	case event == "loop close":
		err = ErrClosed
	case event == "peer reset":
		err, cause = errBroken, errBroken
	case isRead(op):
		err = os.ErrDeadlineExceeded
	case when == during:
		err = net.ErrClosed // a write has no read timeout; the final Close ends it
	}
	if event == "loop close" && when == before {
		calls, err = 0, nil // nothing runs on a closed loop
	}
	return
}

// errBroken stands for an error of a connection that the peer has reset.
var errBroken = errors.New("a reset")

func wantTrial(t *testing.T, what string, got, want error) {
	t.Helper()
	var oe *net.OpError
	switch {
	case want == errBroken && errors.As(got, &oe) && (errors.Is(got, syscall.ECONNRESET) || errors.Is(got, syscall.EPIPE)):
	case got != want:
		t.Errorf("%s got %v, want %v", what, got, want)
	}
}

func TestStreamMatrix(t *testing.T) {
	for op := range trialOps {
		for event := range trialEvents {
			for _, when := range []moment{before, during, after} {
				for _, network := range []string{"tcp4", "unix"} {
					if event == "peer reset" && network == "unix" {
						continue
					}
					t.Run(event+" "+string(when)+" "+op+" "+network, func(t *testing.T) {
						testTrial(t, network, op, event, when)
					})
				}
			}
		}
	}
}

func testTrial(t *testing.T, network, op, event string, when moment) {
	r := &trial{t: t, l: start(t), when: when}
	r.s, r.peer = streamPair(t, r.l, network)
	happen, begin := trialEvents[event], trialOps[op]
	on(t, r.l, func() {
		r.s.OnClose(func(err error) { r.closed++; r.cause = err })
	})
	if when == before {
		happen(r)
	}
	beginIt := func() {
		begin(r, when == during)
		if r.calls != 0 {
			t.Error("the callback ran inside the method")
		}
	}
	if event == "loop close" && when == before {
		beginIt() // a closed loop belongs to nobody
	} else {
		on(t, r.l, beginIt)
	}
	switch when {
	case during:
		happen(r)
	case after:
		if isRead(op) {
			sendTo(t, r.peer, "line\n")
		}
		eventually(t, r.l, "the callback", func() bool { return r.calls > 0 })
		happen(r)
	case before:
		if event != "loop close" {
			eventually(t, r.l, "the callback", func() bool { return r.calls > 0 })
		}
	}
	if event != "loop close" {
		on(t, r.l, r.s.Close)
		eventually(t, r.l, "OnClose", func() bool { return r.closed > 0 })
	}
	r.l.Close()
	calls, err, cause := r.wanted(op, event, when)
	if r.calls != calls || r.closed != 1 {
		t.Errorf("%d callbacks, want %d; OnClose %d times", r.calls, calls, r.closed)
	}
	wantTrial(t, op, r.err, err)
	wantTrial(t, "OnClose", r.cause, cause)
}
