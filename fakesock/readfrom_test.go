package fakesock

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pattern returns size bytes that differ from place to place.
func pattern(size int) []byte {
	p := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(p)
	return p
}

func tempFile(t testing.TB, data []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// copied is what came of a copy to a connection.
type copied struct {
	text string
	got  []byte // what arrived
	n    int64
}

// sources are readers of 3 MB, and what the test must see of them afterwards.
var sources = []struct {
	name string
	make func(t *testing.T, data []byte) (r io.Reader, after func() string)
}{
	{"a file", func(t *testing.T, data []byte) (io.Reader, func() string) {
		f := tempFile(t, data)
		return f, func() string { return fmt.Sprint(f.Seek(0, io.SeekCurrent)) }
	}},
	{"a file from the middle on", func(t *testing.T, data []byte) (io.Reader, func() string) {
		f := tempFile(t, data)
		f.Seek(1000, io.SeekStart)
		return f, func() string { return fmt.Sprint(f.Seek(0, io.SeekCurrent)) }
	}},
	{"a part of a file", func(t *testing.T, data []byte) (io.Reader, func() string) {
		f := tempFile(t, data)
		lr := &io.LimitedReader{R: f, N: int64(len(data)) / 2}
		return lr, func() string { p, _ := f.Seek(0, io.SeekCurrent); return fmt.Sprint(p, lr.N) }
	}},
	{"more than there is of a file", func(t *testing.T, data []byte) (io.Reader, func() string) {
		lr := &io.LimitedReader{R: tempFile(t, data), N: int64(len(data)) * 2}
		return lr, func() string { return fmt.Sprint(lr.N) }
	}},
	{"nothing of a file", func(t *testing.T, data []byte) (io.Reader, func() string) {
		lr := &io.LimitedReader{R: tempFile(t, data), N: -3}
		return lr, func() string { return fmt.Sprint(lr.N) }
	}},
	{"an empty file", func(t *testing.T, _ []byte) (io.Reader, func() string) {
		return tempFile(t, nil), func() string { return "" }
	}},
	{"a closed file", func(t *testing.T, data []byte) (io.Reader, func() string) {
		f := tempFile(t, data)
		f.Close()
		return f, func() string { return "" }
	}},
	{"a directory", func(t *testing.T, _ []byte) (io.Reader, func() string) {
		f, err := os.Open(os.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f, func() string { return "" }
	}},
	{"memory", func(_ *testing.T, data []byte) (io.Reader, func() string) {
		r := bytes.NewReader(data)
		return r, func() string { return fmt.Sprint(r.Len()) }
	}},
	{"a part of memory", func(_ *testing.T, data []byte) (io.Reader, func() string) {
		lr := &io.LimitedReader{R: bytes.NewReader(data), N: 1 << 20}
		return lr, func() string { return fmt.Sprint(lr.N) }
	}},
	{"a pipe", func(t *testing.T, data []byte) (io.Reader, func() string) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		go func() { w.Write(data); w.Close() }()
		return r, func() string { return "" }
	}},
	{"a reader that fails", func(_ *testing.T, data []byte) (io.Reader, func() string) {
		return io.MultiReader(bytes.NewReader(data), badReader{}), func() string { return "" }
	}},
}

func TestReadFromDoesWhatThatOfNetDoes(t *testing.T) {
	l := startLoop(t)
	data := pattern(3 << 20)
	for _, src := range sources {
		for _, viaCopy := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, io.Copy %v", src.name, viaCopy), func(t *testing.T) {
				run := func(c tcpConn, peer net.Conn) copied {
					r, after := src.make(t, data)
					arrived := make(chan []byte, 1)
					go func() {
						b, _ := io.ReadAll(peer)
						arrived <- b
					}()
					copyTo := c.ReadFrom
					if viaCopy {
						copyTo = func(r io.Reader) (int64, error) { return io.Copy(c, r) }
					}
					n, err := copyTo(r)
					c.Close()
					return copied{asText(c, err) + " " + after(), await(t, arrived), n}
				}
				fake, fakePeer := dialPair(t, l, "tcp")
				got := run(fake, fakePeer)
				native, nativePeer := nativePair(t, "tcp")
				want := run(native.(tcpConn), nativePeer)
				hide := strings.NewReplacer("002/f", "f", "001/f", "f", "003/f", "f", "004/f", "f")
				if hide.Replace(got.text) != hide.Replace(want.text) || got.n != want.n {
					t.Errorf("%d, %s; with package net %d, %s", got.n, got.text, want.n, want.text)
				}
				if !bytes.Equal(got.got, want.got) {
					t.Errorf("%d bytes arrived; with package net %d, or others", len(got.got), len(want.got))
				}
			})
		}
	}
}

func TestReadFromParksAndObeysDeadlineAndClose(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			l := startLoop(t)
			f := tempFile(t, pattern(32<<20))
			c, peer := dialPair(t, l, network)
			start := func() <-chan result {
				f.Seek(0, io.SeekStart)
				r := async(func() (int, error) {
					n, err := c.ReadFrom(f)
					return int(n), err
				})
				awaitParked(t, &c.s.w)
				return r
			}
			r := start()
			c.SetWriteDeadline(time.Unix(1, 0))
			first := await(t, r)
			opErr(t, first.err, "readfrom", os.ErrDeadlineExceeded)
			c.SetWriteDeadline(time.Time{})
			r = start()
			c.Close()
			second := await(t, r)
			opErr(t, second.err, "readfrom", net.ErrClosed)
			n, err := io.Copy(io.Discard, peer)
			if n != int64(first.n+second.n) || err != nil {
				t.Errorf("%d bytes reported, %d arrived, %v", first.n+second.n, n, err)
			}
		})
	}
}

// Other writers wait for a ReadFrom that the kernel does.
func TestAFileIsSentWithoutOthersBytesInIt(t *testing.T) {
	l := startLoop(t)
	c, peer := dialPair(t, l, "tcp4")
	data := bytes.Repeat([]byte{1}, 8<<20)
	f := tempFile(t, data)
	sent := async(func() (int, error) { n, err := c.ReadFrom(f); return int(n), err })
	got := make([]byte, len(data)+1)
	if _, err := io.ReadFull(peer, got[:1]); err != nil { // it has begun
		t.Fatal(err)
	}
	awaitParked(t, &c.s.w)
	wrote := async(func() (int, error) { return c.Write([]byte{2}) })
	if _, err := io.ReadFull(peer, got[1:]); err != nil {
		t.Fatal(err)
	}
	if i := bytes.IndexByte(got, 2); i != len(data) {
		t.Errorf("the other writer's byte is at %d of %d", i, len(data))
	}
	for _, r := range []result{await(t, sent), await(t, wrote)} {
		if r.err != nil {
			t.Error(r.err)
		}
	}
}

func TestReadFromAPeerThatHasGone(t *testing.T) {
	l := startLoop(t)
	for _, network := range networks {
		c, peer := dialPair(t, l, network)
		f := tempFile(t, pattern(32<<20))
		r := async(func() (int, error) { n, err := c.ReadFrom(f); return int(n), err })
		awaitParked(t, &c.s.w)
		peer.Close() // with data unread, which resets
		if got := await(t, r); !isReset(got.err) {
			t.Errorf("%s: %v", network, got.err)
		}
		var oe *net.OpError
		if _, err := c.ReadFrom(f); !errors.As(err, &oe) || oe.Op != "readfrom" {
			t.Errorf("%s: afterwards %v", network, err)
		}
	}
}
