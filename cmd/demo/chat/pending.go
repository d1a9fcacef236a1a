package chat

import (
	"net/http"
	"slices"

	"github.com/valet-go/valet/loop/httploop"
)

const (
	maxPending = 1000 // messages of a room that wait to be written
	maxBatch   = 64   // messages that are written in one transaction
)

// post is a message on its way, and who waits to hear of it: more than one
// exchange if the client has asked again meanwhile.
type post struct {
	Message
	answers []*httploop.Exchange
}

// post takes a message of a client's.
func (r *room) post(x *httploop.Exchange, m Message) {
	waiting := r.pending
	if r.writing != nil {
		waiting = slices.Concat(r.writing.posts, waiting)
	}
	at := slices.IndexFunc(waiting, func(p *post) bool { return p.ID == m.ID })
	switch {
	case at >= 0:
		waiting[at].answers = append(waiting[at].answers, x)
	case r.c.closing != nil:
		r.c.fail(x, errClosing)
	case len(r.pending) == maxPending:
		r.c.fail(x, errBusy)
	default:
		r.pending = append(r.pending, &post{m, []*httploop.Exchange{x}})
		r.write()
	}
}

// write begins to write what is pending, or stands in line for it.
func (r *room) write() {
	c := r.c
	switch {
	case r.writing != nil || len(r.pending) == 0 || r.queued:
		return
	case c.writers == c.opts.Writers:
		c.lined, r.queued = append(c.lined, r), true
		return
	}
	c.writers++
	n := min(len(r.pending), maxBatch)
	p := &posting{r: r, posts: slices.Clone(r.pending[:n])}
	r.writing, r.pending = p, slices.Delete(r.pending, 0, n)
	p.begin()
}

// done answers everybody, and lets the next write: another room first, so that a
// busy one does not keep out the others.
func (p *posting) done(err error) {
	r, c := p.r, p.r.c
	r.writing = nil
	c.writers--
	if err == nil {
		p.acknowledge()
	} else {
		for _, post := range p.posts {
			for _, x := range post.answers {
				c.fail(x, err)
			}
		}
		r.fill() // it may be there nevertheless
	}
	if len(c.lined) > 0 {
		next := c.lined[0]
		c.lined, next.queued = c.lined[1:], false
		next.write()
	}
	r.write()
}

// acknowledge tells everybody of the messages. Those that were there already are
// read from MongoDB: the client may have changed them meanwhile.
func (p *posting) acknowledge() {
	messages := make([]Message, len(p.left))
	for i, post := range p.left {
		messages[i] = post.Message
	}
	p.r.deliver(messages)
	if p.top > p.r.last && !p.r.filling {
		p.r.fill()
	}
	p.r.publish(envelope{Messages: messages})
	for _, post := range p.posts {
		for _, x := range post.answers {
			reply(x, http.StatusOK, struct {
				N  int64 `json:"n"`
				At int64 `json:"at"`
			}{post.N, post.At})
		}
	}
}
