package loop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestWritesKeepTheirOrder(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		var order []int
		done := make(chan struct{})
		on(t, l, func() {
			for i, text := range []string{"one ", "", "two ", "three"} {
				s.Write([]byte(text), func(err error) {
					if err != nil {
						t.Error(err)
					}
					if order = append(order, i); len(order) == 4 {
						close(done)
					}
				})
			}
			s.Write([]byte("!"), nil)
			if len(order) != 0 {
				t.Error("a callback ran inside Write")
			}
		})
		await(t, done)
		for i, n := range order {
			if i != n {
				t.Fatalf("called in the order %v", order)
			}
		}
		expect(t, peer, "one two three!")
	})
}

// pattern is n bytes, up to 16 MiB, of which no part looks like another nearby.
func pattern(n int) []byte { return bytes.Clone(patterns()[:n]) }

var patterns = sync.OnceValue(func() []byte {
	p := make([]byte, 16<<20)
	for i := range p {
		p[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return p
})

func TestAQueueDrainsInOrder(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		data := pattern(12 << 20)
		var marks []bool
		done := make(chan error, 10)
		on(t, l, func() {
			s.SetHighWater(1<<20, func(above bool) { marks = append(marks, above) })
			for at := 0; at < len(data); at += 3 << 20 {
				part := bytes.Clone(data[at : at+3<<20])
				s.Write(part, func(err error) { done <- err })
				clear(part) // the stream has its own copy
			}
			if s.Queued() == 0 {
				t.Error("nothing is queued")
			}
		})
		on(t, l, func() {})
		on(t, l, func() {
			if len(marks) != 1 || !marks[0] {
				t.Errorf("high-water calls: %v", marks)
			}
		})
		if len(done) == 4 {
			t.Error("all written, though nobody reads")
		}
		got := make([]byte, len(data))
		if _, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("the peer read something else (%v)", err)
		}
		for range 4 {
			if err := await(t, done); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, l, "the low mark", func() bool { return len(marks) == 2 })
		on(t, l, func() {
			if marks[1] || s.Queued() != 0 || s.w.late.queue != nil {
				t.Errorf("high-water calls: %v; %d queued", marks, s.Queued())
			}
		})
	})
}

func TestCloseWriteAfterAQueue(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		data := pattern(8 << 20)
		first := beginWrite(t, s, data)
		ended := make(chan error, 2)
		on(t, l, func() {
			s.CloseWrite()
			s.CloseWrite()
			s.OnClose(func(err error) { ended <- err })
		})
		late := beginWrite(t, s, []byte("too late"))
		if got, err := io.ReadAll(peer); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("the peer read %d bytes, %v", len(got), err)
		}
		if err := await(t, first); err != nil {
			t.Fatal(err)
		}
		if err := await(t, late); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("a write after CloseWrite: %v", err)
		}
		if err := await(t, beginWrite(t, s, nil)); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("a write after CloseWrite: %v", err)
		}
		sendTo(t, peer, "the other direction")
		wantGot(t, beginBytes(t, s, 19), "the other direction", nil)
		peer.Close()
		wantGot(t, beginSome(t, s), "", io.EOF)
		if err := await(t, ended); err != io.EOF {
			t.Fatalf("OnClose got %v", err)
		}
	})
}

func TestAResetEndsAWriteInTheMiddle(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	var writes []<-chan error
	ended := make(chan error, 2)
	writes = append(writes, beginWrite(t, s, pattern(16<<20)), beginWrite(t, s, []byte("behind it")))
	on(t, l, func() { s.OnClose(func(err error) { ended <- err }) })
	expect(t, peer, string(pattern(1000)))
	reset(t, peer)
	why := await(t, ended)
	if !errors.Is(why, syscall.ECONNRESET) && !errors.Is(why, syscall.EPIPE) {
		t.Errorf("OnClose got %v", why)
	}
	writes = append(writes, beginWrite(t, s, []byte("after it")))
	for i, w := range writes {
		if err := await(t, w); err != why {
			t.Errorf("write %d: %v", i, err)
		}
	}
	on(t, l, func() {
		if s.Queued() != 0 || len(s.w.late.ops) != 0 {
			t.Error("something is left over")
		}
	})
}

func TestWritingToAPeerThatIsGoneFails(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		peer.Close()
		ended := make(chan error, 2)
		on(t, l, func() { s.OnClose(func(err error) { ended <- err }) })
		for {
			if err := await(t, beginWrite(t, s, []byte("anybody?"))); err != nil {
				break
			}
		}
		if err := await(t, ended); err == nil {
			t.Error("OnClose got nil")
		}
	})
}

func TestReadTimeout(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		on(t, l, func() { s.SetReadTimeout(5 * time.Millisecond) })
		n := beginBytes(t, s, 6)
		sendTo(t, peer, "kept")
		wantGot(t, n, "", os.ErrDeadlineExceeded)
		on(t, l, func() { s.SetReadTimeout(0) })
		wantGot(t, beginBytes(t, s, 4), "kept", nil)
		slow := beginSome(t, s) // without a limit
		on(t, l, func() { s.SetReadTimeout(time.Hour); s.SetReadTimeout(time.Millisecond) })
		wantGot(t, slow, "", os.ErrDeadlineExceeded)
		held := begin(t, s, func(cb func([]byte, error)) {
			s.Pause()
			s.ReadSome(cb)
			l.AfterFunc(3*time.Millisecond, func() {
				if s.r.state != wanted {
					t.Error("timed out while paused")
				}
				s.Resume()
			})
		})
		wantGot(t, held, "", os.ErrDeadlineExceeded)
		sendTo(t, peer, "alive")
		on(t, l, func() { s.SetReadTimeout(0) })
		wantGot(t, beginBytes(t, s, 5), "alive", nil)
	})
}

func TestWriteTimeout(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		ended := make(chan error, 2)
		on(t, l, func() {
			s.SetWriteTimeout(20 * time.Millisecond)
			s.OnClose(func(err error) { ended <- err })
		})
		n := beginSome(t, s)
		if err := await(t, beginWrite(t, s, pattern(12<<20))); err != os.ErrDeadlineExceeded {
			t.Errorf("the write: %v", err)
		}
		wantGot(t, n, "", os.ErrDeadlineExceeded)
		if err := await(t, ended); err != os.ErrDeadlineExceeded {
			t.Errorf("OnClose got %v", err)
		}
	})
}

// A peer that reads slowly makes progress, however long it all takes.
func TestAWriteTimeoutIsAboutProgress(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	on(t, l, func() { s.SetWriteTimeout(time.Second) })
	data := pattern(8 << 20)
	began := time.Now()
	w := beginWrite(t, s, data)
	buf := make([]byte, 512<<10)
	pace := time.NewTicker(200 * time.Millisecond) // what the test is about, not a way to wait
	defer pace.Stop()
	for at := 0; at < len(data); {
		<-pace.C
		n, err := io.ReadFull(peer, buf[:min(len(buf), len(data)-at)])
		if err != nil || !bytes.Equal(buf[:n], data[at:at+n]) {
			t.Fatalf("at %d: %v", at, err)
		}
		at += n
	}
	if err := await(t, w); err != nil {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
}

// A read timeout that has fired, but not called back, gives way to Pause.
func TestPauseTakesBackATimeout(t *testing.T) {
	if portable {
		t.Log("on the portable fallback a write's callback needs an event, so the order cannot be forced")
		return
	}
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	var n <-chan got
	on(t, l, func() {
		s.SetReadTimeout(time.Hour)
		ch := make(chan got, 10)
		n = ch
		s.ReadSome(func(p []byte, err error) { ch <- got{string(p), err} })
		s.Write([]byte("x"), func(error) { s.Pause() })
		s.r.timeout.clock.since = time.Now().Add(-2 * time.Hour)
		s.readTimeout() // writes call back before reads
		s.Resume()
	})
	on(t, l, func() {})
	if len(n) != 0 {
		t.Fatalf("called back at once: %v", <-n)
	}
	sendTo(t, peer, "in time")
	wantGot(t, n, "in time", nil)
}

func TestOverlappingWritesKeepNoOldOnes(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	go io.Copy(io.Discard, peer)
	const writes = 10000
	begun, done := 0, make(chan struct{})
	var next func(error)
	next = func(err error) {
		if err != nil || begun == writes {
			select {
			case <-done:
			default:
				close(done)
			}
			return
		}
		begun++
		s.Write([]byte("x"), next)
	}
	on(t, l, func() { next(nil); next(nil) })
	await(t, done)
	on(t, l, func() {
		if n := cap(s.w.late.ops); n > keepWrites {
			t.Errorf("room for %d writes is kept", n)
		}
		s.Close()
	})
}

func TestManyWritesKeepNoMemory(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	done := make(chan error, 1)
	on(t, l, func() {
		for range 10000 {
			s.Write([]byte("x"), func(error) {})
		}
		s.Write([]byte("x"), func(err error) { done <- err })
	})
	go io.Copy(io.Discard, peer)
	if err := await(t, done); err != nil {
		t.Fatal(err)
	}
	on(t, l, func() {
		if n := cap(s.w.late.ops); n > keepWrites {
			t.Errorf("room for %d writes is kept", n)
		}
		s.Close()
	})
}

// The queue may fall below the mark in the turn that is to report that it was
// passed: Write leaves off at directWrite, although the kernel would take more.
func TestAMarkThatIsPassedIsToldOfTheEnd(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	go io.Copy(io.Discard, peer)
	told := make(chan bool, 1000)
	for range 50 {
		passed := make(chan bool, 1)
		on(t, l, func() {
			s.Write(make([]byte, directWrite+300<<10), nil)
			s.SetHighWater(256<<10, func(above bool) { told <- above })
			passed <- s.Queued() > 256<<10
		})
		if await(t, passed) {
			for await(t, told) {
			}
		}
		eventually(t, l, "empty", func() bool { return s.Queued() == 0 })
	}
	on(t, l, s.Close)
}
