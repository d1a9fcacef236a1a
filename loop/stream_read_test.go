package loop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
)

func TestReadShapes(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		some := beginSome(t, s) // before there is anything
		sendTo(t, peer, "first")
		wantGot(t, some, "first", nil)

		sendTo(t, peer, "line one\r\nline two\r\nrest")
		wantGot(t, beginUntil(t, s, "\r\n", 100), "line one\r\n", nil)
		wantGot(t, beginUntil(t, s, "\r\n", 100), "line two\r\n", nil)
		wantGot(t, beginBytes(t, s, 2), "re", nil)
		wantGot(t, beginBytes(t, s, 0), "", nil)
		wantGot(t, beginSome(t, s), "st", nil)

		n := beginBytes(t, s, 10)
		sendTo(t, peer, "01234")
		sendTo(t, peer, "56789abc")
		wantGot(t, n, "0123456789", nil)
		wantGot(t, beginSome(t, s), "abc", nil)
		on(t, l, s.Close)
	})
}

func TestAReadLongerThanATurn(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		long := strings.Repeat("0123456789abcdef", 20000) + "\n"
		go io.WriteString(peer, long+long)
		wantGot(t, beginBytes(t, s, len(long)), long, nil)
		wantGot(t, beginUntil(t, s, "\n", len(long)), long, nil)
		on(t, l, func() {
			if s.r.in != nil {
				t.Error("an idle stream has a buffer")
			}
		})
	})
}

func TestAPeerThatSendsOneByteAtATime(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		const text = "GET / HTTP/1.0\r\nHost: x\r\n\r\nbody"
		go func() {
			for i := range len(text) {
				io.WriteString(peer, text[i:i+1])
			}
		}()
		wantGot(t, beginUntil(t, s, "\r\n\r\n", 100), text[:len(text)-4], nil)
		wantGot(t, beginBytes(t, s, 4), "body", nil)
	})
}

func TestReadUntilKeepsWhatIsTooLong(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		sendTo(t, peer, "12345--")
		wantGot(t, beginUntil(t, s, "--", 6), "", ErrTooLong)
		wantGot(t, beginUntil(t, s, "--", 3), "", ErrTooLong)
		wantGot(t, beginUntil(t, s, "--", 7), "12345--", nil)
		n := beginUntil(t, s, "--", 4)
		sendTo(t, peer, "123")
		sendTo(t, peer, "4")
		wantGot(t, n, "", ErrTooLong)
		wantGot(t, beginBytes(t, s, 4), "1234", nil)
	})
}

func TestEndOfFile(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		sendTo(t, peer, "12345")
		n := beginBytes(t, s, 10)
		peer.(interface{ CloseWrite() error }).CloseWrite()
		wantGot(t, n, "", io.ErrUnexpectedEOF)
		wantGot(t, beginUntil(t, s, "\n", 10), "", io.ErrUnexpectedEOF)
		wantGot(t, beginBytes(t, s, 2), "12", nil)
		wantGot(t, beginSome(t, s), "345", nil)
		for range 2 {
			wantGot(t, beginSome(t, s), "", io.EOF)
			wantGot(t, beginBytes(t, s, 1), "", io.EOF)
			wantGot(t, beginUntil(t, s, "\n", 1), "", io.EOF)
		}
		if err := await(t, beginWrite(t, s, []byte("still open"))); err != nil {
			t.Fatal(err)
		}
		expect(t, peer, "still open")
	})
}

func TestAResetReachesTheRead(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	n, ended := beginBytes(t, s, 10), make(chan error, 2)
	on(t, l, func() { s.OnClose(func(err error) { ended <- err }) })
	reset(t, peer)
	g := await(t, n)
	var oe *net.OpError
	if !errors.As(g.err, &oe) || oe.Op != "read" || oe.Addr == nil || !errors.Is(g.err, syscall.ECONNRESET) {
		t.Errorf("read: %#v", g.err)
	}
	if err := await(t, ended); err != g.err {
		t.Errorf("OnClose got %v", err)
	}
	wantGot(t, beginSome(t, s), "", g.err)
}

func TestPauseAndResume(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		n := begin(t, s, func(cb func([]byte, error)) {
			s.Pause()
			s.ReadSome(cb)
		})
		sendTo(t, peer, "held")
		on(t, l, func() {})
		on(t, l, func() {})
		if len(n) != 0 {
			t.Fatal("a paused read was completed")
		}
		on(t, l, s.Resume)
		wantGot(t, n, "held", nil)
	})
}

// While a stream is paused its peer must come to a stop.
func TestAPauseHoldsThePeerUp(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	n := begin(t, s, func(cb func([]byte, error)) {
		s.Pause()
		s.ReadBytes(1<<20, cb)
	})
	big := bytes.Repeat([]byte("x"), 32<<20)
	sent := make(chan error, 1)
	go func() { _, err := peer.Write(big); sent <- err }()
	eventually(t, l, "the peer fills the buffers", func() bool { return len(sent) == 0 })
	on(t, l, func() {
		if len(s.r.in.bytes()) != 0 {
			t.Error("received while paused")
		}
	})
	on(t, l, s.Resume)
	if g := await(t, n); len(g.data) != 1<<20 || g.err != nil {
		t.Fatalf("%d bytes, %v", len(g.data), g.err)
	}
	for rest := len(big) - 1<<20; rest > 0; {
		g := await(t, beginSome(t, s))
		if g.err != nil {
			t.Fatal(g.err)
		}
		rest -= len(g.data)
	}
	if err := await(t, sent); err != nil {
		t.Fatal(err)
	}
}

func TestHangUpIsNoticedWithoutARead(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		hung := make(chan struct{}, 2)
		on(t, l, func() {
			s.Pause()
			s.OnHangUp(func() { hung <- struct{}{} })
		})
		sendTo(t, peer, "bytes that nobody reads yet")
		on(t, l, func() {})
		if len(hung) != 0 {
			t.Fatal("called without a hang-up")
		}
		peer.Close()
		await(t, hung)
		on(t, l, func() { s.OnHangUp(func() { hung <- struct{}{} }) }) // too late to see it, and told
		await(t, hung)
		on(t, l, s.Resume)
		wantGot(t, beginBytes(t, s, 27), "bytes that nobody reads yet", nil)
		wantGot(t, beginSome(t, s), "", io.EOF)
		if len(hung) != 0 {
			t.Error("called again")
		}
	})
}

func TestAResetIsNoticedWithoutARead(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	hung := make(chan struct{}, 2)
	on(t, l, func() { s.OnHangUp(func() { hung <- struct{}{} }) })
	reset(t, peer)
	await(t, hung)
	on(t, l, func() {
		if s.ended {
			t.Error("the stream has ended")
		}
	})
	if g := await(t, beginSome(t, s)); !errors.Is(g.err, syscall.ECONNRESET) {
		t.Errorf("read: %v", g.err)
	}
}

func TestMisuseOfReadsPanics(t *testing.T) {
	l := start(t)
	s, _ := streamPair(t, l, "tcp4")
	cb := func([]byte, error) {}
	for name, f := range map[string]func(){
		"no function":        func() { s.ReadSome(nil) },
		"a negative number":  func() { s.ReadBytes(-1, cb) },
		"no delimiter":       func() { s.ReadUntil(nil, 1, cb) },
		"no limit":           func() { s.ReadUntil([]byte("x"), 0, cb) },
		"two reads":          func() { s.ReadSome(cb); s.ReadSome(cb) },
		"a negative mark":    func() { s.SetHighWater(-1, nil) },
		"a nil Dial":         func() { l.Dial(t.Context(), "tcp", "", nil) },
		"a nil Listen":       func() { l.Listen("tcp", "", nil) },
		"a nil Drain":        func() { (&Listener{l: l}).Drain(t.Context(), nil) },
		"a stream elsewhere": nil,
	} {
		panics := func(f func()) {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}
		if f != nil {
			on(t, l, func() { panics(f) })
			continue
		}
		for i, f := range []func(){
			func() { s.ReadSome(cb) }, func() { s.Write(nil, nil) }, s.Close, s.CloseWrite, s.Pause, s.Resume,
			func() { s.OnClose(nil) }, func() { s.OnHangUp(nil) }, func() { s.Queued() },
			func() { s.SetHighWater(1, nil) }, func() { s.SetReadTimeout(1) }, func() { s.SetWriteTimeout(1) },
		} {
			name = fmt.Sprint("a stream elsewhere, method ", i)
			panics(f)
		}
	}
}
