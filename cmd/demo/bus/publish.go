package bus

import (
	"context"
	"time"

	"github.com/valet-go/valet/adapter"
)

const (
	// maxWaiting is how many publications may wait.
	maxWaiting = 4096

	// publishTimeout bounds the sending of a batch.
	publishTimeout = 3 * time.Second
)

// publication is a message on its way out.
type publication struct {
	data []byte
	call *adapter.Call
	sent bool // for bodies in the lane, like err
	err  error
}

// Publish sends data to all buses of the topic, this one included, and calls cb
// once on the executor: without an error when the broker has acknowledged it. An
// error says that this is not known; a message that failed may still arrive, but
// not twice, and is not tried again. While the bus is disconnected it fails, within
// some ten seconds even if the network answers nothing at all. With 4096 that wait
// it fails at once, with [adapter.ErrOverloaded]. When ctx ends, cb comes at once;
// what is being sent then is not called back. Publish never blocks. The data must
// not be changed before cb is called, or at all if ctx can end.
func (b *Bus) Publish(ctx context.Context, data []byte, cb func(error)) {
	p := &publication{data: data}
	p.call = adapter.Go(ctx, b.a, func(context.Context) (struct{}, error) {
		if !p.sent {
			b.send(p)
		}
		return struct{}{}, p.err
	}, func(_ struct{}, err error) { cb(err) },
		// Abandon, because the body sends the messages of others as well.
		adapter.In(&b.lane), adapter.CancelWith(adapter.Abandon), adapter.Name("publish"))
	if p.call.State() == adapter.Waiting {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.waiting = append(b.waiting, p)
	}
}

// send sends p and what waits behind it in one go, so that the calls that follow
// in the lane find their work done: the network's latency is paid for each batch,
// not for each message. It runs in the lane.
func (b *Bus) send(p *publication) {
	b.mu.Lock()
	waiting := b.waiting
	b.waiting = nil
	b.mu.Unlock()
	batch := []*publication{p}
	for _, w := range waiting {
		if w != p && !w.sent && w.call.State() == adapter.Waiting {
			batch = append(batch, w)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
	defer cancel()
	b.broker.publish(ctx, batch)
	for _, p := range batch {
		p.sent = true
	}
}
