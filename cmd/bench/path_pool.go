package main

import (
	"context"

	"github.com/panjf2000/ants/v2"

	"github.com/valet-go/valet/loop"
)

// startPool runs each request on a worker of an ants pool, which posts the
// result to the loop; the callback there submits the next request. It is what
// people do today whose server runs on evio's or gnet's event loop.
//
// Submit waits while all workers are busy, and a worker is busy for a moment
// after it has posted. So there are two workers per operation in flight, of
// which about half ever start, and Submit does not hold the loop.
func startPool(ctx context.Context, l *loop.Loop, s *session, m *meter, sp spec) (func(), error) {
	pool, err := ants.NewPool(2 * sp.Inflight)
	if err != nil {
		return nil, err
	}
	for i := range m.lanes {
		r := &pooled{lane: i, key: m.lanes[i].key, base: ctx, own: sp.perRequest(), loop: l, pool: pool, session: s, meter: m}
		r.work, r.done = r.onWorker, r.onLoop
		if err := l.Post(r.submit); err != nil {
			pool.Release()
			return nil, err
		}
	}
	return pool.Release, nil
}

// pooled is the request of a lane; it is used again for the lane's next one.
type pooled struct {
	lane, key int
	base      context.Context
	own       bool // each request has a context of its own
	loop      *loop.Loop
	pool      *ants.Pool
	session   *session
	meter     *meter

	work, done func()          // onWorker and onLoop, made once
	ctx        context.Context // of the request
	cancel     func()
	got        string
	err        error
}

func (r *pooled) submit() {
	r.meter.begin(r.lane)
	r.ctx, r.cancel = requestContext(r.base, r.own)
	if err := r.pool.Submit(r.work); err != nil {
		r.meter.fail(err)
	}
}

func (r *pooled) onWorker() {
	r.got, r.err = r.session.read(r.ctx, r.key)
	if err := r.loop.Post(r.done); err != nil {
		r.meter.fail(err)
	}
}

func (r *pooled) onLoop() {
	r.cancel()
	if r.meter.end(r.lane, r.got, r.err) {
		r.submit()
	}
}
