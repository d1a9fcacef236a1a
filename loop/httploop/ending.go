package httploop

import (
	"net/http"

	"github.com/valyala/fasthttp"
)

// refuse answers what cannot be taken for a request, behind the answers of those
// before it, and closes: not at once, because the system throws away an answer
// that is on its way when more comes for a socket that is closed.
func (k *client) refuse(status int) {
	k.drop()
	x := &Exchange{k: k}
	k.queue(x)
	k.ending, k.refused = true, true
	x.Error(status, "")
}

// drop gives up what has come of a request.
func (k *client) drop() {
	if k.part == nil {
		return
	}
	if k.part.req != nil {
		fasthttp.ReleaseRequest(k.part.req)
	}
	*k.part = part{}
}

// timedOut is called when the client has been waited for for too long.
func (k *client) timedOut(since wait) {
	if k.waits != since || k.srv.deadlines.counts(k) {
		return // it came just in time
	}
	k.waits = forNothing
	switch since {
	case forRequest, forLeaving:
		k.close()
	case forRoom:
		if left := k.c.Buffered(); left < k.unsent { // it reads, if slowly
			k.unsent = left
			break
		}
		k.closed = true
		k.c.CloseNow()
	default:
		k.refuse(http.StatusRequestTimeout)
	}
	k.settle()
}

// finished is [Server.EOF].
func (k *client) finished() {
	if k.closed {
		return
	}
	k.eof = true
	if !k.paused { // else in has whole requests
		k.drop()
	}
	k.giveUp()
}

// giveUp gives up the first exchange that is watched by OnGone, and all behind
// it, of a client that sends no more, and settles.
func (k *client) giveUp() {
	defer k.settle() // also if what is told calls runtime.Goexit
	var before *Exchange
	queued := int32(0)
	for x := k.first; x != nil; before, x = x, x.next {
		if x.onGone == nil || x.answered {
			queued++
			continue
		}
		if k.last, k.queued = before, queued; before == nil {
			k.first = nil
		} else {
			before.next = nil
		}
		k.drop()
		k.ending = true
		lose(x)
		return
	}
}

// lose tells x, and those behind it, that their client has left, even if one of
// them calls runtime.Goexit.
func lose(x *Exchange) {
	if x == nil {
		return
	}
	next := x.next
	x.next = nil
	defer lose(next)
	x.lost()
}

// close tells the host to close, which takes as long as the client does to read
// what waits for it.
func (k *client) close() {
	k.flush()
	if k.closed {
		return
	}
	k.closed = true
	_ = k.c.Close() // it may be closed already
	if !k.full {    // else its time is being counted already
		k.unsent = k.c.Buffered()
	}
	k.expect()
}

// gone is [Server.Closed]: nobody hears what is answered any more.
func (k *client) gone() {
	k.closed, k.waits = true, forNothing
	k.srv.deadlines.set(k, forNothing)
	k.drop()
	x := k.first
	k.first, k.last, k.queued = nil, nil, 0
	lose(x)
}
