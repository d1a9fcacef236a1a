package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/loop"
)

// failures makes calls that fail, and checks that each callback gets the error
// that it should, once.
func (d *demo) failures(ctx context.Context) error {
	rows := [][]string{}
	for _, f := range []struct {
		title string
		fail  func(context.Context) (got error, err error)
		want  string
		is    func(error) bool
	}{
		{"a wrong password", d.wrongPassword, "error 1045", func(err error) bool {
			var refused *mysql.MySQLError
			return errors.As(err, &refused) && refused.Number == 1045 || err == nil && d.servers.mysql == nil
		}},
		{"an unreachable address", d.unreachable, "the refused connection", func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "refused")
		}},
		{"an overload", d.overload, "adapter.ErrOverloaded", func(err error) bool { return errors.Is(err, adapter.ErrOverloaded) }},
		{"a cancelled query", d.cancelled, "context.Canceled", func(err error) bool { return errors.Is(err, context.Canceled) }},
		{"a panic in the body", d.panicking, "a *adapter.PanicError", func(err error) bool {
			var panicked *adapter.PanicError
			return errors.As(err, &panicked)
		}},
		{"a socket on the loop itself", d.onTheLoop, "loop.ErrWouldBlockLoop", func(err error) bool { return errors.Is(err, loop.ErrWouldBlockLoop) }},
	} {
		got, err := f.fail(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", f.title, err)
		}
		if !f.is(got) {
			return fmt.Errorf("%s: the error is %v; want %s", f.title, got, f.want)
		}
		said := "no error: this server let it in"
		if got != nil {
			said = oneLine(got)
		}
		rows = append(rows, []string{f.title, said})
	}
	d.out.table(rows)
	return nil
}

// playFor is play for a step whose outcome is an error of its own.
func (d *demo) playFor(ctx context.Context, start func(got func(error))) (outcome, err error) {
	err = d.play(ctx, func(done func(error)) {
		start(func(err error) {
			outcome = err
			done(nil)
		})
	})
	return outcome, err
}

// wrongPassword logs in with one.
func (d *demo) wrongPassword(ctx context.Context) (got, err error) {
	db, err := d.openMySQL("mysql, wrong password", func(cfg *mysql.Config) { cfg.Passwd = "not " + cfg.Passwd })
	if err != nil {
		return nil, err
	}
	got, err = d.playFor(ctx, func(got func(error)) { db.Connect(ctx, seenErr(d.w, got)) })
	return got, errors.Join(err, d.play(ctx, func(done func(error)) { db.Close(ctx, seenErr(d.w, done)) }))
}

// unreachable looks for MongoDB on a port where nobody listens.
func (d *demo) unreachable(ctx context.Context) (got, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		return nil, err
	}
	opts := d.mongoOptions("mongodb://" + addr + "/").SetServerSelectionTimeout(200 * time.Millisecond)
	client, err := mongo.Open(d.a, opts)
	if err != nil {
		return nil, err
	}
	got, err = d.playFor(ctx, func(got func(error)) { client.Connect(ctx, seenErr(d.w, got)) })
	return got, errors.Join(err, d.play(ctx, func(done func(error)) { client.Disconnect(ctx, seenErr(d.w, done)) }))
}

// overload starts a third call where one may run and one may wait.
func (d *demo) overload(ctx context.Context) (got, err error) {
	small := d.a.Backend("small", adapter.WithSlots(1), adapter.WithQueue(1))
	got, err = d.playFor(ctx, func(got func(error)) {
		var third error
		release, left := make(chan struct{}), 3
		for range left {
			adapter.Go(ctx, small, func(ctx context.Context) (struct{}, error) {
				select {
				case <-release:
				case <-ctx.Done():
				}
				return struct{}{}, ctx.Err()
			}, seen(d.w, func(_ struct{}, err error) {
				if left--; left == 2 { // the one that was refused comes first
					third = err
					close(release)
				} else if err != nil {
					third = fmt.Errorf("a call that was admitted failed: %w", err)
				}
				if left == 0 {
					got(third)
				}
			}))
		}
	})
	return got, errors.Join(err, small.Close(ctx))
}

// cancelled cancels a query that would take long; not too long, because the
// embedded server sleeps on, and waits for that when it stops.
func (d *demo) cancelled(ctx context.Context) (got, err error) {
	// The driver logs connections that it has to give up.
	db, err := d.openMySQL("mysql, cancelled", func(cfg *mysql.Config) { cfg.Logger = &driver.NopLogger{} })
	if err != nil {
		return nil, err
	}
	got, err = d.playFor(ctx, func(got func(error)) {
		cancellable, cancel := context.WithCancel(ctx)
		db.QueryRow(cancellable, "SELECT SLEEP(2)", seen(d.w, func(_ *mysql.Row, err error) { got(err) }))
		d.loop.AfterFunc(20*time.Millisecond, seenFunc(d.w, cancel))
	})
	return got, errors.Join(err, d.play(ctx, func(done func(error)) { db.Close(ctx, seenErr(d.w, done)) }))
}

// panicking runs a body that panics.
func (d *demo) panicking(ctx context.Context) (got, err error) {
	return d.playFor(ctx, func(got func(error)) {
		adapter.Go(ctx, d.a, func(context.Context) (struct{}, error) {
			panic("a bug in a driver")
		}, seen(d.w, func(_ struct{}, err error) { got(err) }))
	})
}

// onTheLoop dials where that would block the loop.
func (d *demo) onTheLoop(ctx context.Context) (got, err error) {
	return d.playFor(ctx, func(got func(error)) {
		c, err := d.mysqlDial.DialContext(ctx, "tcp", "127.0.0.1:1")
		if err == nil {
			c.Close()
		}
		got(err)
	})
}
