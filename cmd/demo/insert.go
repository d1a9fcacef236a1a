package main

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/cmd/demo/sequence"
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
	events := d.trace.Stop()
	if err != nil {
		return err
	}
	events, err = sequence.Follow(events)
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
	doc := letter{To: "Ada", asked: func() { t.Note(sequence.MessageBuilt, 0) }}
	t.Start()
	// It stands for everything else that the loop does meanwhile. Posted now, it
	// runs when this callback has returned, and before the call's.
	if err := d.loop.Post(seenFunc(d.w, func() { t.Note(sequence.OtherCallback, 0) })); err != nil {
		done(nil, err)
		return
	}
	t.Note(sequence.HandlerStarts, 0)
	adapter.Go(ctx, d.a, func(ctx context.Context) (*mongo.InsertOneResult, error) {
		t.Note(sequence.BodyBegins, 0)
		defer t.Note(sequence.BodyEnds, 0)
		return letters.Unwrap().InsertOne(ctx, doc)
	}, seen(d.w, func(res *mongo.InsertOneResult, err error) {
		t.Note(sequence.CalledBack, 0)
		done(res, err)
	}))
	t.Note(sequence.StartReturned, 0)
}

// trail is the table of the events.
func trail(events []sequence.Event) [][]string {
	rows := [][]string{{"step", "after", "on", "what"}}
	for _, e := range events {
		number := ""
		if e.Step > 0 {
			number = fmt.Sprintf("(%d)", e.Step)
		}
		rows = append(rows, []string{number, fmt.Sprintf("%5d µs", e.At.Sub(events[0].At).Microseconds()), e.On().String(), e.String()})
	}
	return rows
}
