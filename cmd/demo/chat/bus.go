package chat

import (
	"context"
	"encoding/json"
	"time"
)

// Bus connects several processes that serve the same chat, over whatever passes
// messages on to all of them: NATS, Redis.
//
// What is published is a hint. It may be lost, come twice, late or out of order,
// and back to the process that published it; the history in MongoDB is the truth,
// and gaps are filled from there, at the latest with the next hint, which comes
// every few seconds while somebody is in the room. So a Bus needs no
// acknowledgements and no memory. A single hint has some 550 KB at most (64
// messages of 2000 four-byte characters), usually less than 1 KB.
//
// Whoever implements it gives what arrives, from any process, to [Chat.Deliver], and
// calls [Chat.CatchUp] once what was lost may have been the last for a while.
type Bus interface {
	// Publish sends data, which nobody changes any more, to all processes. It is
	// called on the chat's loop and must not block. cb must be called once, on
	// any goroutine, with nil or the reason why the hint is lost, which is
	// logged. ctx bounds the call.
	Publish(ctx context.Context, data []byte, cb func(error))
}

const publishTimeout = 5 * time.Second

// envelope is a hint about a room.
type envelope struct {
	From     string    `json:"from"` // the process
	Room     string    `json:"room"`
	Last     int64     `json:"last"`               // the room's greatest number
	Messages []Message `json:"messages,omitempty"` // that have just been written
	Present  *[]string `json:"present,omitempty"`  // who is in the room, at that process
}

// publish tells the other processes, if there may be any.
func (r *room) publish(e envelope) {
	if r.c.opts.Bus == nil {
		return
	}
	e.From, e.Room, e.Last = r.c.process, r.name, r.last
	ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
	r.c.opts.Bus.Publish(ctx, encode(e), func(err error) {
		cancel()
		if err != nil {
			r.c.opts.Logger.Warn("chat: publishing", "err", err)
		}
	})
}

// Deliver takes what was published by [Bus.Publish], of this process or another.
// Any goroutine; does not block. data must not be changed any more. What comes
// before the first client, or after the end, is dropped: nobody would see it.
func (c *Chat) Deliver(data []byte) {
	c.onLoop(func() {
		var e envelope
		if err := json.Unmarshal(data, &e); err != nil {
			c.opts.Logger.Warn("chat: what the bus delivered is not ours", "err", err)
			return
		}
		r := c.rooms[e.Room]
		if e.From == c.process || r == nil || r.loading != nil {
			return
		}
		if e.Present != nil {
			r.presence.others[e.From] = elsewhere{*e.Present, time.Now().Add(presenceTrust)}
		}
		r.deliver(e.Messages)
		if e.Last > r.last && !r.filling {
			r.fill()
		}
	})
}

// CatchUp looks into the history for what the bus may have lost. Any goroutine; does
// not block.
func (c *Chat) CatchUp() {
	c.onLoop(func() {
		for _, r := range c.rooms {
			if r.loading == nil {
				r.fill()
			}
		}
	})
}
