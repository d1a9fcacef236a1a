package main

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/backends/sql"
	"github.com/valet-go/valet/cmd/demo/bus"
	"github.com/valet-go/valet/cmd/demo/chat"
	"github.com/valet-go/valet/cmd/demo/engine"
	"github.com/valet-go/valet/cmd/demo/sequence"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

const (
	poolSize = 16 // connections, and so calls at once, of each driver

	storyDatabase = "valet_demo_story" // MongoDB's, of the story
	onceChat      = "valet_demo_once"  // the chat of the story; see chat.Options

	// serverPatience is how long MongoDB's driver looks for its server.
	serverPatience = 10 * time.Second

	// stopPatience is how long calls that still run may hold up the end.
	stopPatience = 10 * time.Second
)

// demo is what the steps of the story share. They run on one goroutine, and
// start everything on the loop.
type demo struct {
	out     *report
	servers *servers

	loop   *loop.Loop
	a      *adapter.Adapter
	db     *mysql.DB
	client *mongo.Client

	// What is served; nil before it is opened.
	chat   *chat.Chat
	bus    *bus.Bus
	engine *engine.Engine

	prepared bool // something was made in the databases

	trace     *sequence.Recorder // of MongoDB's connections
	mongoDial *dialer
	mysqlDial *dialer

	callbacks tally
	w         witness    // of the loop's callbacks
	broken    chan error // gets a panic of a callback
}

// newDemo starts the loop and opens both drivers on it, without connecting.
func newDemo(s *servers, out *report) (_ *demo, err error) {
	d := &demo{out: out, servers: s, trace: new(sequence.Recorder), broken: make(chan error, 1)}
	// It ends by Close, and not with a context: the drivers need it to stop.
	d.loop, err = loop.Start(context.Background(), loop.WithPanicHandler(d.panicked))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			d.loop.Close()
		}
	}()
	home := make(chan witness, 1)
	if err := d.loop.Post(func() { home <- d.callbacks.here() }); err != nil {
		return nil, err
	}
	d.w = <-home
	d.w.also = d.loop.OnLoop

	d.a = adapter.New(d.loop)
	d.mysqlDial = &dialer{Dialer: fakesock.Dialer{Loop: d.loop}}
	d.mongoDial = &dialer{Dialer: fakesock.Dialer{Loop: d.loop}, trace: d.trace}
	if d.db, err = d.openMySQL("mysql", nil); err != nil {
		return nil, err
	}
	if d.client, err = mongo.Open(d.a, d.mongoOptions(s.mongoURI)); err != nil {
		d.db.Close(context.Background(), nil)
		return nil, err
	}
	return d, nil
}

// openMySQL opens a pool, with the DSN as change leaves it. It is mysql.Open
// with a dialer that counts.
func (d *demo) openMySQL(name string, change func(*mysql.Config)) (*mysql.DB, error) {
	cfg, err := driver.ParseDSN(d.servers.mysqlDSN)
	if err != nil {
		return nil, fmt.Errorf("the MySQL DSN: %w", err)
	}
	cfg.DialFunc = d.mysqlDial.DialContext
	if change != nil {
		change(cfg)
	}
	connector, err := mysql.NewConnector(d.loop, cfg)
	if err != nil {
		return nil, fmt.Errorf("the MySQL DSN: %w", err)
	}
	pool := stdsql.OpenDB(connector)
	pool.SetMaxOpenConns(poolSize)
	pool.SetMaxIdleConns(poolSize)
	return sql.New(d.a.Backend(name, adapter.WithSlots(poolSize)), pool), nil
}

func (d *demo) mongoOptions(uri string) *options.ClientOptions {
	return options.Client().ApplyURI(uri).SetMaxPoolSize(poolSize).SetDialer(d.mongoDial).
		SetServerSelectionTimeout(serverPatience)
}

// panicked is the loop's: a callback panicked, so its step will never end.
func (d *demo) panicked(v any, stack []byte) {
	select {
	case d.broken <- fmt.Errorf("panic in a callback: %v\n%s", v, stack):
	default: // one is enough
	}
}

// play runs start on the loop, and waits until it, or a callback that it has
// led to, calls done.
func (d *demo) play(ctx context.Context, start func(done func(error))) error {
	ended := make(chan error, 1)
	done := func(err error) {
		select {
		case ended <- err:
		default: // the first end counts
		}
	}
	if err := d.loop.Post(seenFunc(d.w, func() { start(done) })); err != nil {
		return err
	}
	select {
	case err := <-ended:
		return err
	case err := <-d.broken:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// execAll runs MySQL statements one after another. On the loop.
func (d *demo) execAll(ctx context.Context, queries []string, done func(error)) {
	if len(queries) == 0 {
		done(nil)
		return
	}
	d.db.Exec(ctx, queries[0], seen(d.w, func(_ mysql.Result, err error) {
		if err != nil {
			done(fmt.Errorf("%s: %w", queries[0], err))
			return
		}
		d.execAll(ctx, queries[1:], done)
	}))
}

// dropDatabase drops one of MongoDB's. On the loop.
func (d *demo) dropDatabase(ctx context.Context, name string, done func(error)) {
	command := bson.D{{Key: "dropDatabase", Value: 1}}
	d.client.Database(name).RunCommand(ctx, command, seen(d.w, func(_ *mongo.SingleResult, err error) { done(err) }))
}

// leaveNothing drops what the story made. A chat that was served stays: the
// people who were there may come back.
func (d *demo) leaveNothing(ctx context.Context) error {
	if !d.prepared {
		return nil
	}
	return d.play(ctx, func(done func(error)) {
		d.execAll(ctx, dropTables, func(err error) {
			d.dropDatabase(ctx, storyDatabase, func(err2 error) {
				d.dropDatabase(ctx, onceChat, func(err3 error) { done(errors.Join(err, err2, err3)) })
			})
		})
	})
}

// stop ends what is served, the calls, the drivers and the loop, in this order.
func (d *demo) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	errs := []error{
		d.stopServing(ctx),
		d.leaveNothing(ctx),
		adapter.WaitErr(func(cb func(error)) { d.db.Close(ctx, seenErr(d.w, cb)) }),
		adapter.WaitErr(func(cb func(error)) { d.client.Disconnect(ctx, seenErr(d.w, cb)) }),
		d.a.Close(ctx),
		d.loop.Close(),
	}
	return errors.Join(errs...)
}
