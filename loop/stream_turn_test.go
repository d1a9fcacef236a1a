package loop

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/sysio"
)

// A stream that always has something to read must leave the others, timers and
// posts their turn.
func TestABusyStreamStarvesNobody(t *testing.T) {
	onEachNetwork(t, func(t *testing.T, l *Loop, s *Stream, peer net.Conn) {
		calm, calmPeer := streamPair(t, l, "tcp4")
		block := make([]byte, 256<<10)
		go func() {
			for {
				if _, err := peer.Write(block); err != nil {
					return
				}
			}
		}()
		biggest, calls := 0, 0
		var again func(p []byte, err error)
		again = func(p []byte, err error) {
			biggest = max(biggest, len(p))
			calls++
			if err == nil {
				s.ReadSome(again)
			}
		}
		on(t, l, func() { s.ReadSome(again) })
		for i := range 50 {
			n := beginBytes(t, calm, 4)
			sendTo(t, calmPeer, "ping")
			wantGot(t, n, "ping", nil)
			fired := make(chan struct{})
			on(t, l, func() { l.AfterFunc(0, func() { close(fired) }) })
			await(t, fired)
			if i == 49 {
				on(t, l, s.Close)
			}
		}
		on(t, l, func() {})
		on(t, l, func() {
			if calls == 0 || biggest > turnRead {
				t.Errorf("%d calls, with up to %d bytes", calls, biggest)
			}
		})
	})
}

// Reads that are served from the buffer must leave the others their turn, too.
func TestManySmallReadsStarveNobody(t *testing.T) {
	l := start(t)
	s, peer := streamPair(t, l, "tcp4")
	const n = 10000
	data := pattern(n)
	sendTo(t, peer, string(data))
	calls, inRow, row := 0, 0, 0
	done := make(chan struct{})
	var again func(p []byte, err error)
	again = func(p []byte, err error) {
		if err != nil || p[0] != data[calls] {
			t.Errorf("call %d: %v, %v", calls, p, err)
		}
		calls++
		inRow++
		row = max(row, inRow)
		if calls == n {
			close(done)
			return
		}
		s.ReadBytes(1, again)
	}
	var tick func()
	tick = func() {
		inRow = 0
		if calls < n {
			l.Post(tick)
		}
	}
	on(t, l, func() {
		s.ReadBytes(1, again)
		tick()
	})
	await(t, done)
	on(t, l, func() {
		if row > 2*turnCallbacks {
			t.Errorf("%d callbacks in a row", row)
		}
	})
}

// The work of callbacks in steady state is not the allocator's.
func TestASteadyStreamDoesNotAllocate(t *testing.T) {
	if portable || sysio.RaceEnabled {
		t.Log("allocations are counted on descriptors and without the race detector, which adds its own")
		return
	}
	for name, read := range map[string]func(*Stream, func([]byte, error)){
		"ReadSome":  func(s *Stream, cb func([]byte, error)) { s.ReadSome(cb) },
		"ReadUntil": func(s *Stream, cb func([]byte, error)) { s.ReadUntil(newline, 100, cb) },
		"ReadBytes": func(s *Stream, cb func([]byte, error)) { s.ReadBytes(5, cb) },
	} {
		for _, request := range []string{"ping\n", "ping\nping\nping\nping\n"} {
			t.Run(name, func(t *testing.T) {
				l := start(t)
				s, peer := streamPair(t, l, "tcp4")
				written := 0
				count := func(error) { written++ }
				var echo func(p []byte, err error)
				echo = func(p []byte, err error) {
					if err != nil {
						return
					}
					s.Write(p, count)
					read(s, echo)
				}
				on(t, l, func() {
					s.SetReadTimeout(time.Hour)
					read(s, echo)
				})
				out, in := []byte(request), make([]byte, len(request))
				if allocs := testing.AllocsPerRun(500, func() {
					peer.Write(out)
					io.ReadFull(peer, in)
				}); allocs != 0 {
					t.Errorf("%v allocations for each echo", allocs)
				}
				on(t, l, func() {
					if written < 500 {
						t.Errorf("%d writes called back", written)
					}
				})
			})
		}
	}
}

var newline = []byte("\n")

// An input is one buffer, whatever comes in and goes out.
func TestInputKeepsTheBytes(t *testing.T) {
	var c chunks
	var in input
	scratch := make([]byte, turnRead)
	src, want := pattern(3<<20), pattern(3<<20)
	got := []byte{}
	for i := 0; len(got) < len(want); i++ {
		n := copy(scratch[:1+i*37%turnRead], src)
		in.put(scratch[:n], &c)
		src = src[n:]
		take := min(i*61%(turnRead+1000), len(in.data))
		if len(src) == 0 {
			take = len(in.data)
		}
		got = append(got, in.take(take)...)
		in.keep(&c)
		clear(scratch)
		if i%3 == 0 {
			in.release(&c)
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("other bytes came out")
	}
	in.release(&c)
	if in.own != nil {
		t.Error("an empty input keeps its memory")
	}
}

func BenchmarkStreamEcho(b *testing.B) {
	l := start(b)
	s, peer := streamPair(b, l, "tcp4")
	var echo func(p []byte, err error)
	echo = func(p []byte, err error) {
		if err == nil {
			s.Write(p, nil)
			s.ReadSome(echo)
		}
	}
	on(b, l, func() { s.ReadSome(echo) })
	buf := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		peer.Write(buf)
		io.ReadFull(peer, buf)
	}
}
