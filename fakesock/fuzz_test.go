package fakesock

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// FuzzConn does the same operations on a pair of fake sockets and on one of
// package net, and compares every outcome: bytes, counts, errors.
//
// Each byte of the script is an operation of one end. Operations that would
// wait for ever are not made: a read asks for what the model knows to have been
// sent, or has a deadline that has passed, or the end of the stream to find.
func FuzzConn(f *testing.F) {
	f.Add([]byte{0x00, 0x01, 0x10, 0x11})
	f.Add([]byte{0x05, 0x85, 0x20, 0x21, 0x90, 0x06, 0x86})
	f.Add([]byte{0x00, 0x04, 0x81, 0x00, 0x85, 0x81, 0x02, 0x82})
	f.Add([]byte{0x00, 0xca, 0xda, 0xea, 0xfa, 0x82, 0x9a, 0x8a}) // probes between reads
	f.Add([]byte{0x5c, 0x6c, 0x4c, 0x82, 0x0c, 0x3c, 0x02, 0x00, 0x7c, 0xd2})
	f.Add([]byte{0x00, 0x6c, 0x07, 0xba, 0x92, 0xb2, 0xf2, 0x02}) // half-closed with data pending
	f.Add([]byte{0x07, 0x00, 0x87, 0x81, 0x08, 0x88, 0x03, 0x83})
	f.Fuzz(func(t *testing.T, script []byte) {
		script = script[:min(len(script), 60)] // longer ones find nothing that short ones do not
		for _, network := range []string{"tcp4", "unix"} {
			l := startLoop(t)
			a, b := fakePair(t, l, network)
			x, y := nativePair(t, network)
			fake, native := newModel(a, b), newModel(x, y)
			for i, op := range script {
				got, want := fake.do(op), native.do(op)
				if got != want {
					t.Fatalf("%s: operation %d of % x: %s, with package net %s", network, i, script, got, want)
				}
			}
		}
	})
}

func nativePair(t testing.TB, network string) (x, y duplex) {
	t.Helper()
	ln := listen(t, network)
	defer ln.Close()
	c, err := net.Dial(network, ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c.(duplex), s.(duplex)
}

// duplex is what all the stream connections here have.
type duplex interface {
	net.Conn
	CloseRead() error
	CloseWrite() error
}

// model is two ends of a connection and what is known of them.
type model struct{ ends [2]*end }

type end struct {
	duplex
	peer       *end
	unread     int  // bytes sent by the peer and not read yet
	closed     bool // Close was called
	shutWrite  bool // no more can be sent by this end
	shutRead   bool
	expired    bool // the read deadline has passed
	expiredOut bool
	sent       byte
}

func newModel(a, b duplex) *model {
	m := &model{}
	m.ends[0], m.ends[1] = &end{duplex: a}, &end{duplex: b}
	m.ends[0].peer, m.ends[1].peer = m.ends[1], m.ends[0]
	return m
}

// do makes the operation and describes its outcome.
func (m *model) do(op byte) string {
	e := m.ends[op>>7]
	size := int(op>>4&7)*100 + 1
	switch op & 15 {
	case 0, 1, 9:
		return e.write(size)
	case 2, 3, 11:
		return e.read(size)
	case 10:
		return e.raw(size)
	case 12:
		past := size < 300
		if size > 500 {
			return e.readFrom(size)
		}
		e.expired, e.expiredOut = past, past
		return verdict("deadline", e.SetDeadline(deadline(past)))
	case 4:
		e.expired = !e.expired
		return verdict("read deadline", e.SetReadDeadline(deadline(e.expired)))
	case 5:
		e.expiredOut = !e.expiredOut
		return verdict("write deadline", e.SetWriteDeadline(deadline(e.expiredOut)))
	case 6:
		n, err := e.Read(nil)
		return verdict(fmt.Sprint("read nothing ", n), err)
	case 7:
		if size > 300 || e.peer.closed {
			return "" // rarely; and what follows a reset depends on timing
		}
		e.shutWrite = true
		return verdict("close write", e.CloseWrite())
	case 8:
		if size > 200 || e.peer.closed || e.unread > 0 {
			return ""
		}
		e.closed = true
		return verdict("close", e.Close())
	case 13:
		if e.peer.closed || e.shutWrite {
			return ""
		}
		n, err := e.Write(nil)
		return verdict(fmt.Sprint("write nothing ", n), err)
	case 14:
		if size > 200 || e.unread > 0 || e.peer.closed {
			return ""
		}
		e.shutRead = true
		return verdict("close read", e.CloseRead())
	default:
		return fmt.Sprint("addresses ", e.LocalAddr() != nil, e.RemoteAddr() != nil)
	}
}

func (e *end) write(size int) string {
	if e.peer.closed || e.peer.shutRead {
		return "" // when the reset arrives depends on timing
	}
	p := make([]byte, size)
	for i := range p {
		p[i] = e.sent + byte(i)
	}
	n, err := e.Write(p)
	e.sent += byte(n)
	e.peer.unread += n
	return verdict(fmt.Sprint("write ", n), err)
}

// readFrom copies from a reader, by ReadFrom where there is one.
func (e *end) readFrom(size int) string {
	if e.peer.closed || e.peer.shutRead {
		return ""
	}
	n, err := io.Copy(e.duplex, strings.NewReader(strings.Repeat("r", size)))
	e.peer.unread += int(n)
	return verdict(fmt.Sprint("copy ", n), err)
}

// raw makes the calls of a health check: it reads a byte, or peeks, or only
// looks, without waiting.
func (e *end) raw(size int) string {
	raw := rawOf(e.duplex)
	if size < 200 {
		err := raw.Control(func(uintptr) {})
		return verdict("control", err)
	}
	if size < 300 {
		err := raw.Write(func(uintptr) bool { return true })
		return verdict("raw write", err)
	}
	ends := e.shutRead || e.peer.shutWrite || e.peer.closed
	if e.unread == 0 && ends {
		return "" // when the end arrives depends on timing
	}
	var p [1]byte
	got := 0
	err := raw.Read(func(fd uintptr) bool {
		var sysErr error
		if size < 500 {
			got, sysErr = peekFD(fd, p[:])
		} else {
			got, sysErr = readFD(fd, p[:])
		}
		// What was sent may be on its way; what was not cannot be waited for.
		return sysErr == nil || e.unread == 0
	})
	if err == nil && got > 0 && size >= 500 {
		e.unread -= got
	}
	return verdict(fmt.Sprint("raw read ", max(got, 0), p), err)
}

func (e *end) read(size int) string {
	ends := e.closed || e.expired || e.shutRead || e.peer.shutWrite || e.peer.closed
	if e.unread == 0 && !ends {
		return "" // would wait for ever
	}
	p := make([]byte, size)
	if e.unread > 0 && !e.closed && !e.expired {
		p = p[:min(size, e.unread)]
	}
	n, err := io.ReadFull(e, p)
	e.unread -= n
	sum := 0
	for i, b := range p[:n] {
		sum = sum*31 + int(b) + i
	}
	return verdict(fmt.Sprint("read ", n, " ", sum), err)
}

func deadline(past bool) time.Time {
	if past {
		return time.Unix(1, 0)
	}
	return time.Time{}
}

// verdict describes a result in words that are the same for both pairs.
func verdict(what string, err error) string {
	var oe *net.OpError
	op := ""
	if errors.As(err, &oe) {
		op = oe.Op
	}
	kind := "other"
	switch {
	case err == nil:
		kind = "ok"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		kind = err.Error()
	case errors.Is(err, net.ErrClosed):
		kind = "closed"
	case errors.Is(err, os.ErrDeadlineExceeded):
		kind = "timeout"
	default:
		kind += ": " + errors.Unwrap(err).Error()
	}
	return what + ": " + op + " " + kind
}
