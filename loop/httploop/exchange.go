package httploop

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"

	"github.com/valyala/fasthttp"

	"github.com/valet-go/valet/loop"
)

// Exchange is a request and its answer. It belongs to the goroutine that serves
// the client, but for Post and Context, and is an executor: what is posted to it
// runs there. It has to be answered once, at any time: by Send, or by one of the
// methods that call it.
type Exchange struct {
	k    *client
	req  *fasthttp.Request // nil once it is gone
	next *Exchange         // the request behind it

	onGone func()
	early  *early // nil for most

	head     bool // the answer has no body
	old      bool // HTTP/1.0
	kept     bool
	answered bool
	gone     bool // nobody hears the answer
}

// early is what has been said of an answer before it can be sent.
type early struct {
	header []field
	whole  []byte // the answer, while it waits for those before it
}

type field struct{ name, value string }

var _ loop.Executor = (*Exchange)(nil)

// Post makes fn run on the goroutine that serves the client: see
// [loop.Executor]. Any goroutine; does not block.
func (x *Exchange) Post(fn func()) error { return x.k.c.Post(fn) }

// Context ends with the client's connection. Any goroutine.
func (x *Exchange) Context() context.Context { return x.k.c.Context() }

// RemoteAddr is the client's address.
func (x *Exchange) RemoteAddr() net.Addr { return x.k.c.RemoteAddr() }

// Request returns the request, with its body. It, and what is taken from it, is
// valid until the handler returns, or, after Keep, until the answer; later it is
// nil. Copy what is needed for longer: string(x.Request().Path()).
func (x *Exchange) Request() *fasthttp.Request { return x.req }

// Keep keeps the request until the answer. It costs more than a kilobyte; a
// handler that makes its client wait copies what it needs instead.
func (x *Exchange) Keep() {
	if x.req == nil || x.kept {
		return
	}
	x.kept = true
	x.req.SetBody(x.req.Body()) // the input's memory is used again
}

// OnGone makes fn run, on the goroutine that serves the client, when that has
// left, or seems to have, before the answer: for those who keep a list of clients
// that wait. It runs once, also if the client had left before, but never inside
// OnGone. What is answered after it goes nowhere. It replaces what was set.
//
// While a client is not read from, because too much waits for it (see
// [Server.MaxPipelined]), nobody notices that it leaves.
func (x *Exchange) OnGone(fn func()) {
	if x.answered {
		return
	}
	x.onGone = fn
	k := x.k
	if fn == nil || !x.gone && !k.eof && !k.closed {
		return
	}
	// An error means that the executor has ended, and all callbacks with it.
	_ = x.Post(func() {
		switch {
		case x.gone:
			x.lost()
		case !k.closed: // else the host will tell
			k.giveUp()
		}
	})
}

// SetHeader sets a field of the answer's header, in place of all of that name. It
// panics if it is not one that HTTP allows, or is set by Send.
func (x *Exchange) SetHeader(name, value string) {
	checkField(name, value)
	e := x.ahead()
	e.header = slices.DeleteFunc(e.header, func(f field) bool { return sameName(f.name, name) })
	e.header = append(e.header, field{name, value})
}

// AddHeader is SetHeader beside those of that name: for Set-Cookie and its like.
func (x *Exchange) AddHeader(name, value string) {
	checkField(name, value)
	e := x.ahead()
	e.header = append(e.header, field{name, value})
}

func (x *Exchange) ahead() *early {
	if x.early == nil {
		x.early = &early{}
	}
	return x.early
}

// Send answers. body is copied, or sent, before it returns. contentType may be
// "". With a status that has no body (204, 304), and to HEAD, only the header is
// sent. A second answer panics, and so do a status below 200 or above 999 and a
// contentType that no header can have; an answer to a client that has left does
// nothing.
func (x *Exchange) Send(status int, contentType string, body []byte) {
	if x.answered {
		panic("httploop: an Exchange was answered twice")
	}
	checkAnswer(status, contentType)
	x.answered, x.onGone = true, nil
	k := x.k
	switch {
	case k.closed || x.gone:
	case k.first != x:
		x.ahead().whole = x.appendTo(nil, status, contentType, body)
	default:
		out := k.write()
		out.B = x.appendTo(out.B, status, contentType, body)
		k.sent(x)
	}
	if k.handling != x { // which may still look at it
		x.release()
	}
}

// sent goes on behind x, the first exchange, whose answer is in k.out.
func (k *client) sent(x *Exchange) {
	for {
		k.first, x.next = x.next, nil
		k.queued--
		if k.first == nil {
			k.last = nil
		}
		x = k.first
		if x == nil || !x.answered {
			break
		}
		_, _ = k.write().Write(x.early.whole)
		x.early = nil
	}
	if !k.reading {
		k.flush()
		k.settle()
	}
}

// lost ends an exchange whose client has left.
func (x *Exchange) lost() {
	fn := x.onGone
	x.early, x.onGone, x.gone = nil, nil, true
	if x.answered {
		return
	}
	if k := x.k; k.handling != x {
		x.release()
	}
	if fn != nil {
		x.k.srv.call(fn)
	}
}

// release gives the request back.
func (x *Exchange) release() {
	if x.req != nil {
		fasthttp.ReleaseRequest(x.req)
		x.req = nil
	}
}

// Text answers with text.
func (x *Exchange) Text(status int, text string) {
	x.Send(status, "text/plain; charset=utf-8", []byte(text))
}

// JSON answers with v as [json.Marshal] has it; if that fails, with 500.
func (x *Exchange) JSON(status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		x.Error(http.StatusInternalServerError, "")
		return
	}
	x.Send(status, "application/json", body)
}

// Error answers with text that says what is wrong, or, if that is "", with what
// the status means.
func (x *Exchange) Error(status int, text string) {
	if text == "" {
		text = http.StatusText(status)
	}
	x.Text(status, text+"\n")
}

// Close makes the connection close after this answer, and those to requests that
// are there already: call it before the answer.
func (x *Exchange) Close() {
	if x.answered {
		return
	}
	k := x.k
	if k.ending = true; !k.reading { // the part of a request that is there is not waited for
		k.drop()
		k.expect()
	}
}
