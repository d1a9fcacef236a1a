package engine

import (
	"context"
	"database/sql"
	"errors"

	driver "github.com/go-sql-driver/mysql"
	"github.com/panjf2000/ants/v2"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/httploop"
)

// queue is how many calls may wait in Valet's lane before it refuses.
const queue = 16

// newDirect is the lane that calls the driver on evio's goroutine.
func newDirect(ctx context.Context, cfg *driver.Config, sleep func(int) string) (*lane, error) {
	s := newLane(sleep)
	n, err := openNative(ctx, s.ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.busy = n.busy
	s.ask = func(x *httploop.Exchange, query string) { reply(x, n.query(query)) }
	s.release = func(context.Context) error { return n.db.Close() }
	return s, nil
}

// newPooled is the lane that has a goroutine of a pool call the driver. The pool
// has no limit: Submit would hold evio's loop when it is reached.
func newPooled(ctx context.Context, cfg *driver.Config, sleep func(int) string) (*lane, error) {
	s := newLane(sleep)
	n, err := openNative(ctx, s.ctx, cfg)
	if err != nil {
		return nil, err
	}
	pool, err := ants.NewPool(-1)
	if err != nil {
		return nil, errors.Join(err, n.db.Close())
	}
	s.busy = n.busy
	s.ask = func(x *httploop.Exchange, query string) {
		err := pool.Submit(func() {
			err := n.query(query)
			_ = x.Post(func() { reply(x, err) }) // else the server has ended
		})
		if err != nil {
			reply(x, err)
		}
	}
	s.release = func(ctx context.Context) error { return errors.Join(pool.ReleaseContext(ctx), n.db.Close()) }
	return s, nil
}

// valet is the lane that starts calls with callbacks.
type valet struct {
	*lane
	loop *loop.Loop // of the driver's sockets
	a    *adapter.Adapter
}

func newValet(cfg *driver.Config, sleep func(int) string) (_ *valet, err error) {
	l, err := loop.Start(context.Background())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	connector, err := mysql.NewConnector(l, cfg)
	if err != nil {
		return nil, err
	}
	v := &valet{lane: newLane(sleep), loop: l}
	a := adapter.New(l)
	db, err := mysql.Use(a, sql.OpenDB(connector), mysql.WithMaxConns(conns), mysql.WithMaxIdle(conns), mysql.WithQueue(queue))
	if err != nil {
		return nil, err
	}
	v.a = db.Adapter()
	v.busy = func() int { return v.a.Stats().Running }
	v.ask = func(x *httploop.Exchange, query string) {
		db.On(x).QueryRow(x.Context(), query, func(row *mysql.Row, err error) {
			if err == nil {
				err = row.Scan(new(int))
			}
			reply(x, err)
		})
	}
	v.release = func(ctx context.Context) error {
		return errors.Join(adapter.WaitErr(func(cb func(error)) { db.Close(ctx, cb) }), a.Close(ctx), l.Close())
	}
	return v, nil
}
