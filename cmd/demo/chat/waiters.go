package chat

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/valet-go/valet/loop/httploop"
)

// waiter is a client that waits for news of a room: an exchange without an
// answer, and no goroutine.
type waiter struct {
	x        *httploop.Exchange
	nick     string // empty: does not want to be seen
	after    int64  // the last message that it has
	presence string // the version that it has
	until    time.Time
}

// news is the answer to a poll.
type news struct {
	History  string    `json:"history"`
	Messages []Message `json:"messages"`
	Older    *bool     `json:"older,omitempty"` // there may be older messages; only where the client has none
	Presence string    `json:"presence"`
	People   *people   `json:"people,omitempty"` // nil: as the client knows
}

// people is who is in a room.
type people struct {
	Names []string `json:"names"`
	Count int      `json:"count"` // more than there are names, if there are very many
}

// poll answers at once if there is news, or else when there is.
func (r *room) poll(w *waiter) {
	now := time.Now()
	r.presence.seen(w.nick, 0, now)
	messages, known := r.after(w.after)
	switch {
	case !known:
		r.missed(w)
		return
	case len(messages) > 0 || w.presence != r.presence.version:
		r.answer(w, messages)
		return
	case w.after > r.last:
		r.fill() // another process was faster
	}
	w.until = now.Add(r.c.opts.Poll)
	r.waiters[w] = struct{}{}
	r.presence.seen(w.nick, 1, now)
	w.x.OnGone(func() { r.leave(w) })
}

// missed answers with messages that are too old for the memory.
func (r *room) missed(w *waiter) {
	r.read(bson.M{"$gt": w.after}, true, missedSize, func(messages []Message, err error) {
		if err != nil {
			r.c.fail(w.x, err)
			return
		}
		r.answer(w, messages)
	})
}

// begin answers a client that has nothing yet.
func (r *room) begin(w *waiter) {
	r.presence.seen(w.nick, 0, time.Now())
	r.presence.refresh() // so that it sees itself
	messages, older := r.newest()
	reply(w.x, http.StatusOK, news{r.c.store.history, orEmpty(messages), &older, r.presence.version, r.people()})
}

// leave ends the waiting of w, which has gone or is answered.
func (r *room) leave(w *waiter) {
	if _, ok := r.waiters[w]; ok {
		delete(r.waiters, w)
		r.presence.seen(w.nick, -1, time.Now())
	}
}

// answer answers a client with messages, which may be none.
func (r *room) answer(w *waiter, messages []Message) {
	reply(w.x, http.StatusOK, r.news(w, messages))
}

func (r *room) news(w *waiter, messages []Message) news {
	n := news{History: r.c.store.history, Messages: orEmpty(messages), Presence: r.presence.version}
	if w.presence != n.Presence {
		n.People = r.people()
	}
	return n
}

func (r *room) people() *people { return &people{orEmpty(r.presence.names), r.presence.count} }

// tell answers everybody for whom there is news: those who lack the same get the
// same bytes.
func (r *room) tell() {
	type lack struct {
		after    int64
		presence bool
	}
	answers := map[lack][]byte{}
	for w := range r.waiters {
		messages, known := r.after(w.after)
		lacks := lack{w.after, w.presence != r.presence.version}
		if known && len(messages) == 0 && !lacks.presence {
			continue
		}
		r.leave(w)
		if !known {
			r.missed(w)
			continue
		}
		body := answers[lacks]
		if body == nil {
			body = encode(r.news(w, messages))
			answers[lacks] = body
		}
		send(w.x, http.StatusOK, body)
	}
}

// release answers those who have waited long enough, or all.
func (r *room) release(now time.Time, all bool) {
	for w := range r.waiters {
		if all || now.After(w.until) {
			r.leave(w)
			r.answer(w, nil)
		}
	}
}

// older answers with the messages before number n.
func (c *Chat) older(x *httploop.Exchange, room string, n int64) {
	ctx, cancel := context.WithTimeout(x.Context(), readTimeout)
	c.store.find(ctx, x, room, bson.M{"$lt": n}, false, pageSize, func(messages []Message, err error) {
		cancel()
		if err != nil {
			c.fail(x, err)
			return
		}
		older := len(messages) == pageSize
		reply(x, http.StatusOK, struct {
			Messages []Message `json:"messages"`
			Older    bool      `json:"older"`
		}{messages, older})
	})
}

// orEmpty makes JSON say [] rather than null.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// encode is json.Marshal of what cannot fail. It writes <, > and & as escapes,
// so that not even a browser that takes JSON for HTML finds a tag in it.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("chat: " + err.Error())
	}
	return b
}
