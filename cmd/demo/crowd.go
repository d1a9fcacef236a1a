package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/loop"
)

const (
	crowdSize = 1000 // queries at once, half of them for each database

	beat     = time.Millisecond       // of the heartbeat
	calmTime = 300 * time.Millisecond // during which nothing else runs, for comparison
)

// heartbeat measures how late the loop runs a timer of one millisecond. It
// belongs to the loop.
type heartbeat struct {
	w     witness
	timer *loop.Timer
	due   time.Time
	lags  []time.Duration
}

func startHeartbeat(l *loop.Loop, w witness) *heartbeat {
	h := &heartbeat{w: w, due: time.Now().Add(beat)}
	h.timer = l.AfterFunc(beat, h.tick)
	return h
}

func (h *heartbeat) tick() {
	h.lags = append(h.lags, time.Since(h.due))
	h.w.passed.Add(1)
	h.w.look()
	h.due = time.Now().Add(beat)
	h.timer.Reset(beat)
}

// take returns the lags since the last take.
func (h *heartbeat) take() []time.Duration {
	lags := h.lags
	h.lags = nil
	return lags
}

// stop ends the heartbeat. The beat that is due counts: the loop may have been
// kept from it for long.
func (h *heartbeat) stop() {
	h.timer.Stop()
	if late := time.Since(h.due); late > 0 {
		h.lags = append(h.lags, late)
	}
}

// control is the same heartbeat beaten by a goroutine of its own, without any
// loop: what the loop's lag is to be compared with. The function that it
// returns ends it and reports the lags.
func control() (stop func() []time.Duration) {
	quit, lags := make(chan struct{}), make(chan []time.Duration, 1)
	go func() {
		var own []time.Duration
		timer := time.NewTimer(beat)
		defer timer.Stop()
		for due := time.Now().Add(beat); ; due = time.Now().Add(beat) {
			select {
			case <-timer.C:
				own = append(own, time.Since(due))
				timer.Reset(beat)
			case <-quit:
				lags <- own
				return
			}
		}
	}()
	return func() []time.Duration {
		close(quit)
		return <-lags
	}
}

// crowdResult is what a crowd of queries showed.
type crowdResult struct {
	calm, busy []time.Duration // lags of the heartbeat
	control    []time.Duration // of a goroutine's, while busy
	starting   time.Duration   // how long it took to start them all
	mysql      time.Duration   // from the start to the last callback
	mongo      time.Duration
	inFlight   int // at most
}

// crowd starts size queries from one callback.
func (d *demo) crowd(ctx context.Context, size int) error {
	var r crowdResult
	var stopControl func() []time.Duration
	err := d.play(ctx, func(done func(error)) {
		h := startHeartbeat(d.loop, d.w)
		d.loop.AfterFunc(calmTime, seenFunc(d.w, func() {
			r.calm = h.take()
			stopControl = control()
			d.startCrowd(ctx, size, &r, func(err error) {
				h.stop()
				r.busy = h.take()
				done(err)
			})
		}))
	})
	if stopControl != nil {
		r.control = stopControl()
	}
	if err != nil {
		return err
	}
	all := max(r.mysql, r.mongo)
	d.out.line("%d to MySQL and %d to MongoDB, all started in one callback, which took %s", size/2, size/2, ms(r.starting))
	d.out.line("at most %s in flight; %d connections and as many bodies at once for each driver", thousands(int64(r.inFlight)), poolSize)
	d.out.line("all answered after %s: MySQL's after %s, MongoDB's after %s; %s a second",
		ms(all), ms(r.mysql), ms(r.mongo), thousands(int64(float64(size)/all.Seconds())))
	d.out.line("heartbeat of %v, its lag:", beat)
	d.out.table([][]string{
		{"on the loop, meanwhile", spread(r.busy), fmt.Sprintf("(%d beats)", len(r.busy))},
		{"on the idle loop before", spread(r.calm), fmt.Sprintf("(%d beats)", len(r.calm))},
		{"on a goroutine without a loop, meanwhile", spread(r.control), fmt.Sprintf("(%d beats)", len(r.control))},
	})
	if d.servers.mongo != nil || d.servers.mysql != nil {
		d.out.line("the embedded servers share this process and its %d processors with the loop, which waits for one like they do", runtime.GOMAXPROCS(0))
	}
	return nil
}

// startCrowd starts the queries and checks each answer. done gets the first
// thing that was wrong, after the last callback. On the loop.
func (d *demo) startCrowd(ctx context.Context, size int, r *crowdResult, done func(error)) {
	var failed error
	left, began := size, time.Now()
	answered := func(what string, i int, took *time.Duration, wrong bool, err error) {
		if err == nil && wrong {
			err = fmt.Errorf("the wrong answer")
		}
		if err != nil && failed == nil {
			failed = fmt.Errorf("query %d, of %s: %w", i, what, err)
		}
		*took = time.Since(began)
		if left--; left == 0 {
			done(failed)
		}
	}
	numbers := d.client.Database(storyDatabase).Collection("numbers")
	for i := range size / 2 {
		user := users[i%len(users)]
		d.db.QueryRow(ctx, "SELECT name FROM valet_demo_users WHERE id = ?", seen(d.w, func(row *mysql.Row, err error) {
			var name string
			if err == nil {
				err = row.Scan(&name)
			}
			answered("MySQL", i, &r.mysql, name != user.name, err)
		}), user.id)
		want := i % numbersStored
		numbers.FindOne(ctx, bson.M{"_id": want}, seen(d.w, func(res *mongo.SingleResult, err error) {
			var doc struct {
				ID int `bson:"_id"`
			}
			if err == nil {
				err = res.Decode(&doc)
			}
			answered("MongoDB", i, &r.mongo, doc.ID != want, err)
		}))
		// No callback can have come yet: this one has not returned.
		r.inFlight = max(r.inFlight, left-size+2*(i+1))
	}
	r.starting = time.Since(began)
}
