package mongo

import (
	"context"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/adapter"
)

// ChangeStream is the changes of a collection, a database or a deployment, from
// Watch to Close. The driver resumes it after errors that pass. While it waits
// it uses one of the client's connections. Its calls take their turns, and take
// no slots. Its methods may be called from any goroutine, and none blocks;
// callbacks run on the executor of what the stream comes from.
type ChangeStream struct {
	s       *adapter.Stream[change]
	f       *feeder
	cs      *mongo.ChangeStream // used by bodies only, one at a time
	decoder mongo.ChangeStream  // a copy of cs made before its use, for the settings in it
	token   atomic.Pointer[bson.Raw]
}

// change is an event, or nil, with the token to resume after it.
type change struct{ doc, token bson.Raw }

func newChangeStream(a *adapter.Adapter, lane *adapter.Lane, cs *mongo.ChangeStream) *ChangeStream {
	f, lane := newFeeder(a, lane, &changeFeed{ChangeStream: cs})
	s := &ChangeStream{f: f, cs: cs, decoder: *cs}
	s.resumeAt(append(bson.Raw(nil), cs.ResumeToken()...))
	s.s = adapter.NewStream(a, lane, s.fetch, s.f.stop)
	return s
}

// fetch is the stream's.
func (s *ChangeStream) fetch(ctx context.Context) ([]change, error) {
	var changes []change
	var mem memory
	idle, err := s.f.read(ctx, wantOf(ctx), func(left int) error {
		changes = append(changes, change{mem.copied(s.cs.Current, left), mem.copied(s.cs.ResumeToken(), left)})
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case idle:
		return []change{{token: mem.copied(s.cs.ResumeToken(), 0)}}, nil
	}
	return changes, nil
}

func (s *ChangeStream) stop() error { return s.f.stop() }

// Next calls cb with the next event, however long that takes, or with [io.EOF]
// if the stream has ended, as it does when a collection that it watches is
// dropped. If ctx ends first, so does the stream: to look now and then, use
// TryNext. Unlike with the driver's, ctx may end sooner than the server answers.
func (s *ChangeStream) Next(ctx context.Context, cb func(bson.Raw, error)) *adapter.Call {
	return s.one(ctx, want{limit: 1}, cb)
}

// TryNext is Next, but asks the server once at most, which waits for an event
// for as long as [options.ChangeStreamOptionsBuilder.SetMaxAwaitTime] says: if
// there is none, cb gets nil and no error.
func (s *ChangeStream) TryNext(ctx context.Context, cb func(bson.Raw, error)) *adapter.Call {
	return s.one(ctx, want{limit: 1, try: true}, cb)
}

func (s *ChangeStream) one(ctx context.Context, w want, cb func(bson.Raw, error)) *adapter.Call {
	return s.s.Next(asking(ctx, w), func(changes []change, err error) {
		if err != nil {
			cb(nil, err)
			return
		}
		s.resumeAt(changes[0].token)
		cb(changes[0].doc, nil)
	})
}

// Each calls item with each event, in order, until that returns an error, the
// stream ends, or ctx does; closes the stream; and then calls done.
func (s *ChangeStream) Each(ctx context.Context, item func(bson.Raw) error, done func(error)) {
	if item == nil || done == nil {
		panic("valet/mongo: Each needs both functions, not nil")
	}
	eachOf(ctx, s.s, func(c change) error {
		s.resumeAt(c.token)
		return item(c.doc)
	}, done)
}

// Close ends the stream, behind a Next that waits: cancel that first. A nil cb
// is allowed.
func (s *ChangeStream) Close(cb func(error)) *adapter.Call { return s.s.Close(cb) }

// ResumeToken returns the token after which another stream would have to start
// for the first event that nobody has been given, or nil. Any goroutine; on the
// executor it is that of the event at hand.
func (s *ChangeStream) ResumeToken() bson.Raw { return *s.token.Load() }

func (s *ChangeStream) resumeAt(token bson.Raw) { s.token.Store(&token) }

// Decode unmarshals an event into val, a pointer, with the registry and the
// BSON options of what is watched. Any goroutine; does not block.
func (s *ChangeStream) Decode(event bson.Raw, val any) error {
	d := s.decoder
	d.Current = event
	return d.Decode(val)
}

// ID returns the server's number of the stream's cursor, as of the last event;
// 0 if it is closed.
func (s *ChangeStream) ID() int64 { return s.f.id.Load() }

// RemainingBatchLength returns how many events can be had without asking the
// server.
func (s *ChangeStream) RemainingBatchLength() int { return int(s.f.left.Load()) }

// SetBatchSize sets how many events the server is asked for from the next time
// on.
func (s *ChangeStream) SetBatchSize(n int32) { s.f.set(func() { s.cs.SetBatchSize(n) }) }
