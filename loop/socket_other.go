//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package loop

import (
	"io"
	"net"
	"sync"
)

// native is a connection of package net.
type native = net.Conn

func takeConn(c net.Conn) (native, error) { return c, nil }

func closeNative(c native) { c.Close() }

// portableChunk is how much one goroutine moves, in bytes.
const portableChunk = 16 << 10

var portableChunks = sync.Pool{New: func() any { return new([portableChunk]byte) }}

// socket makes a connection of package net look as if it were polled: what
// would wait begins in a goroutine, and the result is posted to the loop as an
// event. Each direction has one goroutine at most. A stream that waits for
// bytes has a buffer here; one that watches for a hang-up reads ahead by one
// more.
type socket struct {
	l        *Loop
	conn     net.Conn
	event    func(Readiness)
	closed   bool
	watching bool

	in      half // what recv consumes
	reading bool // a goroutine has next; it posts got when it is done
	next    half
	got     func()

	writing bool // as reading
	out     half
	put     func()
}

// half is one direction: a result, or what a goroutine is at work on.
type half struct {
	buf *[portableChunk]byte // nil: there is neither
	at  int                  // receiving: consumed so far
	n   int
	err error
}

func (h *half) reset() {
	if h.buf != nil {
		portableChunks.Put(h.buf)
	}
	*h = half{}
}

func (k *socket) open(l *Loop, c link, event func(Readiness)) error {
	k.l, k.conn, k.event = l, c.native, event
	k.got, k.put = k.gotSome, k.putSome
	return nil
}

func (*socket) note(Readiness) {}

func (k *socket) watch() {
	k.watching = true
	k.receive()
}

// receive starts a goroutine unless there is one, or a result of one that
// waits, or an end.
func (k *socket) receive() {
	if k.reading || k.closed || k.next.buf != nil || k.in.err != nil {
		return
	}
	k.reading = true
	k.next.buf = portableChunks.Get().(*[portableChunk]byte)
	go func() {
		k.next.n, k.next.err = k.conn.Read(k.next.buf[:])
		_ = k.l.Post(k.got) // a loop that is closed does not mind
	}()
}

// gotSome is what the goroutine of receive posts.
func (k *socket) gotSome() {
	k.reading = false
	if k.closed {
		k.next.reset()
		return
	}
	r := ReadReady
	if k.next.err != nil {
		r |= HangUp
	}
	if k.in.buf == nil {
		k.advance()
	}
	k.event(r)
}

// advance makes the result of a goroutine the one to consume.
func (k *socket) advance() {
	k.in, k.next = k.next, half{}
	if k.watching {
		k.receive()
	}
}

func (k *socket) recv(p []byte) (n int, more bool, err error) {
	if k.in.buf == nil {
		if k.reading || k.next.buf == nil {
			k.receive()
			return 0, false, errAgain
		}
		k.advance()
	}
	switch {
	case k.in.at < k.in.n:
		n = copy(p, k.in.buf[k.in.at:k.in.n])
		if k.in.at += n; k.in.at == k.in.n && k.in.err == nil {
			k.in.reset()
		}
		return n, true, nil
	case k.in.err == io.EOF:
		return 0, true, nil
	}
	return 0, false, k.in.err
}

// send is given the same bytes again until they are sent, so the result of the
// goroutine is the result for the start of p.
func (k *socket) send(p []byte) (int, error) {
	if k.writing {
		return 0, errAgain
	}
	if k.out.buf != nil {
		n, err := k.out.n, k.out.err
		k.out.reset()
		if n > 0 {
			return n, nil // an error comes again
		}
		return 0, err
	}
	k.writing = true
	k.out.buf = portableChunks.Get().(*[portableChunk]byte)
	size := copy(k.out.buf[:], p)
	go func() {
		k.out.n, k.out.err = k.conn.Write(k.out.buf[:size])
		_ = k.l.Post(k.put)
	}()
	return 0, errAgain
}

func (k *socket) putSome() {
	k.writing = false
	if k.closed {
		k.out.reset()
		return
	}
	k.event(WriteReady)
}

func (k *socket) closeWrite() error {
	return k.conn.(interface{ CloseWrite() error }).CloseWrite()
}

func (k *socket) close() {
	k.closed = true
	k.conn.Close()
	k.in.reset()
	if !k.reading {
		k.next.reset()
	}
	if !k.writing {
		k.out.reset()
	}
}
