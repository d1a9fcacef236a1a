package fakesock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// listenFake listens on a private address, on the loop.
func listenFake(t testing.TB, l *loop.Loop, network string) *Listener {
	t.Helper()
	ln, err := Listen(l, network, privateAddr(t, network))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

// asyncAccept accepts one connection in the background.
func asyncAccept(t testing.TB, ln net.Listener) <-chan accepted {
	ch := make(chan accepted, 1)
	go func() {
		c, err := ln.Accept()
		if c != nil {
			t.Cleanup(func() { c.Close() })
		}
		ch <- accepted{c, err}
	}()
	return ch
}

type accepted struct {
	c   net.Conn
	err error
}

func TestAcceptParksAndReturnsConnsOfTheLoop(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			l := startLoop(t)
			ln := listenFake(t, l, network)
			for parkFirst := range 2 {
				var got <-chan accepted
				if parkFirst == 1 {
					got = asyncAccept(t, ln)
					awaitParked(t, &ln.s.r)
				}
				c, err := net.Dial(network, ln.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if got == nil {
					got = asyncAccept(t, ln)
				}
				a := await(t, got)
				if a.err != nil {
					t.Fatal(a.err)
				}
				s, ok := a.c.(*Conn)
				if !ok {
					t.Fatalf("accepted a %T", a.c)
				}
				// What package net says of a connection accepted alike.
				_, native := nativePair(t, network)
				if got, want := fmt.Sprintf("%T %T", s.LocalAddr(), s.RemoteAddr()), fmt.Sprintf("%T %T", native.LocalAddr(), native.RemoteAddr()); got != want {
					t.Errorf("addresses are %s, want %s", got, want)
				}
				if s.LocalAddr().String() != c.RemoteAddr().String() || s.RemoteAddr().String() != c.LocalAddr().String() {
					t.Errorf("accepted %v from %v, dialled %v from %v", s.LocalAddr(), s.RemoteAddr(), c.RemoteAddr(), c.LocalAddr())
				}
				mustWrite(t, c, "ping")
				mustRead(t, s, "ping")
				mustWrite(t, s, "pong")
				mustRead(t, c, "pong")
			}
		})
	}
}

func TestManyMayAcceptAtOnce(t *testing.T) {
	l := startLoop(t)
	ln := listenFake(t, l, "tcp4")
	const n = 20
	var all []<-chan accepted
	for range n {
		all = append(all, asyncAccept(t, ln))
	}
	awaitParked(t, &ln.s.r)
	d := &Dialer{Loop: l}
	for range n {
		c, err := d.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
	}
	from := map[string]bool{}
	for _, ch := range all {
		a := await(t, ch)
		if a.err != nil {
			t.Fatal(a.err)
		}
		from[a.c.RemoteAddr().String()] = true
	}
	if len(from) != n {
		t.Errorf("%d different connections were accepted, want %d", len(from), n)
	}
}

func TestClosingAListenerEndsEveryAccept(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			ln := listenFake(t, startLoop(t), network)
			first, second := asyncAccept(t, ln), asyncAccept(t, ln)
			awaitParked(t, &ln.s.r)
			if err := ln.Close(); err != nil {
				t.Fatal(err)
			}
			opErr(t, await(t, first).err, "accept", net.ErrClosed)
			opErr(t, await(t, second).err, "accept", net.ErrClosed)
		})
	}
}

func TestAnAcceptDeadlineWakesTheCall(t *testing.T) {
	ln := listenFake(t, startLoop(t), "tcp4")
	ln.SetDeadline(time.Now().Add(time.Millisecond))
	opErr(t, await(t, asyncAccept(t, ln)).err, "accept", os.ErrDeadlineExceeded)
	ln.SetDeadline(time.Now().Add(time.Hour))
	a := asyncAccept(t, ln)
	awaitParked(t, &ln.s.r)
	ln.SetDeadline(time.Unix(1, 0))
	opErr(t, await(t, a).err, "accept", os.ErrDeadlineExceeded)
	ln.SetDeadline(time.Time{}) // and is forgotten
	a = asyncAccept(t, ln)
	c, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if a := await(t, a); a.err != nil {
		t.Error(a.err)
	}
}

// listenerMethods is what all the listeners here have.
type listenerMethods interface {
	net.Listener
	SetDeadline(time.Time) error
	File() (*os.File, error)
	syscall.Conn
}

func TestListenerErrorsReadLikeThoseOfNet(t *testing.T) {
	l := startLoop(t)
	methods := map[string]func(listenerMethods) error{
		"Accept":      func(ln listenerMethods) error { _, err := ln.Accept(); return err },
		"Close":       func(ln listenerMethods) error { return ln.Close() },
		"SetDeadline": func(ln listenerMethods) error { return ln.SetDeadline(time.Time{}) },
		"File": func(ln listenerMethods) error {
			f, err := ln.File()
			f.Close()
			return err
		},
		"Control": func(ln listenerMethods) error { return rawOf(ln).Control(func(uintptr) {}) },
		"RawConn.Read": func(ln listenerMethods) error {
			return rawOf(ln).Read(func(uintptr) bool { return true })
		},
		"RawConn.Write": func(ln listenerMethods) error {
			return rawOf(ln).Write(func(uintptr) bool { return true })
		},
	}
	states := map[string]func(listenerMethods){
		"closed":            func(ln listenerMethods) { ln.Close() },
		"past its deadline": func(ln listenerMethods) { ln.SetDeadline(time.Unix(1, 0)) },
	}
	for _, network := range append([]string{"tcp"}, networks...) {
		for state, prepare := range states {
			for name, do := range methods {
				text := func(ln listenerMethods) string {
					prepare(ln)
					return strings.ReplaceAll(fmt.Sprint(do(ln)), ln.Addr().String(), "L")
				}
				got, want := text(listenFake(t, l, network)), text(listen(t, network).(listenerMethods))
				if got != want {
					t.Errorf("%s: %s on a listener %s: %q, with package net %q", network, name, state, got, want)
				}
			}
		}
	}
}

func TestAUnixListenersFileIsRemovedByClose(t *testing.T) {
	l := startLoop(t)
	path := filepath.Join(t.TempDir(), "s")
	exists := func() bool { _, err := os.Lstat(path); return err == nil }
	nl, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := WrapListener(l, nl)
	if err != nil {
		t.Fatal(err)
	}
	if !exists() {
		t.Error("wrapping the listener removed its file")
	}
	a := asyncAccept(t, ln)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	await(t, a)
	ln.Close()
	if exists() {
		t.Error("Close left the file behind")
	}
	other := listenAt(t, path) // somebody else's by now
	ln.Close()
	if !exists() {
		t.Error("a second Close removed the file of another listener")
	}
	ln.SetUnlinkOnClose(true) // too late, as in package net
	ln.Close()
	if !exists() {
		t.Error("a late SetUnlinkOnClose made a second Close remove the file of another listener")
	}
	other.Close()
	ln, err = Listen(l, "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	ln.Close()
	if !exists() {
		t.Error("Close removed the file in spite of SetUnlinkOnClose(false)")
	}
}

func listenAt(t testing.TB, path string) net.Listener {
	t.Helper()
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func TestListenRefusesWhatItCannotServe(t *testing.T) {
	l := startLoop(t)
	if ln, err := Listen(l, "unixpacket", privateAddr(t, "unix")); err == nil || ln != nil {
		t.Error("listened on unixpacket, which is no stream")
	}
	for network, address := range map[string]string{"udp": "127.0.0.1:0", "tcp": "nonsense", "tcp4": "192.0.2.1:0"} {
		ln, err := Listen(l, network, address)
		_, want := net.Listen(network, address)
		if err == nil || ln != nil || err.Error() != want.Error() {
			t.Errorf("Listen(%q, %q) = %v, want %v", network, address, err, want)
		}
	}
	other := pipeListener{}
	if _, err := WrapListener(l, other); err == nil || !strings.Contains(err.Error(), "TCPListener") {
		t.Errorf("WrapListener(%T) = %v; the error must say what it takes", other, err)
	}
	closed := startLoop(t)
	closed.Close()
	if _, err := Listen(closed, "tcp", "127.0.0.1:0"); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("Listen on a closed loop = %v", err)
	}
}

type pipeListener struct{ net.Listener }

func (pipeListener) Addr() net.Addr { return &net.UnixAddr{Net: "pipe"} }

func (pipeListener) Close() error { return nil }

func TestAcceptOnALoopFailsInsteadOfWaiting(t *testing.T) {
	l := startLoop(t)
	ln := listenFake(t, l, "tcp4")
	r := make(chan error, 1)
	l.Post(func() {
		_, err := ln.Accept()
		r <- err
	})
	opErr(t, await(t, r), "accept", loop.ErrWouldBlockLoop)
}

func TestAForgottenListenerIsClosed(t *testing.T) {
	l := startLoop(t)
	for _, network := range []string{"tcp4", "unix"} {
		address := func() string {
			ln, err := Listen(l, network, privateAddr(t, network))
			if err != nil {
				t.Fatal(err)
			}
			return ln.Addr().String()
		}()
		for end := time.Now().Add(20 * time.Second); ; runtime.GC() {
			c, err := net.Dial(network, address)
			if errors.Is(err, syscall.ECONNREFUSED) {
				break
			}
			if err == nil {
				c.Close()
			}
			if time.Now().After(end) {
				t.Fatalf("%s: a forgotten listener still accepts after 20 s (%v)", network, err)
			}
		}
	}
}

func TestAListenersFileStillListens(t *testing.T) {
	ln := listenFake(t, startLoop(t), "tcp4")
	f, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ln.Close()
	again, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	a := asyncAccept(t, again)
	c, err := net.Dial("tcp4", again.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if a := await(t, a); a.err != nil {
		t.Error(a.err)
	}
}
