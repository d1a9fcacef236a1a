package fakesock

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

func TestAPeerThatSendsOneByteAtATime(t *testing.T) {
	for _, network := range networks {
		l := startLoop(t)
		c, peer := dialPair(t, l, network)
		data := pattern(3000)
		go func() {
			for i := range data {
				if _, err := peer.Write(data[i : i+1]); err != nil {
					t.Error(err)
				}
			}
			peer.Close()
		}()
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: read %d bytes of %d, or others, %v", network, len(got), len(data), err)
		}
	}
}

func TestAPeerThatNeverReads(t *testing.T) {
	for _, network := range networks {
		l := startLoop(t)
		c, _ := dialPair(t, l, network)
		n, err := untilStuck(t, c, func() (int, error) { return c.Write(make([]byte, 64<<20)) })
		opErr(t, err, "write", os.ErrDeadlineExceeded)
		if n == 0 {
			t.Errorf("%s: not even the socket's buffer took anything", network)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAPeerThatResetsInTheMiddleOfAWrite(t *testing.T) {
	for _, network := range networks {
		l := startLoop(t)
		c, peer := dialPair(t, l, network)
		wrote := async(func() (int, error) { return c.Write(make([]byte, 64<<20)) })
		if _, err := io.CopyN(io.Discard, peer, 1<<20); err != nil {
			t.Fatal(err)
		}
		if tcp, ok := peer.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		peer.Close()
		r := await(t, wrote)
		if !isReset(r.err) || r.n < 1<<20 || r.n == 64<<20 {
			t.Errorf("%s: Write = %d, %v", network, r.n, r.err)
		}
		if _, err := c.Write([]byte("x")); !isReset(err) {
			t.Errorf("%s: the next Write = %v", network, err)
		}
	}
}

// What the peer sent before it half-closed is read before the end.
func TestAPeerThatHalfClosesWithDataPending(t *testing.T) {
	for _, network := range networks {
		l := startLoop(t)
		a, b := fakePair(t, l, network)
		data := pattern(100_000)
		wrote := async(func() (int, error) {
			defer b.CloseWrite()
			return b.Write(data)
		})
		mustReadSome(t, a, data[:10])
		got, err := io.ReadAll(a)
		if err != nil || !bytes.Equal(got, data[10:]) {
			t.Errorf("%s: read %d bytes of %d, or others, %v", network, len(got), len(data)-10, err)
		}
		if r := await(t, wrote); r.err != nil {
			t.Error(r.err)
		}
		mustWrite(t, a, "and back")
		mustRead(t, b, "and back")
	}
}

func mustReadSome(t *testing.T, r io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

// Closing a connection while others open descriptors must never let a call
// that is on its way out touch theirs.
func TestAReusedDescriptorIsNotTouched(t *testing.T) {
	l := startLoop(t)
	const foreign = "0123456789"
	stop := make(chan struct{})
	opened := make(chan error, 2)
	for range cap(opened) {
		go func() { // opens, uses and closes sockets of its own all the time
			for {
				select {
				case <-stop:
					opened <- nil
					return
				default:
				}
				x, y, err := plainPair()
				if err == nil {
					err = exchange(x, y, foreign)
					x.Close()
					y.Close()
				}
				if err != nil {
					opened <- err
					return
				}
			}
		}()
	}
	for range 100 {
		c, peer := dialPair(t, l, "unix")
		calls := []<-chan result{
			async(func() (int, error) { return c.Read(make([]byte, 100)) }),
			async(func() (int, error) { return c.Write(bytes.Repeat([]byte{0xee}, 1<<20)) }),
			async(func() (int, error) { return peer.Write([]byte{0xee}) }),
		}
		c.Close()
		for _, r := range calls[:2] {
			if got := await(t, r); got.err != nil && !errors.Is(got.err, net.ErrClosed) {
				t.Error(got.err)
			}
		}
		peer.Close()
		await(t, calls[2])
	}
	close(stop)
	for range cap(opened) {
		if err := await(t, opened); err != nil {
			t.Error(err)
		}
	}
}

// plainPair is two ends of a connection that this package knows nothing of.
func plainPair() (x, y net.Conn, err error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if x, err = net.Dial("tcp4", ln.Addr().String()); err != nil {
		return nil, nil, err
	}
	if y, err = ln.Accept(); err != nil {
		x.Close()
		return nil, nil, err
	}
	return x, y, nil
}

// exchange checks that what arrives is what was sent, and nothing else.
func exchange(x, y net.Conn, s string) error {
	if _, err := io.WriteString(x, s); err != nil {
		return err
	}
	x.(*net.TCPConn).CloseWrite()
	y.SetReadDeadline(time.Now().Add(20 * time.Second))
	got, err := io.ReadAll(y)
	if err == nil && string(got) != s {
		err = errors.New("another's bytes: " + string(got[:min(len(got), 40)]))
	}
	return err
}
