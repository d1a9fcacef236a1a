package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

// letter is a document that tells when the driver asks for its bytes, which is
// while it builds its message.
type letter struct {
	To    string
	asked func()
}

func (l letter) MarshalBSON() ([]byte, error) {
	l.asked()
	return bson.Marshal(bson.D{{Key: "to", Value: l.To}})
}

// oneInsert follows an insert through the steps that DESIGN.md numbers. The
// call is written as backends/mongo writes it, an adapter.Go around the
// driver's own method, so that the body can be watched as well.
func (d *demo) oneInsert(ctx context.Context) error {
	letters := d.client.Database(storyDatabase).Collection("letters")
	var id any
	err := d.play(ctx, func(done func(error)) {
		// The first one makes the collection, which is slow.
		letters.InsertOne(ctx, bson.M{"to": "nobody"}, seen(d.w, func(_ *mongo.InsertOneResult, err error) {
			if err != nil {
				done(err)
				return
			}
			d.traced(ctx, letters, func(res *mongo.InsertOneResult, err error) {
				if err == nil {
					id = res.InsertedID
				}
				done(err)
			})
		}))
	})
	events := d.trace.stop()
	if err != nil {
		return err
	}
	events, err = follow(events)
	if err != nil {
		return err
	}
	d.out.line("InsertOne in MongoDB, from the loop; its _id is %v", id)
	d.out.table(trail(events))
	d.out.line("Noted by the handler and its callback (1, 6, 8), the body (2), the document (3) and the driver's connection")
	d.out.line("(4, 5, 7); that both goroutines are the same throughout was checked. That the loop did the reading in (7) is")
	d.out.line("how fakesock works, and not seen from here.")
	return nil
}

// traced starts the insert that is watched. On the loop.
func (d *demo) traced(ctx context.Context, letters *mongo.Collection, done func(*mongo.InsertOneResult, error)) {
	t := d.trace
	doc := letter{To: "Ada", asked: func() { t.note(messageBuilt, 0) }}
	t.start()
	// It stands for everything else that the loop does meanwhile. Posted now, it
	// runs when this callback has returned, and before the call's.
	if err := d.loop.Post(seenFunc(d.w, func() { t.note(otherCallback, 0) })); err != nil {
		done(nil, err)
		return
	}
	t.note(handlerStarts, 0)
	adapter.Go(ctx, d.a, func(ctx context.Context) (*mongo.InsertOneResult, error) {
		t.note(bodyBegins, 0)
		defer t.note(bodyEnds, 0)
		return letters.Unwrap().InsertOne(ctx, doc)
	}, seen(d.w, func(res *mongo.InsertOneResult, err error) {
		t.note(calledBack, 0)
		done(res, err)
	}))
	t.note(startReturned, 0)
}

// follow leaves only the events of the loop and of the goroutine that ran the
// body (the driver's monitors use connections too) and checks that everything
// happened in its order, where it should.
func follow(events []event) ([]event, error) {
	at := map[moment]time.Time{} // of the first of each
	var onLoop, worker uintptr
	for _, e := range events {
		switch e.what {
		case handlerStarts:
			onLoop = e.on
		case bodyBegins:
			worker = e.on
		}
	}
	var kept []event
	for _, e := range events {
		want := worker
		switch e.what {
		case handlerStarts, startReturned, otherCallback, calledBack:
			want = onLoop
		}
		if e.on != want {
			continue
		}
		kept = append(kept, e)
		if _, seen := at[e.what]; !seen {
			at[e.what] = e.at
		}
	}
	if onLoop == worker {
		return nil, errors.New("the body ran on the loop")
	}
	for _, path := range [][]moment{
		{handlerStarts, bodyBegins, messageBuilt, writeCalled, writeReturned, readCalled, readReturned, bodyEnds, calledBack},
		{handlerStarts, startReturned, otherCallback, calledBack},
	} {
		for i, m := range path {
			switch _, seen := at[m]; {
			case !seen:
				return nil, fmt.Errorf("not seen on the goroutine where it belongs: %s", describe(event{what: m}))
			case i > 0 && at[m].Before(at[path[i-1]]):
				return nil, fmt.Errorf("out of order: %s", describe(event{what: m}))
			}
		}
	}
	return kept, nil
}

// numbers are those of DESIGN.md's picture; the first event of each moment has
// one.
var numbers = map[moment]string{
	handlerStarts: "(1)", bodyBegins: "(2)", messageBuilt: "(3)", writeCalled: "(4)",
	readCalled: "(5)", startReturned: "(6)", readReturned: "(7)", calledBack: "(8)",
}

// trail is the table of the events.
func trail(events []event) [][]string {
	rows := [][]string{{"step", "after", "on", "what"}}
	numbered := map[moment]bool{}
	for _, e := range events {
		number := ""
		if !numbered[e.what] {
			numbered[e.what] = true
			number = numbers[e.what]
		}
		where := "worker"
		switch e.what {
		case handlerStarts, startReturned, otherCallback, calledBack:
			where = "loop"
		}
		rows = append(rows, []string{number, fmt.Sprintf("%5d µs", e.at.Sub(events[0].at).Microseconds()), where, describe(e)})
	}
	return rows
}

func describe(e event) string {
	switch e.what {
	case handlerStarts:
		return "the handler starts the call"
	case startReturned:
		return "the start has returned; the handler goes on"
	case otherCallback:
		return "the loop runs another callback meanwhile"
	case bodyBegins:
		return "a worker runs the call's body, which enters the driver"
	case messageBuilt:
		return "the driver asks the document for its bytes and builds its message"
	case writeCalled:
		return fmt.Sprintf("the driver calls conn.Write with %d bytes: straight to the kernel", e.n)
	case writeReturned:
		return fmt.Sprintf("conn.Write has returned %d", e.n)
	case readCalled:
		return fmt.Sprintf("the driver calls conn.Read for %d bytes", e.n)
	case readReturned:
		return fmt.Sprintf("conn.Read has returned %d", e.n)
	case bodyEnds:
		return "the driver has parsed the reply; the body ends, its result is posted"
	default:
		return "the callback runs"
	}
}
