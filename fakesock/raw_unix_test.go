//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
)

// probe is the health check of go-sql-driver/mysql: it consumes a byte.
func probe(t testing.TB, c *Conn) (n int, err error) {
	t.Helper()
	raw, rawErr := c.SyscallConn()
	if rawErr != nil {
		t.Fatal(rawErr)
	}
	if rawErr := raw.Read(func(fd uintptr) bool {
		var b [1]byte
		n, err = syscall.Read(int(fd), b[:])
		return true
	}); rawErr != nil {
		t.Fatal(rawErr)
	}
	return n, err
}

func TestProbesSeeWhatTheKernelHas(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	if n, err := probe(t, a); err != syscall.EAGAIN {
		t.Errorf("on an idle connection: %d, %v", n, err)
	}
	mustWrite(t, b, "ping")
	mustRead(t, a, "ping")
	if n, err := probe(t, a); err != syscall.EAGAIN {
		t.Errorf("after everything was read: %d, %v", n, err)
	}
	mustWrite(t, b, "pong") // a probe must force no look-up of ours, and lose nothing
	mustRead(t, a, "pong")
	b.Close()
	if !until(func() bool { n, err := probe(t, a); return n == 0 && err == nil }) {
		t.Fatal("the closed peer never showed")
	}
}

func TestQuiet(t *testing.T) {
	for _, network := range networks {
		c, peer := dialPair(t, startLoop(t), network)
		known := runtime.GOOS == "linux" && network != "unix" // else nobody knows, ever
		want := func(when string, quiet bool) {
			t.Helper()
			if !until(func() bool { return c.Quiet() == (quiet && known) }) {
				t.Errorf("%s, %s: quiet is %v", network, when, !quiet)
			}
		}
		reading := async(func() (int, error) { return c.Read(make([]byte, 8)) })
		awaitParked(t, &c.s.r)
		want("while somebody reads", false)
		mustWrite(t, peer, "ping")
		await(t, reading)
		want("when all was read", true)
		mustWrite(t, peer, "pong")
		want("with something to read", false)
		if _, err := c.Read(make([]byte, 2)); err != nil {
			t.Fatal(err)
		}
		want("with something left", false)
		if _, err := c.Read(make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		want("when all was read again", true)
		peer.Close()
		want("once the peer has closed", false)
		if _, err := c.Read(make([]byte, 8)); err != io.EOF {
			t.Errorf("%s: %v, want the end", network, err)
		}
		want("at the end", false)
		c.Close()
		want("once closed", false)
	}
}

func TestNothingIsQuietWithoutTheLoop(t *testing.T) {
	l := startLoop(t)
	c, peer := dialPair(t, l, "tcp4")
	reading := async(func() (int, error) { return c.Read(make([]byte, 8)) })
	awaitParked(t, &c.s.r)
	mustWrite(t, peer, "ping")
	await(t, reading)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if c.Quiet() {
		t.Error("nobody would tell")
	}
}

// A probe that only peeks must not make what it saw invisible.
func TestAPeekLosesNothing(t *testing.T) {
	for _, network := range networks {
		l := startLoop(t)
		a, b := fakePair(t, l, network)
		for range 200 {
			mustWrite(t, b, "0123456789")
			mustRead(t, a, "0123") // leaves data that causes no further event
			raw, _ := a.SyscallConn()
			var seen string
			if err := raw.Read(func(fd uintptr) bool {
				buf := make([]byte, 100)
				n, _, err := unix.Recvfrom(int(fd), buf, unix.MSG_PEEK)
				seen = string(buf[:max(n, 0)])
				return err != unix.EAGAIN
			}); err != nil || seen != "456789" {
				t.Fatalf("peeked %q, %v", seen, err)
			}
			mustRead(t, a, "456789")
		}
	}
}

func TestRawReadParksUntilThereIsData(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	raw, _ := a.SyscallConn()
	got := async(func() (n int, err error) {
		err = raw.Read(func(fd uintptr) bool {
			var b [10]byte
			var e error
			n, e = syscall.Read(int(fd), b[:])
			return e != syscall.EAGAIN
		})
		return n, err
	})
	awaitParked(t, &a.s.r)
	mustWrite(t, b, "abc")
	if r := await(t, got); r.n != 3 || r.err != nil {
		t.Errorf("raw read = %d, %v", r.n, r.err)
	}

	a.SetReadDeadline(time.Now().Add(time.Millisecond))
	opErr(t, raw.Read(func(uintptr) bool { return false }), "raw-read", os.ErrDeadlineExceeded)
	a.SetReadDeadline(time.Time{})
	done := async(func() (int, error) { return 0, raw.Read(func(uintptr) bool { return false }) })
	awaitParked(t, &a.s.r)
	a.Close()
	opErr(t, await(t, done).err, "raw-read", net.ErrClosed)
}

// Urgent data ends a read early without the socket being drained.
func TestUrgentDataDoesNotHideWhatFollows(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	for range 50 {
		first := async(func() (int, error) { return a.Read(make([]byte, 64)) })
		awaitParked(t, &a.s.r)
		if err := b.with("send", "send", func(fd int) error {
			if _, err := unix.SendmsgN(fd, []byte("abcX"), nil, nil, unix.MSG_OOB); err != nil {
				return err
			}
			_, err := unix.SendmsgN(fd, []byte("def"), nil, nil, 0)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		got := await(t, first)
		for n := got.n; n < 6; {
			next := await(t, async(func() (int, error) { return a.Read(make([]byte, 64)) }))
			if next.err != nil {
				t.Fatal(next.err)
			}
			n += next.n
		}
	}
}

// A message with a descriptor ends a read early on a unix socket.
func TestMessageBoundariesDoNotHideWhatFollows(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "unix")
	for _, parkFirst := range []bool{true, false} {
		for range 50 {
			first := make(<-chan result)
			if parkFirst {
				first = async(func() (int, error) { return a.Read(make([]byte, 64)) })
				awaitParked(t, &a.s.r)
			}
			// On the loop, so that one event stands for both.
			if err := onLoop(t, l, func() error {
				return b.with("send", "send", func(fd int) error {
					if err := unix.Sendmsg(fd, []byte("abc"), unix.UnixRights(fd), nil, 0); err != nil {
						return err
					}
					return unix.Sendmsg(fd, []byte("def"), nil, nil, 0)
				})
			}); err != nil {
				t.Fatal(err)
			}
			if !parkFirst {
				mustRead(t, a, "abc")
			} else if r := await(t, first); r.n != 3 {
				t.Fatalf("Read = %d, %v; want the message before the boundary", r.n, r.err)
			}
			rest := await(t, async(func() (int, error) { return a.Read(make([]byte, 64)) }))
			if rest.n != 3 || rest.err != nil {
				t.Fatalf("after the boundary Read = %d, %v", rest.n, rest.err)
			}
		}
	}
}

// A duplicate shares O_NONBLOCK, and os.File.Fd clears it.
func TestABlockingDuplicateBlocksNothing(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	f, err := a.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Fd()
	a.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err = a.Read(make([]byte, 1)) // a read(2) would stay in the kernel
	opErr(t, err, "read", os.ErrDeadlineExceeded)
	a.SetReadDeadline(time.Time{})
	_, err = untilStuck(t, a, func() (int, error) { return a.Write(make([]byte, 64<<20)) })
	opErr(t, err, "write", os.ErrDeadlineExceeded)
	mustWrite(t, b, "x")
	mustRead(t, a, "x")
}

func TestFileOutlivesTheConn(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	f, err := a.File()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, f, "x")
	mustRead(t, b, "x")
	f.Close()
}

func TestSocketOptions(t *testing.T) {
	l := startLoop(t)
	c, _ := dialPair(t, l, "tcp4")
	get := func(level, name int) (v int) {
		t.Helper()
		if err := c.with("get", "getsockopt", func(fd int) (err error) {
			v, err = unix.GetsockoptInt(fd, level, name)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return v
	}
	check := func(what string, level, name, want int, err error) {
		t.Helper()
		if got := get(level, name); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", what, got, err, want)
		}
	}
	const tcp = unix.IPPROTO_TCP
	check("dialled with no delay", tcp, unix.TCP_NODELAY, 1, nil)
	check("dialled with keep-alive", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1, nil)
	check("dialled with idle", tcp, sysio.TCPKeepIdle, 15, nil)
	check("SetNoDelay", tcp, unix.TCP_NODELAY, 0, c.SetNoDelay(false))
	check("SetKeepAlive", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0, c.SetKeepAlive(false))
	check("SetKeepAlivePeriod", tcp, sysio.TCPKeepIdle, 2, c.SetKeepAlivePeriod(1500*time.Millisecond))
	check("SetKeepAlivePeriod of nothing", tcp, sysio.TCPKeepIdle, 2, c.SetKeepAlivePeriod(-1))
	check("SetKeepAlivePeriod to the default", tcp, sysio.TCPKeepIdle, 15, c.SetKeepAlivePeriod(0))
	check("SetKeepAlivePeriod again", tcp, sysio.TCPKeepIdle, 2, c.SetKeepAlivePeriod(1500*time.Millisecond))
	err := c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: -1, Interval: 7 * time.Second})
	check("SetKeepAliveConfig enable", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1, err)
	check("SetKeepAliveConfig idle", tcp, sysio.TCPKeepIdle, 2, err)
	check("SetKeepAliveConfig interval", tcp, sysio.TCPKeepInterval, 7, err)
	check("SetKeepAliveConfig count", tcp, sysio.TCPKeepCount, 9, err)
	check("SetReadBuffer", unix.SOL_SOCKET, unix.SO_RCVBUF, 2*8192, c.SetReadBuffer(8192))
	check("SetWriteBuffer", unix.SOL_SOCKET, unix.SO_SNDBUF, 2*8192, c.SetWriteBuffer(8192))
	check("SetKeepAliveConfig count", tcp, sysio.TCPKeepCount, 4, c.SetKeepAliveConfig(net.KeepAliveConfig{Count: 4}))
	linger := func(want unix.Linger, err error) {
		t.Helper()
		got := &unix.Linger{}
		if err == nil {
			err = c.with("get", "getsockopt", func(fd int) (err error) {
				got, err = unix.GetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER)
				return err
			})
		}
		if err != nil || got.Onoff != want.Onoff || want.Onoff != 0 && got.Linger != want.Linger {
			t.Errorf("SetLinger: %v, %v; want %v", *got, err, want)
		}
	}
	linger(unix.Linger{Onoff: 1, Linger: 3}, c.SetLinger(3))
	linger(unix.Linger{Onoff: 1}, c.SetLinger(0))
	linger(unix.Linger{}, c.SetLinger(-1))
}
