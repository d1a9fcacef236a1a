package mongo

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/adapter"
)

const (
	// batchDocs is how many documents come with one hop to the executor, at
	// most. The server's own batches may be smaller or larger.
	batchDocs = 1024

	// killTimeout bounds the killCursors that ends a cursor before its end.
	killTimeout = 10 * time.Second

	// chunkBytes is how much memory documents share, unless one is larger.
	chunkBytes = 64 << 10
)

// feed is what cursors and change streams of the driver's have in common.
type feed interface {
	Next(context.Context) bool
	TryNext(context.Context) bool
	Err() error
	Close(context.Context) error
	ID() int64
	RemainingBatchLength() int
	SetBatchSize(int32)
}

// feeder reads a cursor or change stream in bodies, one at a time.
type feeder struct {
	cur feed

	// For bodies.
	over  bool               // it was stopped
	cut   bool               // its context has ended a read
	later func(func() error) // starts a call with that body

	id, left atomic.Int64 // as of the last read

	mu   sync.Mutex // guards sets
	sets []func()   // that wait for the next read, since cur may be in use
}

// newFeeder returns one whose bodies a runs in the lane, or if that is nil in one
// of its own, which it returns.
func newFeeder(a *adapter.Adapter, lane *adapter.Lane, cur feed) (*feeder, *adapter.Lane) {
	f := &feeder{cur: cur}
	f.note()
	if lane == nil {
		lane = new(adapter.Lane)
		f.later = func(body func() error) {
			adapter.Go(context.Background(), a, func(context.Context) (struct{}, error) { return struct{}{}, body() },
				func(struct{}, error) {}, adapter.Releasing(), adapter.Name("killCursors"))
		}
	}
	return f, lane
}

// set changes the cursor before it is read next. Any goroutine.
func (f *feeder) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sets = append(f.sets, change)
}

func (f *feeder) applySets() {
	f.mu.Lock()
	sets := f.sets
	f.sets = nil
	f.mu.Unlock()
	for _, change := range sets {
		change()
	}
}

func (f *feeder) note() {
	f.id.Store(f.cur.ID())
	f.left.Store(int64(f.cur.RemainingBatchLength()))
}

// want says what a read is for.
type want struct {
	limit int                  // the most documents
	fill  bool                 // read on until there are so many, or the end
	try   bool                 // ask the server once at most
	each  func(bson.Raw) error // gets each document, or nil
}

type wantKey struct{}

// asking returns a context by which a stream's fetch is told what is wanted.
func asking(ctx context.Context, w want) context.Context {
	if w.limit <= 0 {
		w.limit = math.MaxInt
	}
	return context.WithValue(ctx, wantKey{}, w)
}

func wantOf(ctx context.Context) want {
	if w, ok := ctx.Value(wantKey{}).(want); ok {
		return w
	}
	return want{limit: batchDocs}
}

// read is a body. It calls take for each document that the cursor is at; left is
// how many of them, at most, come without asking the server. It reports whether
// there was none, though the cursor goes on.
func (f *feeder) read(ctx context.Context, w want, take func(left int) error) (idle bool, err error) {
	if f.over { // by another stream of the cursor's
		return false, adapter.ErrClosed
	}
	f.applySets()
	defer f.note()
	defer func() { f.cut = err != nil && (ctx.Err() != nil || mongo.IsTimeout(err)) }()
	next := f.cur.Next
	if w.try {
		next = f.cur.TryNext
	}
	for n := 0; n < w.limit; {
		if !next(ctx) {
			err := f.cur.Err()
			return n == 0 && w.try && err == nil && f.cur.ID() != 0, err
		}
		for {
			n++
			left := min(f.cur.RemainingBatchLength(), w.limit-n)
			if err := take(left); err != nil {
				return false, err
			}
			if left == 0 {
				break
			}
			if !f.cur.TryNext(ctx) { // of what is there; the error comes again
				if w.fill {
					return false, f.cur.Err()
				}
				return false, nil
			}
		}
		if !w.fill {
			return false, nil
		}
	}
	return false, nil
}

// stop is a body: it makes the server forget the cursor. If a read was cut off it
// leaves that to another body, outside the lane, since the server may not answer
// at all; but not if the session is somebody's, who may use it next.
func (f *feeder) stop() error {
	if f.over {
		return nil
	}
	f.over = true
	if f.cut && f.later != nil {
		f.later(f.close)
		return nil
	}
	return f.close()
}

func (f *feeder) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	defer f.note()
	return f.cur.Close(ctx)
}

// memory is where documents are copied to, because the driver may reuse that of
// a batch.
type memory []byte

// copied returns a copy of doc, behind which up to left others like it come.
func (m *memory) copied(doc bson.Raw, left int) bson.Raw {
	if cap(*m)-len(*m) < len(doc) {
		*m = make([]byte, 0, max(len(doc), min(len(doc)*(left+1), chunkBytes)))
	}
	from := len(*m)
	*m = append(*m, doc...)
	return bson.Raw((*m)[from:len(*m):len(*m)])
}
