//go:build !valetportable

package fakesock

import (
	"bytes"
	"io"
	"os"
	"testing"
)

// A copy by the kernel counts as one write, however long it takes.
func TestFilesAreSentByTheKernel(t *testing.T) {
	l := startLoop(t)
	data := pattern(3 << 20)
	for _, network := range networks {
		c, peer := dialPair(t, l, network)
		arrived := make(chan []byte, 1)
		go func() {
			b, _ := io.ReadAll(peer)
			arrived <- b
		}()
		for i, r := range []io.Reader{tempFile(t, data), io.LimitReader(tempFile(t, data), 2<<20)} {
			if _, err := io.Copy(c, r); err != nil {
				t.Fatal(err)
			}
			if got := c.Stats().Writes; got != uint64(i+1) {
				t.Errorf("%s: %d copies took %d writes", network, i+1, got)
			}
		}
		c.Close()
		if got := await(t, arrived); !bytes.Equal(got, append(data[:len(data):len(data)], data[:2<<20]...)) {
			t.Errorf("%s: %d bytes arrived, or others", network, len(got))
		}
	}
}

// os.File.Fd of a duplicate makes the socket blocking, and sendfile(2) cannot
// be told not to wait.
func TestReadFromWithABlockingDuplicate(t *testing.T) {
	l := startLoop(t)
	c, _ := dialPair(t, l, "tcp4")
	f, err := c.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Fd()
	file := tempFile(t, pattern(32<<20))
	n, err := untilStuck(t, c, func() (int, error) {
		n, err := c.ReadFrom(file)
		return int(n), err
	})
	opErr(t, err, "readfrom", os.ErrDeadlineExceeded)
	if n == 0 {
		t.Error("nothing was sent")
	}
}
