package fakesock

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/gid"
	"github.com/valet-go/valet/internal/parking"
	"github.com/valet-go/valet/loop"
)

// call starts f and returns its goroutine, and a channel with its error.
func call(f func() error) (goroutine uintptr, r <-chan result) {
	id := make(chan uintptr, 1)
	r = async(func() (int, error) { id <- gid.Current(); return 0, f() })
	return <-id, r
}

// idler is a goroutine that lives as long as the test and waits for no socket.
func idler(t *testing.T) (goroutine uintptr) {
	over, gone := make(chan struct{}), make(chan struct{})
	id := make(chan uintptr)
	go func() {
		defer close(gone)
		id <- gid.Current()
		<-over
	}()
	t.Cleanup(func() { close(over); <-gone })
	return <-id
}

// notSeen reports that nobody can see that the operation waits.
func notSeen(op string) bool { return portable && strings.HasPrefix(op, "raw-") }

func TestFindTellsWhereGoroutinesAreParked(t *testing.T) {
	for _, network := range networks {
		l, other := startLoop(t), startLoop(t)
		start, deadline := time.Now(), time.Now().Add(time.Hour)
		want := map[uintptr]string{}
		on := map[uintptr]target{}
		ids := []uintptr{idler(t)}
		for i, o := range operations {
			if notSeen(o.name) {
				continue
			}
			of, d, op, _ := o.setup(t, []*loop.Loop{l, other}[i%2], network)
			of.SetDeadline(deadline)
			id, _ := call(op)
			awaitParked(t, d)
			want[id], on[id] = o.name, of
			ids = append(ids, id)
		}
		second, _ := dialPair(t, l, network)
		first, _ := call(func() error { _, err := second.Read(make([]byte, 1)); return err })
		awaitParked(t, &second.s.r)
		behind, _ := call(func() error { _, err := second.Read(make([]byte, 1)); return err }) // waits for the first one
		ids = append(ids, behind)

		var got map[uintptr]parking.Op
		seen := until(func() bool { // a writer may have found a little room meanwhile
			got = parking.Find(ids)
			return len(got) == len(want)
		})
		if !seen {
			t.Fatalf("%s: found %d, want %d: %v", network, len(got), len(want), got)
		}
		for id, name := range want {
			op := got[id]
			local, remote := endsOf(on[id])
			if name == "readfrom" && op.Op == "write" { // it copies
				name = op.Op
			}
			if op.Op != name || op.Local != local || op.Remote != remote {
				t.Errorf("%s: %+v; want %s of %v and %v", network, op, name, local, remote)
			}
			if op.Since.Before(start) || op.Since.After(time.Now()) || op.Deadline.Sub(deadline).Abs() > time.Millisecond {
				t.Errorf("%s: %s since %v with the deadline %v, want %v", network, name, op.Since, op.Deadline, deadline)
			}
		}
		if got := parking.Find([]uintptr{first}); len(got) != 1 || got[first].Op != "read" || !got[first].Deadline.IsZero() {
			t.Errorf("%s: who is asked for alone: %+v", network, got)
		}
	}
}

func endsOf(on target) (local, remote net.Addr) {
	if c, ok := on.(*Conn); ok {
		return c.LocalAddr(), c.RemoteAddr()
	}
	return on.(*Listener).Addr(), nil
}

func TestCloseUnparksThatGoroutineOnly(t *testing.T) {
	for _, network := range networks {
		for _, o := range operations {
			if notSeen(o.name) {
				continue
			}
			t.Run(network+"/"+o.name, func(t *testing.T) {
				l := startLoop(t)
				on, d, op, _ := o.setup(t, l, network)
				victim, r := call(op)
				awaitParked(t, d)
				var spared []<-chan result
				var parked []*direction
				var finish []func()
				for _, o := range operations {
					if notSeen(o.name) {
						continue
					}
					_, d, op, f := o.setup(t, l, network)
					_, r := call(op)
					awaitParked(t, d)
					spared, parked, finish = append(spared, r), append(parked, d), append(finish, f)
				}
				if !until(func() bool { return parking.Close(victim) }) {
					t.Fatal("Close has not found it")
				}
				opErr(t, await(t, r).err, o.name, net.ErrClosed)
				if err := on.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
					t.Errorf("it is not closed: %v", err)
				}
				if err := on.Close(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("a second Close = %v", err)
				}
				if parking.Close(victim) {
					t.Error("Close has found it again")
				}
				for _, d := range parked {
					awaitParked(t, d) // a writer may have found a little room meanwhile
				}
				for i, r := range spared {
					finish[i]()
					if err := await(t, r).err; err != nil {
						t.Errorf("another goroutine's call: %v", err)
					}
				}
			})
		}
	}
}

func TestCloseOfAGoroutineThatIsNotParkedDoesNothing(t *testing.T) {
	l := startLoop(t)
	c, peer := dialPair(t, l, "tcp4")
	reader, r := call(func() error { _, err := c.Read(make([]byte, 1)); return err })
	awaitParked(t, &c.s.r)
	second, r2 := call(func() error { _, err := c.Read(make([]byte, 1)); return err })
	for _, id := range []uintptr{0, ^uintptr(0), idler(t), gid.Current(), second} {
		if parking.Close(id) {
			t.Error("Close has found something")
		}
	}
	if len(parking.Find([]uintptr{reader})) != 1 {
		t.Error("the reader is not parked any more")
	}
	mustWrite(t, peer, "xy")
	for _, r := range []<-chan result{r, r2} {
		if err := await(t, r).err; err != nil {
			t.Error(err)
		}
	}
}

// What a goroutine was parked on a moment ago may be another's by now.
func TestCloseSparesWhoParkedThereLater(t *testing.T) {
	l := startLoop(t)
	c, peer := dialPair(t, l, "tcp4")
	over, passed := make(chan struct{}), make(chan error, 1)
	defer close(over)
	earlier, _ := call(func() error {
		_, err := c.Read(make([]byte, 1))
		passed <- err
		<-over // so that nobody gets its number
		return nil
	})
	awaitParked(t, &c.s.r)
	mustWrite(t, peer, "x")
	if err := await(t, passed); err != nil {
		t.Fatal(err)
	}
	later, r := call(func() error { _, err := c.Read(make([]byte, 1)); return err })
	awaitParked(t, &c.s.r)
	if c.s.r.closeFor(earlier) || c.s.w.closeFor(later) {
		t.Error("it was closed for one that is not parked there")
	}
	if !c.s.r.closeFor(later) {
		t.Error("it was not closed for the one that is")
	}
	opErr(t, await(t, r).err, "read", net.ErrClosed)
}

func TestCloseOnTheLoop(t *testing.T) {
	l := startLoop(t)
	c, _ := dialPair(t, l, "tcp4")
	id, r := call(func() error { _, err := c.Read(make([]byte, 1)); return err })
	awaitParked(t, &c.s.r)
	found := make(chan bool, 1)
	if err := l.Post(func() { found <- len(parking.Find([]uintptr{id})) == 1 && parking.Close(id) }); err != nil {
		t.Fatal(err)
	}
	if !await(t, found) {
		t.Error("nothing was found")
	}
	opErr(t, await(t, r).err, "read", net.ErrClosed)
}

// It must not wait for a raw user's function, which may wait for whoever calls it.
func TestCloseInARawUsersFunction(t *testing.T) {
	l := startLoop(t)
	for _, o := range operations {
		if notSeen(o.name) || o.name == "accept" {
			continue
		}
		c, d, op, _ := o.setup(t, l, "tcp4")
		id, r := call(op)
		awaitParked(t, d)
		found := false
		control := async(func() (int, error) { return 0, rawOf(c).Control(func(uintptr) { found = parking.Close(id) }) })
		if err := await(t, control).err; err != nil || !found {
			t.Errorf("%s: %v, %v", o.name, found, err)
		}
		opErr(t, await(t, r).err, o.name, net.ErrClosed)
	}
}

func TestSeveralWhoCloseAtOnceCloseOnce(t *testing.T) {
	l := startLoop(t)
	for range 50 {
		c, _ := dialPair(t, l, "unix")
		id, r := call(func() error { _, err := c.Read(make([]byte, 1)); return err })
		awaitParked(t, &c.s.r)
		found := make(chan bool, 4)
		for range cap(found) {
			go func() { found <- parking.Close(id) }()
		}
		n := 0
		for range cap(found) {
			if await(t, found) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d have closed it", n)
		}
		opErr(t, await(t, r).err, "read", net.ErrClosed)
	}
}

// A Listener is closed as its own Close does it.
func TestCloseOfAnAcceptRemovesTheFile(t *testing.T) {
	l := startLoop(t)
	for _, keep := range []bool{false, true} {
		ln := listenFake(t, l, "unix")
		ln.SetUnlinkOnClose(!keep)
		id, r := call(func() error { _, err := ln.Accept(); return err })
		awaitParked(t, &ln.s.r)
		if !parking.Close(id) {
			t.Fatal("Close has not found it")
		}
		opErr(t, await(t, r).err, "accept", net.ErrClosed)
		if _, err := os.Stat(ln.Addr().String()); (err == nil) != keep {
			t.Errorf("asked to keep the file: %v; then it is %v", keep, err)
		}
	}
}

// A copy from one connection to another is parked where it waits.
func TestACopyIsParkedOnTheConnThatItReads(t *testing.T) {
	for _, network := range networks {
		l := startLoop(t)
		from, _ := dialPair(t, l, network)
		to, peer := dialPair(t, l, network)
		id, r := call(func() error { _, err := to.ReadFrom(from); return err })
		awaitParked(t, &from.s.r)
		if op := parking.Find([]uintptr{id})[id]; op.Op != "read" || op.Local != from.LocalAddr() {
			t.Errorf("%s: %+v", network, op)
		}
		if !parking.Close(id) {
			t.Errorf("%s: Close has not found it", network)
		}
		if err := await(t, r).err; !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", network, err)
		}
		mustWrite(t, to, "x") // it is open
		mustRead(t, peer, "x")
	}
}

func TestNobodyIsParkedOnAClosedLoop(t *testing.T) {
	l := startLoop(t)
	c, _ := dialPair(t, l, "tcp4")
	id, r := call(func() error { _, err := c.Read(make([]byte, 1)); return err })
	awaitParked(t, &c.s.r)
	l.Close()
	if portable { // its loop ends no call
		if len(parking.Find([]uintptr{id})) != 1 || !parking.Close(id) {
			t.Error("the call that goes on was not found")
		}
		opErr(t, await(t, r).err, "read", net.ErrClosed)
		return
	}
	opErr(t, await(t, r).err, "read", loop.ErrClosed)
	if ops := parking.Find([]uintptr{id}); len(ops) != 0 {
		t.Errorf("%v", ops)
	}
	if parking.Close(id) {
		t.Error("Close has found it")
	}
}
