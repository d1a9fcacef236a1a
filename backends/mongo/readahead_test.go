package mongo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/valet-go/valet/backends/mongo"
)

// dialed is a dialer whose only connection is there already.
type dialed struct{ net.Conn }

func (d dialed) DialContext(context.Context, string, string) (net.Conn, error) { return d.Conn, nil }

func readAhead(t *testing.T, c net.Conn) net.Conn {
	ahead, err := mongo.ReadAhead(dialed{c}).DialContext(context.Background(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	return ahead
}

// counting is a connection that has bytes, of which it gives as many as are
// wanted, or as it likes.
type counting struct {
	net.Conn
	left  []byte
	most  func() int
	reads int
}

var errOver = errors.New("test: over")

func (c *counting) Read(p []byte) (int, error) {
	c.reads++
	if len(c.left) == 0 {
		return 0, errOver
	}
	if c.most != nil {
		p = p[:min(len(p), c.most())]
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

func TestReadAheadReadsAReplyAtOnce(t *testing.T) {
	under := &counting{left: make([]byte, 300)}
	c := readAhead(t, under)
	for _, n := range []int{4, 296} {
		if _, err := io.ReadFull(c, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	if under.reads != 1 {
		t.Errorf("read %d times, want once", under.reads)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, errOver) {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

func TestReadAheadReadsLargePiecesInPlace(t *testing.T) {
	under := &counting{left: make([]byte, 1<<20)}
	if _, err := io.ReadFull(readAhead(t, under), make([]byte, 1<<20)); err != nil || under.reads != 1 {
		t.Errorf("%v, read %d times, want once", err, under.reads)
	}
}

// Whatever sizes are asked for, and come, the bytes are the same.
func TestReadAheadLosesNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	size := func() int { return 1 + r.IntN(1<<(1+r.IntN(14))) }
	for range 100 {
		sent := make([]byte, 40_000)
		for i := range sent {
			sent[i] = byte(r.Uint32())
		}
		c := readAhead(t, &counting{left: sent, most: size})
		var got []byte
		var err error
		for err == nil {
			var n int
			p := make([]byte, size())
			n, err = c.Read(p)
			got = append(got, p[:n]...)
		}
		if !errors.Is(err, errOver) || !bytes.Equal(got, sent) {
			t.Fatalf("%d of %d bytes came, or others, and then: %v", len(got), len(sent), err)
		}
	}
}

func TestReadAheadPassesADialersError(t *testing.T) {
	if c, err := mongo.ReadAhead(refusing{}).DialContext(context.Background(), "", ""); c != nil || !errors.Is(err, errDial) {
		t.Errorf("%v, %v", c, err)
	}
}

func TestReadAheadConnPassesNettest(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := net.Pipe()
		return readAhead(t, a), readAhead(t, b), func() { a.Close(); b.Close() }, nil
	})
}

// What has not been read does not keep a deadline from passing, once nothing is
// left of what has.
func TestReadAheadKeepsDeadlines(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	c := readAhead(t, a)
	go b.Write([]byte("four and more"))
	if _, err := io.ReadFull(c, make([]byte, 13)); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := c.Read(make([]byte, 4)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("error: %v", err)
	}
}
