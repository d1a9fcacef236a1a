package integration

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

func TestMongoChangeStream(t *testing.T) {
	for _, test := range []struct {
		name    string
		members int
		run     func(*testing.T, *wireEnv)
	}{
		{"events come in order, each with its token", 1, testMongoChanges},
		{"a lost connection loses no event", 1, testMongoChangesConnection},
		{"a step-down loses no event", 3, testMongoChangesStepDown},
		{"a dropped collection ends it", 1, testMongoChangesInvalidate},
		{"it can be looked at now and then", 1, testMongoChangesIdle},
		{"a Next that waits can be cancelled", 1, testMongoChangesCancel},
		{"a deadline leaves no cursor", 1, testMongoChangesDeadline},
		{"an error ends it", 1, testMongoChangesError},
		{"an event for a closed executor ends it", 1, testMongoChangesExecutorClosed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newWireEnv(t, test.members)) })
	}
}

// insertRange inserts documents from and up to below to, each by a call of its
// own, in order.
func (w *wireEnv) insertRange(from, to int) {
	w.t.Helper()
	for i := from; i < to; i++ {
		w.beginInsert(bg, numbered{i, fmt.Sprint("document ", i)}).must()
	}
}

// inserted is an insert's event.
type inserted struct {
	OperationType string
	FullDocument  numbered
}

func (w *wireEnv) event(s *mongo.ChangeStream) bson.Raw {
	w.t.Helper()
	return begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return s.Next(bg, cb) }).must()
}

// wantInserted checks that the next events are the inserts of these documents.
func (w *wireEnv) wantInserted(s *mongo.ChangeStream, from, to int) {
	w.t.Helper()
	for i := from; i < to; i++ {
		var e inserted
		if err := s.Decode(w.event(s), &e); err != nil || e != (inserted{"insert", numbered{i, fmt.Sprint("document ", i)}}) {
			w.t.Fatalf("event %d is %+v, %v", i, e, err)
		}
	}
}

func testMongoChanges(t *testing.T, w *wireEnv) {
	const n = 250
	s := w.watch(bg, options.ChangeStream().SetBatchSize(40)).must()
	w.insertRange(0, n)
	tokens := []bson.Raw{s.ResumeToken()}
	seen := map[string]bool{}
	for i := range n {
		w.wantInserted(s, i, i+1)
		tokens = append(tokens, s.ResumeToken())
		seen[s.ResumeToken().String()] = true
	}
	must(w.env, void(s.Close))
	if len(seen) != n {
		t.Errorf("%d events had %d different tokens", n, len(seen))
	}
	for _, at := range []int{0, 1, 39, 40, 41, 100, n - 1} {
		again := w.watch(bg, options.ChangeStream().SetResumeAfter(tokens[at])).must()
		w.wantInserted(again, at, min(at+45, n))
		must(w.env, void(again.Close))
	}
	// Each gives those of the item at hand, not of what was fetched ahead.
	each := w.watch(bg, options.ChangeStream().SetResumeAfter(tokens[0])).must()
	i := 0
	begin(w.env, finish(func(cb func(error)) {
		each.Each(bg, func(bson.Raw) error {
			if i++; each.ResumeToken().String() != tokens[i].String() {
				return fmt.Errorf("the token of item %d is another", i)
			}
			if i == n {
				return io.ErrUnexpectedEOF
			}
			return nil
		}, cb)
	})).failsWith(io.ErrUnexpectedEOF)
}

func testMongoChangesConnection(_ *testing.T, w *wireEnv) {
	s := w.watch(bg).must()
	w.insertRange(0, 3)
	w.wantInserted(s, 0, 3)
	for i := range 3 {
		w.fail(0, times(1), bson.M{"failCommands": bson.A{"getMore"}, "closeConnection": true})
		from := 3 + 2*i
		w.insertRange(from, from+2)
		w.wantInserted(s, from, from+2)
	}
	must(w.env, void(s.Close))
	w.killSessions() // the driver does not close a cursor after it has lost the connection
}

func testMongoChangesStepDown(t *testing.T, w *wireEnv) {
	s := w.watch(bg).must()
	w.insertRange(0, 5)
	w.wantInserted(s, 0, 3)
	for i := range 2 {
		from := 5 + 5*i
		waits := begin(w.env, func(cb func([]int, error)) *adapter.Call {
			var got []int
			var next func(bson.Raw, error)
			next = func(event bson.Raw, err error) {
				var e inserted
				if err == nil {
					err = s.Decode(event, &e)
				}
				if err != nil {
					cb(got, err)
					return
				}
				if got = append(got, e.FullDocument.ID); e.FullDocument.ID == from+4 {
					cb(got, nil)
					return
				}
				s.Next(bg, next)
			}
			return s.Next(bg, next)
		})
		eventually(t, "the member steps down", func() bool { return w.d.StepDown() == nil })
		w.insertRange(from, from+5)
		want := ""
		for n := from - 2 + 2*min(i, 1); n < from+5; n++ {
			want += fmt.Sprint(n, " ")
		}
		got := ""
		for _, n := range waits.must() {
			got += fmt.Sprint(n, " ")
		}
		if got != want {
			t.Errorf("got the events %s, want %s", got, want)
		}
	}
	must(w.env, void(s.Close))
}

func testMongoChangesInvalidate(t *testing.T, w *wireEnv) {
	w.insertRange(0, 1)
	s := w.watch(bg).must()
	must(w.env, void(func(cb func(error)) *adapter.Call { return w.coll.Drop(bg, cb) }))
	var kinds []string
	docs := w.nexts(s.Next, -1)
	for _, doc := range docs {
		kinds = append(kinds, doc.Lookup("operationType").StringValue())
	}
	if fmt.Sprint(kinds) != "[drop invalidate]" {
		t.Errorf("the last events are %v", kinds)
	}
	if s.ID() != 0 {
		t.Errorf("the stream's ID is %d at its end", s.ID())
	}
	begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return s.TryNext(bg, cb) }).failsWith(io.EOF)
	must(w.env, void(s.Close))
}

func testMongoChangesIdle(t *testing.T, w *wireEnv) {
	s := w.watch(bg, options.ChangeStream().SetMaxAwaitTime(10*time.Millisecond)).must()
	try := func() bson.Raw {
		return begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return s.TryNext(bg, cb) }).must()
	}
	before := s.ResumeToken()
	other := w.client.Database("valet").Collection(w.coll.Name() + "_other")
	must(w.env, func(cb func(*mongo.InsertOneResult, error)) *adapter.Call { return other.InsertOne(bg, bson.M{}, cb) })
	for range 3 {
		if e := try(); e != nil {
			t.Errorf("got the event %v, and nothing has happened", e)
		}
	}
	if s.ResumeToken().String() == before.String() {
		t.Error("the token does not go on with what the server has looked at")
	}
	w.insertRange(0, 2)
	for i := range 2 {
		if n := try().Lookup("fullDocument", "_id").AsInt64(); n != int64(i) {
			t.Errorf("got the event of document %d, want %d", n, i)
		}
	}
	must(w.env, void(s.Close))
	begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return s.TryNext(bg, cb) }).failsWith(adapter.ErrClosed)
}

func testMongoChangesCancel(t *testing.T, w *wireEnv) {
	for _, policy := range []adapter.CancelPolicy{adapter.Close, adapter.Kill} {
		own := w.with(options.Client(), mongo.WithCalls(adapter.WithCancel(policy)))
		s := own.watch(bg, options.ChangeStream().SetMaxAwaitTime(time.Hour)).must()
		waits := begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return s.Next(bg, cb) })
		eventually(t, "the server is asked", func() bool { return len(w.running("getMore")) == 1 })
		closed := begin(w.env, void(s.Close)) // comes behind it
		waits.Cancel()
		waits.failsWith(context.Canceled)
		closed.must()
		eventually(t, "no cursor is open", func() bool { return w.cursors() == 0 && len(w.running("getMore")) == 0 })
	}
}

func testMongoChangesDeadline(t *testing.T, w *wireEnv) {
	// The server's second answer comes after the deadline, when the driver would
	// still read it. It must not come at the deadline, though the process may be
	// held up: lost on its way, it would leave a cursor of which nobody knows.
	const await, deadline = 1500 * time.Millisecond, 2000 * time.Millisecond
	var streams [3]*mongo.ChangeStream
	var waits [3]*pending[bson.Raw]
	for i := range streams {
		streams[i] = w.watch(bg, options.ChangeStream().SetMaxAwaitTime(await)).must()
	}
	ctx, cancel := context.WithTimeout(bg, deadline)
	defer cancel()
	for i, s := range streams {
		waits[i] = begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return s.Next(ctx, cb) })
	}
	for i, s := range streams {
		waits[i].failsWith(context.DeadlineExceeded)
		must(w.env, void(s.Close))
	}
	eventually(t, "no cursor is open", func() bool { return w.cursors() == 0 && len(w.running("getMore")) == 0 })
}

func testMongoChangesError(t *testing.T, w *wireEnv) {
	s := w.watch(bg).must()
	w.insertRange(0, 2)
	w.wantInserted(s, 0, 2)
	w.fail(0, times(1), bson.M{"failCommands": bson.A{"getMore"}, "errorCode": 8000})
	err := begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return s.Next(bg, cb) }).fails()
	var answer mongo.CommandError
	if !asError(err, &answer) || answer.Code != 8000 {
		t.Errorf("got the error %v, want number 8000", err)
	}
	eventually(t, "no cursor is open", func() bool {
		return w.cursors() == 0 && w.client.Unwrap().NumberSessionsInProgress() == 0
	})
}

func testMongoChangesExecutorClosed(t *testing.T, w *wireEnv) {
	l := startLoop(t)
	s := beginOn(w.env, l, func(cb func(*mongo.ChangeStream, error)) *adapter.Call {
		return w.coll.On(l).Watch(bg, mongo.Pipeline{}, cb)
	}).must()
	call := s.Next(bg, func(bson.Raw, error) { t.Error("a callback ran on a closed loop") })
	eventually(t, "the server is asked", func() bool { return len(w.running("getMore")) == 1 })
	l.Close()
	w.insertRange(0, 1)
	await(t, call.Done())
	eventually(t, "no cursor is open", func() bool {
		return w.cursors() == 0 && w.client.Unwrap().NumberSessionsInProgress() == 0
	})
}
