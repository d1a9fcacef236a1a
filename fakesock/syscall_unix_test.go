//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"bytes"
	"io"
	"os"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
)

// Signals interrupt system calls; no caller may see it.
func TestSignalsDoNotShow(t *testing.T) {
	got := make(chan os.Signal, 1)
	signal.Notify(got, unix.SIGUSR1)
	defer signal.Stop(got)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				unix.Kill(unix.Getpid(), unix.SIGUSR1)
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	l := startLoop(t)
	data := pattern(2 << 20)
	for _, network := range networks {
		a, b := fakePair(t, l, network)
		f := tempFile(t, data)
		sent := async(func() (int, error) {
			defer a.CloseWrite()
			n, err := a.Write(data)
			if err != nil {
				return n, err
			}
			m, err := a.ReadFrom(f)
			return n + int(m), err
		})
		back, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(back, append(data[:len(data):len(data)], data...)) {
			t.Errorf("%s: read %d bytes of %d, or others, %v", network, len(back), 2*len(data), err)
		}
		if r := await(t, sent); r.err != nil {
			t.Errorf("%s: %v", network, r.err)
		}
		ln := listenFake(t, l, network)
		for range 20 {
			acc := asyncAccept(t, ln)
			c, err := (&Dialer{Loop: l}).Dial(network, ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if acc := await(t, acc); acc.err != nil {
				t.Error(acc.err)
			}
			c.Close()
		}
	}
}

// A buffer beyond 1 GiB takes more than one system call. It is mapped and never
// written, so that it takes no memory.
func TestABufferBeyondOneCall(t *testing.T) {
	if sysio.RaceEnabled || testing.Short() {
		t.Log("moves more than 1 GiB, so only without -race and -short")
		return
	}
	const size = sysio.MaxIO + 1<<20
	zeroes, err := unix.Mmap(-1, 0, size, unix.PROT_READ, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(zeroes)
	into, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(into)
	l := startLoop(t)
	a, b := fakePair(t, l, "unix")
	wrote := async(func() (int, error) { return a.Write(zeroes) })
	if n, err := b.Read(into); n == 0 || n > sysio.MaxIO || err != nil {
		t.Errorf("Read into a buffer of %d bytes = %d, %v", size, n, err)
	} else if m, err := io.Copy(io.Discard, io.LimitReader(b, int64(size-n))); m != int64(size-n) || err != nil {
		t.Errorf("%d bytes arrived of %d, %v", m+int64(n), size, err)
	}
	if r := await(t, wrote); r.n != size || r.err != nil {
		t.Errorf("Write = %d, %v; want %d", r.n, r.err, size)
	}
}
