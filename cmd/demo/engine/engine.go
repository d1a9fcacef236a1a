package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/httploop"
)

// Config says what the lanes ask.
type Config struct {
	// MySQL is the DSN of a server; the database stays as it is. Required.
	MySQL string
}

// Engine is the three lanes, their load, and the page that shows them.
type Engine struct {
	dsn   string
	lanes []*lane
	valet *valet

	loop   *loop.Loop // of the load
	load   *load
	a      *adapter.Adapter
	traces *adapter.Adapter
	files  *httploop.Files
}

// Open starts the lanes, which ask nothing before somebody looks at the page. ctx
// bounds the opening. Errors: a DSN that is no good, a server that does not
// answer, a system without evio.
func Open(ctx context.Context, cfg Config) (*Engine, error) { return open(ctx, cfg, sleep) }

func open(ctx context.Context, cfg Config, sleep func(ms int) string) (_ *Engine, err error) {
	dsn, err := mysql.ParseDSN(cfg.MySQL)
	if err != nil {
		return nil, fmt.Errorf("the MySQL DSN: %w", err)
	}
	dsn.Logger = &mysql.NopLogger{} // it would tell of connections that were given up
	e := &Engine{dsn: cfg.MySQL}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Close())
		}
	}()
	if e.loop, err = loop.Start(context.Background()); err != nil {
		return nil, err
	}
	e.a = adapter.New(e.loop)
	e.traces = e.a.Backend("traces", adapter.WithSlots(1), adapter.WithQueue(4), adapter.WithTimeout(traceLimit))
	e.files = httploop.NewFiles(e.a, web)
	for _, newOne := range []func() (*lane, error){
		func() (*lane, error) { return newDirect(ctx, dsn, sleep) },
		func() (*lane, error) { return newPooled(ctx, dsn, sleep) },
		func() (*lane, error) {
			if e.valet, err = newValet(dsn, sleep); err != nil {
				return nil, err
			}
			return e.valet.lane, nil
		},
	} {
		s, err := newOne()
		if err != nil {
			return nil, err
		}
		e.lanes = append(e.lanes, s)
		if err := s.start(); err != nil {
			return nil, err
		}
	}
	e.load = &load{loop: e.loop, valet: e.valet}
	for _, s := range e.lanes {
		e.load.lanes = append(e.load.lanes, &driven{lane: s})
	}
	return e, nil
}

// Close ends the load, the lanes, and everything behind them, and waits for
// that. What [Engine.Serve] has not answered by then is answered by nobody: end
// the server first.
func (e *Engine) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	var errs []error
	if e.load != nil {
		errs = append(errs, e.loop.Post(e.load.rest))
	}
	for _, s := range e.lanes {
		errs = append(errs, s.stop(ctx))
	}
	if e.a != nil {
		errs = append(errs, e.a.Close(ctx))
	}
	if e.loop != nil {
		errs = append(errs, e.loop.Close())
	}
	return errors.Join(errs...)
}
