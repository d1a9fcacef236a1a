package loop

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// pending is a stream with a read, writes, and everything else pending, whose
// callbacks count.
type pending struct {
	read, write, closed, hung, high int
	errs                            []error
	last                            string
}

func makePending(s *Stream) *pending {
	p := &pending{}
	s.ReadBytes(1<<20, func(_ []byte, err error) { p.read++; p.errs = append(p.errs, err); p.last = "read" })
	for _, size := range []int{16 << 20, 1 << 20, 0} { // the first one does not fit into any buffer
		s.Write(make([]byte, size), func(err error) { p.write++; p.errs = append(p.errs, err); p.last = "write" })
	}
	s.SetReadTimeout(time.Hour)
	s.SetWriteTimeout(time.Hour)
	s.SetHighWater(1, func(bool) { p.high++ })
	s.OnHangUp(func() { p.hung++ })
	s.OnClose(func(err error) { p.closed++; p.last = "close" })
	return p
}

func (p *pending) check(t *testing.T, want error) {
	t.Helper()
	if p.read != 1 || p.write != 3 || p.closed != 1 || p.hung != 0 || p.last != "close" {
		t.Errorf("called %+v", *p)
	}
	for _, err := range p.errs {
		if err != want {
			t.Errorf("a callback got %v, want %v", err, want)
		}
	}
}

func TestCloseCallsEverythingThatIsPendingOnce(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		var p *pending
		on(t, l, func() { p = makePending(s) })
		on(t, l, func() {
			s.Close()
			s.Close()
			if len(p.errs) != 0 {
				t.Error("a callback ran inside Close")
			}
		})
		eventually(t, l, "OnClose", func() bool { return p.closed > 0 })
		on(t, l, func() {})
		on(t, l, func() {
			p.check(t, net.ErrClosed)
			s.CloseWrite()
			s.Pause()
			s.Resume()
			s.SetReadTimeout(time.Millisecond)
			s.SetWriteTimeout(time.Millisecond)
		})
		wantGot(t, beginSome(t, s), "", net.ErrClosed)
		wantGot(t, beginBytes(t, s, 0), "", net.ErrClosed)
		if err := await(t, beginWrite(t, s, []byte("x"))); err != net.ErrClosed {
			t.Errorf("a write after Close: %v", err)
		}
		again := make(chan error, 1)
		on(t, l, func() { s.OnClose(func(err error) { again <- err }) })
		if err := await(t, again); err != nil {
			t.Errorf("OnClose after Close got %v", err)
		}
		if _, err := io.Copy(io.Discard, peer); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Log(err) // a reset, if something was queued
		}
	})
}

// The loop is closed by its own goroutine, by another, and by its context.
func TestClosingTheLoopCallsEverythingThatIsPendingOnce(t *testing.T) {
	for name, end := range map[string]func(*Loop, context.CancelFunc){
		"close":              func(l *Loop, _ context.CancelFunc) { l.Close() },
		"close in callback":  func(l *Loop, _ context.CancelFunc) { l.Post(func() { l.Close() }) },
		"the context's end":  func(_ *Loop, cancel context.CancelFunc) { cancel() },
		"close while paused": nil,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			l, err := Start(ctx)
			if err != nil {
				t.Fatal(err)
			}
			s, _ := streamPair(t, l, "tcp4")
			quietPeer, _ := streamPair(t, l, "unix")
			blackHole := netListener(t, "unix")
			var p *pending
			var dialErr, drainErr error
			dials, drains, later := 0, 0, 0
			accepted := make(chan *Stream, 1)
			ln := listen(t, l, "tcp4", func(s *Stream) { accepted <- s })
			connect(t, ln)
			await(t, accepted)
			on(t, l, func() {
				p = makePending(s)
				quietPeer.ReadSome(func(_ []byte, err error) {
					quietPeer.ReadSome(func([]byte, error) { later++ }) // begun on a closed loop
					quietPeer.Write([]byte("x"), func(error) { later++ })
					quietPeer.OnClose(func(error) { quietPeer.Close() })
					panic("contained")
				})
				ln.Drain(context.Background(), func(err error) { drains++; drainErr = err })
				if name == "close while paused" {
					s.Pause()
				}
				// The dial is done, or not, when the loop ends.
				l.Dial(context.Background(), "unix", blackHole.Addr().String(), func(s *Stream, err error) {
					if dials++; err == nil {
						s.OnClose(func(err error) { dialErr = err })
					} else {
						dialErr = err
					}
				})
				l.onPanic = func(v any, _ []byte) {
					if v != "contained" {
						t.Error(v)
					}
				}
			})
			if end == nil {
				l.Close()
			} else {
				end(l, cancel)
			}
			await(t, l.ended)
			p.check(t, ErrClosed)
			if dials != 1 || dialErr != ErrClosed || drains != 1 || drainErr != ErrClosed || later != 0 {
				t.Errorf("%d dials, %v; %d drains, %v; %d begun on a closed loop", dials, dialErr, drains, drainErr, later)
			}
			if _, err := l.Listen("tcp4", "127.0.0.1:0", func(*Stream) {}); !errors.Is(err, ErrClosed) {
				t.Errorf("Listen on a closed loop: %v", err)
			}
			l.Dial(context.Background(), "unix", blackHole.Addr().String(), func(*Stream, error) { t.Error("called") })
			s.Close()
			s.ReadSome(func([]byte, error) { t.Error("called") })
		})
	}
}

// closers make a stream's callback of each kind run.
var closers = map[string]func(s *Stream, peer net.Conn, act func()){
	"ReadSome":  func(s *Stream, peer net.Conn, act func()) { s.ReadSome(func([]byte, error) { act() }) },
	"ReadBytes": func(s *Stream, peer net.Conn, act func()) { s.ReadBytes(2, func([]byte, error) { act() }) },
	"ReadUntil": func(s *Stream, peer net.Conn, act func()) {
		s.ReadUntil([]byte("b"), 9, func([]byte, error) { act() })
	},
	"Write":    func(s *Stream, peer net.Conn, act func()) { s.Write([]byte("x"), func(error) { act() }) },
	"OnHangUp": func(s *Stream, peer net.Conn, act func()) { s.OnHangUp(act); peer.Close() },
	"high water": func(s *Stream, peer net.Conn, act func()) {
		s.SetHighWater(1, func(bool) { act() })
		s.Write(make([]byte, 16<<20), nil)
	},
	"timeout": func(s *Stream, peer net.Conn, act func()) {
		s.SetReadTimeout(time.Millisecond)
		s.ReadBytes(99, func([]byte, error) { act() })
	},
	"OnClose": func(s *Stream, peer net.Conn, act func()) { s.OnClose(func(error) { act() }); s.Close() },
}

func TestCloseFromEachCallback(t *testing.T) {
	for name, arrange := range closers {
		t.Run(name, func(t *testing.T) {
			onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
				sendTo(t, peer, "ab and more that stays")
				acts, after := 0, 0
				done := make(chan struct{})
				on(t, l, func() {
					arrange(s, peer, func() {
						acts++
						s.Close()
						s.OnHangUp(func() { t.Error("OnHangUp after Close") })
						s.Write([]byte("y"), func(err error) { after++ })
						if s.r.state == quiet {
							s.ReadSome(func(_ []byte, err error) {
								if after++; err != net.ErrClosed {
									t.Errorf("ReadSome after Close: %v", err)
								}
							})
						} else {
							after++
						}
						s.OnClose(func(err error) {
							if err != nil {
								t.Errorf("OnClose got %v", err)
							}
							close(done)
						})
					})
				})
				await(t, done)
				on(t, l, func() {
					if acts != 1 || after != 2 {
						t.Errorf("%d calls, then %d", acts, after)
					}
				})
			})
		})
	}
}

func TestAPanicInEachCallbackLeavesTheStreamAlive(t *testing.T) {
	for name, arrange := range closers {
		if name == "OnClose" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			panics := make(chan any, 10)
			l := start(t, WithPanicHandler(func(v any, _ []byte) { panics <- v }))
			s, peer := streamPair(t, l, "tcp4")
			sendTo(t, peer, "ab")
			on(t, l, func() {
				first := true
				arrange(s, peer, func() {
					if first {
						first = false
						panic(name)
					}
				})
			})
			if v := await(t, panics); v != name {
				t.Fatalf("panicked with %v", v)
			}
			on(t, l, func() {
				if s.ended || s.inTurn {
					t.Error("the stream did not survive")
				}
				s.Close()
			})
		})
	}
}

func TestGoexitInEachCallbackLeavesTheStreamAlive(t *testing.T) {
	for name, arrange := range closers {
		if name == "OnClose" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			l := start(t)
			s, peer := streamPair(t, l, "tcp4")
			sendTo(t, peer, "ab")
			acts := make(chan struct{}, 10)
			on(t, l, func() {
				arrange(s, peer, func() {
					acts <- struct{}{}
					runtime.Goexit()
				})
			})
			await(t, acts)
			on(t, l, func() {
				if s.ended || s.inTurn {
					t.Error("the stream did not survive")
				}
				s.Close()
			})
		})
	}
}

func TestBothDirectionsDoneEndTheStream(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		ended := make(chan error, 2)
		sendTo(t, peer, "tail")
		peer.(interface{ CloseWrite() error }).CloseWrite()
		wantGot(t, beginBytes(t, s, 9), "", io.ErrUnexpectedEOF)
		on(t, l, func() {
			s.OnClose(func(err error) { ended <- err })
			s.CloseWrite()
		})
		on(t, l, func() {})
		if len(ended) != 0 {
			t.Error("the stream ended with bytes to read")
		}
		wantGot(t, beginSome(t, s), "tail", nil)
		wantGot(t, beginSome(t, s), "", io.EOF)
		if err := await(t, ended); err != io.EOF {
			t.Errorf("OnClose got %v", err)
		}
		if n, err := peer.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("the peer read %d, %v", n, err)
		}
	})
}

func TestCloseEndsAReadUntilThatHasAPart(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	u := beginUntil(t, s, "\r\n", 100)
	sendTo(t, peer, "a part")
	eventually(t, l, "the part", func() bool { return s.r.scanned == 6 })
	on(t, l, s.Close)
	wantGot(t, u, "", net.ErrClosed)
}
