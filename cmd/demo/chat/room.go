package chat

import (
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	keepRecent = 200 // messages of a room that stay in memory
	pageSize   = 50  // messages that a client gets at once, but for those it has missed
	missedSize = 200 // of those
	fillSize   = 500 // messages that are asked of MongoDB at once, to fill a gap

	readTimeout = 5 * time.Second // of everything that is read from a database
	roomIdle    = time.Minute     // after which a room that nobody uses leaves the memory
)

// room is what is known of a room. It belongs to the loop, like all in it.
type room struct {
	c    *Chat
	name string

	loading []func(error) // who waits until it is loaded; nil once it is
	recent  []Message     // the newest, oldest first
	last    int64         // the greatest number
	filling bool          // MongoDB is being asked for what is newer
	missing bool          // and something newer was heard of meanwhile

	waiters  map[*waiter]struct{}
	pending  []*post // not being written yet
	writing  *posting
	queued   bool // waits for a writer
	presence presence
	used     time.Time
}

// room calls then with a room, after it was loaded if need be.
func (c *Chat) room(name string, then func(*room, error)) {
	r := c.rooms[name]
	if r != nil && r.loading == nil {
		r.used = time.Now()
		then(r, nil)
		return
	}
	if r == nil {
		if c.closing != nil {
			then(nil, errClosing)
			return
		}
		r = &room{c: c, name: name, waiters: map[*waiter]struct{}{}, presence: newPresence()}
		c.rooms[name] = r
		r.load()
	}
	r.loading = append(r.loading, func(err error) { then(r, err) })
}

// load reads the newest messages.
func (r *room) load() {
	r.read(nil, false, keepRecent, func(messages []Message, err error) {
		waiting := r.loading
		r.loading, r.used = nil, time.Now()
		if err != nil {
			delete(r.c.rooms, r.name)
		}
		r.append(messages)
		for _, then := range waiting {
			then(err)
		}
	})
}

// read is store.find for this room, with its callback on the loop, whoever leaves.
func (r *room) read(number bson.M, up bool, limit int, cb func([]Message, error)) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	r.c.started()
	r.c.store.find(ctx, r.c.home.Load(), r.name, number, up, limit, func(messages []Message, err error) {
		cancel()
		cb(messages, err)
		r.c.ended()
	})
}

// append takes messages of MongoDB's that may be new, oldest first, and reports
// whether one was. What is missing before one of them does not exist.
func (r *room) append(messages []Message) (news bool) {
	for _, m := range messages {
		if m.N > r.last {
			r.recent, r.last, news = append(r.recent, m), m.N, true
		}
	}
	if extra := len(r.recent) - keepRecent; extra > 0 {
		r.recent = slices.Delete(r.recent, 0, extra)
	}
	return news
}

// deliver takes messages that were heard of, oldest first, and tells whoever
// waits. One that does not follow the last shows that others are missing: then
// MongoDB is asked.
func (r *room) deliver(messages []Message) {
	before := r.last
	for _, m := range messages {
		if m.N > r.last+1 {
			r.fill()
			break
		}
		r.append([]Message{m})
	}
	if r.last > before {
		r.tell()
	}
}

// fill asks MongoDB for all that is newer, and tells whoever waits.
func (r *room) fill() {
	if r.missing = r.filling; r.filling {
		return
	}
	r.filling = true
	r.read(bson.M{"$gt": r.last}, true, fillSize, func(messages []Message, err error) {
		r.filling = false
		if r.append(messages) {
			r.tell()
		}
		// After an error the next message, or the next that is heard from
		// another process, asks again.
		if err == nil && (r.missing || len(messages) == fillSize) {
			r.fill()
		}
	})
}

// after returns what is newer than number n, at most missedSize messages, and
// whether the memory goes back that far.
func (r *room) after(n int64) (messages []Message, known bool) {
	at, _ := slices.BinarySearchFunc(r.recent, n+1, func(m Message, n int64) int { return int(m.N - n) })
	if at == 0 && len(r.recent) >= keepRecent && n+1 < r.recent[0].N {
		return nil, false
	}
	return r.recent[at:min(len(r.recent), at+missedSize)], true
}

// newest returns the last messages, and whether there may be older ones.
func (r *room) newest() (messages []Message, older bool) {
	from := max(0, len(r.recent)-pageSize)
	return r.recent[from:], from > 0
}

// idle reports that nobody needs the room.
func (r *room) idle(now time.Time) bool {
	return r.loading == nil && !r.filling && len(r.waiters) == 0 && len(r.pending) == 0 && r.writing == nil &&
		len(r.presence.here) == 0 && now.Sub(r.used) > roomIdle
}
