package httploop

import (
	"errors"
	"net/http"
	"sync"

	"github.com/valyala/bytebufferpool"
	"github.com/valyala/fasthttp"
)

// client is a connection, on the goroutine that serves it, but for w.
//
// Of a request there is, in this order: nothing (the deadline is forRequest); a
// part of the header (forHeader); the header, and a part of the body (forBody);
// an Exchange in the queue (no deadline). While one is in the queue, parts of
// others may be there too.
//
// Most clients wait, so what they have no use for meanwhile is not kept here.
type client struct {
	srv *Server
	c   Conn
	w   waiting // guarded by the deadlines' mutex, as is list

	part *part // what has come of a request; nil between two calls of the host if nothing has

	first, last *Exchange                  // those without an answer that is sent
	out         *bytebufferpool.ByteBuffer // answers that are collected while reading is true, or nil
	handling    *Exchange                  // the handler runs with it

	unsent int   // for forRoom: how much waits, if the client has read nothing since that was last looked at
	queued int32 // exchanges from first to last
	waits  wait  // what w was last set to
	list   wait  // which w is in; guarded by the deadlines' mutex

	reading  bool // received is running
	paused   bool // the host does not read
	full     bool // more than highWater waits to be sent, and so it is paused
	resuming bool // resume is posted
	fresh    bool // a request has come since waits was set
	eof      bool // the client sends no more
	ending   bool // nothing more is taken: the last answer, once sent, closes
	refused  bool // what the client goes on sending is thrown away
	closed   bool // the host was told to close, or has
}

// part is what has come of a request that is not whole.
type part struct {
	in     []byte            // what is not used, or nil
	seen   int               // of in: no header ends in so much
	req    *fasthttp.Request // whose body has not come, or nil
	chunks chunkScanner      // of that body, if it has no length
	asks   bool              // whether to send that body: it is owed 100 Continue
}

var parts = sync.Pool{New: func() any { return &part{} }}

// highWater is how many bytes of answers may wait for a client that does not
// read them, before it is no longer read from.
const highWater = 256 << 10

// received is [Server.Data].
func (k *client) received(in []byte) {
	if k.ending || k.closed {
		return
	}
	k.reading = true
	if k.part == nil {
		k.part = parts.Get().(*part)
	}
	p := k.part
	own := len(p.in) > 0
	if own {
		p.in = append(p.in, in...)
		in = p.in
	}
	p.keep(k.take(in), own)
	k.reading = false
	k.flush()
	k.settle()
}

// take handles the requests that in has, and returns the rest.
func (k *client) take(in []byte) []byte {
	for !k.ending && !k.closed && !k.paused {
		n, more := k.next(in)
		if in = in[n:]; !more {
			break
		}
	}
	if k.ending || k.closed {
		return nil
	}
	return in
}

// next handles what in begins with, and reports how much that was, and whether
// there may be more.
func (k *client) next(in []byte) (n int, more bool) {
	p := k.part
	if p.req == nil {
		if p.seen == 0 { // between two requests clients send an empty line, if they are old
			for n < len(in) && (in[n] == '\r' || in[n] == '\n') {
				n++
			}
		}
		end := endOfHeader(in[n:], p.seen)
		if end < 0 {
			p.seen = len(in) - n
			if p.seen > k.srv.maxHeader() {
				k.refuse(http.StatusRequestHeaderFieldsTooLarge)
			}
			return n, false
		}
		p.seen = 0
		if end > k.srv.maxHeader() {
			k.refuse(http.StatusRequestHeaderFieldsTooLarge)
			return n, false
		}
		if !k.header(in[n : n+end]) {
			return n, false
		}
		n += end
	}
	size, whole := k.body(in[n:])
	if !whole {
		return n, false
	}
	n += size
	k.handle()
	return n, true
}

// header parses a header into the part's req; if that fails the client is refused.
func (k *client) header(in []byte) bool {
	req := fasthttp.AcquireRequest()
	if err := parseHeader(req, in); err != nil {
		fasthttp.ReleaseRequest(req)
		if errors.Is(err, errVersion) {
			k.refuse(http.StatusHTTPVersionNotSupported)
		} else {
			k.refuse(http.StatusBadRequest)
		}
		return false
	}
	if req.Header.ContentLength() > k.srv.maxBody() {
		fasthttp.ReleaseRequest(req)
		k.refuse(http.StatusRequestEntityTooLarge)
		return false
	}
	k.part.req, k.part.chunks, k.part.asks = req, chunkScanner{}, req.MayContinue()
	return true
}

// body gives req its body if in has all of it, and reports how long it is in in.
func (k *client) body(in []byte) (n int, whole bool) {
	p := k.part
	length := p.req.Header.ContentLength()
	switch {
	case length > len(in):
		return 0, false
	case length >= 0:
		p.req.SetBodyRaw(in[:length]) // until the handler returns
		return length, true
	case length != chunked:
		return 0, true
	}
	status := 0
	if n, whole, status = p.chunks.scan(in, k.srv.maxBody()); status != 0 {
		k.refuse(status)
		return 0, false
	}
	if !whole {
		return 0, false
	}
	if err := parseChunks(p.req, in[:n], k.srv.maxBody()); err != nil {
		k.refuse(http.StatusBadRequest)
		return 0, false
	}
	return n, true
}

// handle hands the request to the handler.
func (k *client) handle() {
	req := k.part.req
	k.part.req, k.part.asks = nil, false
	x := &Exchange{k: k, req: req, head: req.Header.IsHead(), old: !req.Header.IsHTTP11()}
	k.ending = k.ending || req.Header.ConnectionClose()
	k.fresh, k.handling = true, x
	k.queue(x)
	returned := false
	defer func() {
		if !returned { // runtime.Goexit: nothing of this goes on
			k.reading = false
			k.close()
		}
	}()
	ok := k.srv.call(func() { k.srv.Handler(x) })
	returned, k.handling = true, nil
	if !x.kept || x.answered {
		x.release()
	}
	if !ok {
		k.ending = true
		if !x.answered {
			x.Error(http.StatusInternalServerError, "")
		}
	}
	if k.out != nil && len(k.out.B) > highWater {
		k.flush()
	}
	if int(k.queued) >= k.srv.maxPipelined() {
		k.pause()
	}
}

// queue puts x behind the exchanges before it.
func (k *client) queue(x *Exchange) {
	if k.last != nil {
		k.last.next = x
	} else {
		k.first = x
	}
	k.last = x
	k.queued++
}

// keep stores what was not used. own says that it is in p.in.
func (p *part) keep(rest []byte, own bool) {
	switch {
	case len(rest) == 0:
		p.in = nil
	case own && len(rest) == len(p.in):
	case own:
		p.in = append(p.in[:0], rest...)
	default:
		p.in = append([]byte(nil), rest...)
	}
}

// write adds to what is sent next.
func (k *client) write() *bytebufferpool.ByteBuffer {
	if k.out == nil {
		k.out = bytebufferpool.Get()
	}
	return k.out
}

// flush sends it.
func (k *client) flush() {
	if k.out == nil {
		return
	}
	out := k.out
	k.out = nil
	if !k.closed {
		// A host that refuses an answer, because too many wait, keeps the
		// connection, on which the next one would be taken for it.
		if _, err := k.c.Write(out.B); err != nil {
			k.close()
		} else if k.full {
			k.unsent += len(out.B)
		} else if k.c.Buffered() > highWater {
			k.fill()
		}
	}
	bytebufferpool.Put(out)
}
