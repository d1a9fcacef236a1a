package bus

import (
	"context"
	"sync"
)

const (
	maxItems = 4096
	maxBytes = 8 << 20
)

// item is what the executor is told: a message, or that some were missed.
type item struct {
	data   []byte
	missed bool
}

// inbox is where messages wait to be fetched for the executor. Adding never
// blocks, since that would block the broker's client; what does not fit is
// dropped, and a mark says where.
type inbox struct {
	more chan struct{} // has room for one: items may have become more

	mu    sync.Mutex // guards the rest
	items []item
	bytes int
}

func newInbox() *inbox { return &inbox{more: make(chan struct{}, 1)} }

// message adds a message, which becomes the inbox's.
func (in *inbox) message(data []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	full := len(in.items) >= maxItems || in.bytes+len(data) > maxBytes
	if full && len(in.items) > 0 { // one must fit, however large
		in.missedLocked()
		return
	}
	in.bytes += len(data)
	in.addLocked(item{data: data})
}

// missed adds the mark that messages are missing here.
func (in *inbox) missed() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.missedLocked()
}

func (in *inbox) missedLocked() {
	if n := len(in.items); n == 0 || !in.items[n-1].missed {
		in.addLocked(item{missed: true})
	}
}

func (in *inbox) addLocked(it item) {
	in.items = append(in.items, it)
	select {
	case in.more <- struct{}{}:
	default:
	}
}

// take waits until there is something, and takes it all.
func (in *inbox) take(ctx context.Context) ([]item, error) {
	for {
		select {
		case <-in.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		in.mu.Lock()
		items := in.items
		in.items, in.bytes = nil, 0
		in.mu.Unlock()
		if len(items) > 0 {
			return items, nil
		}
	}
}
