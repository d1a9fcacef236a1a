package adapter

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/valet-go/valet/fakesock"
)

// silent is a server on loopback that accepts and says nothing.
func silent(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// reading starts a call whose body ignores its context and reads what never
// comes, and waits until that is parked.
func reading(t *testing.T, a *Adapter, opts ...CallOption) (*Call, *fakesock.Conn, chan outcome[int]) {
	t.Helper()
	d := &fakesock.Dialer{Loop: a.Loop()}
	c, err := d.Dial("tcp", silent(t).Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	conn := c.(*fakesock.Conn)
	cb, got := into[int]()
	call := Go(bg, a, func(context.Context) (int, error) { return conn.Read(make([]byte, 1)) }, cb, opts...)
	eventually(t, "the read is parked", func() bool { return len(fakesock.Parked(a.Loop())) > 0 })
	return call, conn, got
}

func TestABodyThatIgnoresItsContextLosesItsConnection(t *testing.T) {
	for _, p := range []CancelPolicy{Close, Kill} {
		t.Run(p.String(), func(t *testing.T) {
			a := newAdapter(t, WithGrace(time.Millisecond), WithCancel(p))
			call, conn, got := reading(t, a)
			call.Cancel()
			o := await(t, got)
			if !errors.Is(o.err, context.Canceled) || !errors.Is(o.err, net.ErrClosed) {
				t.Errorf("the callback got %v, want the cause and the closed connection", o.err)
			}
			if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("writing afterwards: %v", err)
			}
		})
	}
}

func TestAnAbandonedBodyBeyondTheCapLosesItsConnection(t *testing.T) {
	a := newAdapter(t, WithGrace(time.Millisecond), WithCancel(Abandon), WithAbandoned(0))
	call, conn, got := reading(t, a)
	call.Cancel()
	wantErr(t, got, context.Canceled)
	eventually(t, "the body has returned", func() bool { return a.Stats().Running == 0 })
	if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing afterwards: %v", err)
	}
}

func TestTheGraceSparesTheNextCallOfTheWorker(t *testing.T) {
	a := newAdapter(t, WithGrace(time.Millisecond), WithSlots(1))
	stopped := blockOn(t, a) // returns when its context ends, and its worker goes on to the next call
	next, conn, got := reading(t, a, Held())
	stopped.Cancel()
	wantErr(t, stopped.outcome, context.Canceled)
	later, other, gotLater := reading(t, a)
	// The graces of the call that has ended, and some more, pass.
	passed := make(chan struct{})
	on(t, a, func() { a.Loop().AfterFunc(20*time.Millisecond, func() { close(passed) }) })
	await(t, passed)
	for _, c := range []*fakesock.Conn{conn, other} {
		if _, err := c.Write([]byte("x")); err != nil {
			t.Errorf("writing to a connection that nobody had cancelled: %v", err)
		}
	}
	next.Cancel()
	later.Cancel()
	wantErr(t, got, context.Canceled)
	wantErr(t, gotLater, context.Canceled)
}

// TestTheGraceSparesWhatReleasesAResult: the body has returned, and what it
// returned is being given back over its connection.
func TestTheGraceSparesWhatReleasesAResult(t *testing.T) {
	for _, p := range []CancelPolicy{Close, Abandon} {
		a := newAdapter(t, WithGrace(time.Millisecond), WithAbandoned(0), WithCancel(p))
		c, err := (&fakesock.Dialer{Loop: a.Loop()}).Dial("tcp", silent(t).Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		dropped := make(chan error, 1)
		call := ask(bg, t, a, OnDrop(func(any) {
			_, err := c.Read(make([]byte, 1))
			dropped <- err
		}))
		call.Cancel()
		if p == Close {
			await(t, call.ctx.Done())
		}
		call.result(nil)
		wantErr(t, call.outcome, context.Canceled)
		eventually(t, "the release is parked", func() bool { return len(fakesock.Parked(a.Loop())) > 0 })
		passed := make(chan struct{})
		on(t, a, func() { a.Loop().AfterFunc(20*time.Millisecond, func() { close(passed) }) })
		await(t, passed)
		if len(dropped) > 0 {
			t.Errorf("with policy %v its connection was closed: %v", p, <-dropped)
		} else if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Error(err)
		}
	}
}

// blockOn starts a call whose body runs until its context ends.
func blockOn(t *testing.T, a *Adapter) *blocked {
	t.Helper()
	runs := make(chan struct{})
	cb, got := into[string]()
	c := Go(bg, a, func(ctx context.Context) (string, error) {
		close(runs)
		<-ctx.Done()
		return "", ctx.Err()
	}, cb)
	await(t, runs)
	return &blocked{c, got, func() {}}
}

func TestCallsTellsWhereACallIsParked(t *testing.T) {
	a := newAdapter(t, WithGrace(time.Millisecond))
	call, conn, got := reading(t, a, Name("read"))
	head := block(t, a)
	var parked *ParkedOn
	for _, info := range a.Calls(0) {
		switch {
		case info.Name == "read":
			parked = info.Parked
		case info.Parked != nil:
			t.Errorf("a call that waits for no connection is parked on %v", info.Parked)
		}
	}
	if parked == nil {
		t.Fatal("the call is not parked")
	}
	if parked.Op != "read" || parked.Local.String() != conn.LocalAddr().String() || parked.Remote.String() != conn.RemoteAddr().String() || parked.For < 0 {
		t.Errorf("%+v", parked)
	}
	head.release()
	call.Cancel()
	wantErr(t, got, context.Canceled)
}
