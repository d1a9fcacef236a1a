package mysql_test

import (
	"context"
	stdsql "database/sql"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

const dsn = "user:password@tcp(127.0.0.1:3306)/app"

func newAdapter(t *testing.T) *adapter.Adapter {
	t.Helper()
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return adapter.New(l)
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	a := newAdapter(t)
	for _, test := range []struct {
		dsn  string
		opt  mysql.Option
		want string // in the error
	}{
		{"no slash", mysql.WithMaxConns(1), "the DSN"},
		{"user@tcp(127.0.0.1:3306)/app?timeout=soon", mysql.WithMaxConns(1), "the DSN"},
		{"user@tcp(127.0.0.1:3306)/app?tls=unregistered", mysql.WithMaxConns(1), "unregistered"},
		{dsn, mysql.WithMaxConns(0), "WithMaxConns(0)"},
		{dsn, mysql.WithMaxConns(-1), "WithMaxConns(-1)"},
		{dsn, mysql.WithQueue(-1), "WithQueue(-1)"},
		{dsn, mysql.WithMaxIdle(-1), "WithMaxIdle(-1)"},
		{dsn, mysql.WithConnMaxLifetime(-1), "WithConnMaxLifetime(-1ns)"},
		{dsn, mysql.WithConnMaxIdleTime(-time.Second), "WithConnMaxIdleTime(-1s)"},
	} {
		db, err := mysql.Open(a, test.dsn, test.opt)
		if err == nil {
			db.Close(context.Background(), nil)
		}
		if err == nil || db != nil || !strings.HasPrefix(err.Error(), "valet/mysql: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Open(%q): %v, want an error with %q", test.dsn, err, test.want)
		}
	}
}

func TestOpenSetsThePoolsSize(t *testing.T) {
	a := newAdapter(t)
	for want, opts := range map[int][]mysql.Option{
		mysql.DefaultMaxConns: {mysql.WithQueue(0)},
		3:                     {mysql.WithMaxConns(3)},
		4:                     {mysql.WithMaxConns(4), mysql.WithMaxIdle(1), mysql.WithConnMaxLifetime(time.Hour), mysql.WithConnMaxIdleTime(0)},
	} {
		db, err := mysql.Open(a, dsn, opts...)
		if err != nil {
			t.Fatal(err)
		}
		if s := db.Unwrap().Stats(); s.MaxOpenConnections != want || s.OpenConnections != 0 {
			t.Errorf("a pool of %d with %d open, want %d and none", s.MaxOpenConnections, s.OpenConnections, want)
		}
		if err := adapter.WaitErr(func(cb func(error)) { db.Close(context.Background(), cb) }); err != nil {
			t.Error(err)
		}
	}
}

func TestUseTakesItsSlotsFromThePool(t *testing.T) {
	a := newAdapter(t)
	for _, test := range []struct {
		limit int
		opts  []mysql.Option
		want  int // slots; 0: an error
	}{
		{5, nil, 5},
		{5, []mysql.Option{mysql.WithMaxConns(2)}, 2},
		{0, []mysql.Option{mysql.WithMaxConns(3)}, 3},
		{0, nil, 0},
		{5, []mysql.Option{mysql.WithMaxIdle(-1)}, 0},
	} {
		connector, err := mysql.NewConnector(a.Loop(), driver.NewConfig())
		if err != nil {
			t.Fatal(err)
		}
		pool := stdsql.OpenDB(connector)
		pool.SetMaxOpenConns(test.limit)
		db, err := mysql.Use(a, pool, test.opts...)
		if (err == nil) != (test.want > 0) {
			t.Errorf("a pool of %d: %v", test.limit, err)
		}
		if err != nil {
			pool.Close()
			continue
		}
		if db.Unwrap() != pool || pool.Stats().MaxOpenConnections != test.want {
			t.Errorf("a pool of %d has become one of %d, want %d", test.limit, pool.Stats().MaxOpenConnections, test.want)
		}
		found := false
		for _, s := range a.AllStats() {
			found = found || s.Name == "mysql" && s.MaxSlots == test.want
		}
		if !found {
			t.Errorf("no backend has %d slots: %+v", test.want, a.AllStats())
		}
		if err := adapter.WaitErr(func(cb func(error)) { db.Close(context.Background(), cb) }); err != nil {
			t.Error(err)
		}
	}
}

var errDial = errors.New("test: no such network")

func TestNewConnectorPutsConnectionsOnTheLoop(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	a := newAdapter(t)
	cfg := driver.NewConfig()
	cfg.Net, cfg.Addr = "tcp", ln.Addr().String()

	var dialled net.Conn
	d := &fakesock.Dialer{Loop: a.Loop()}
	own := cfg.Clone()
	own.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dialled, err = d.DialContext(ctx, network, addr); err == nil {
			dialled.Close()
		}
		return nil, errDial
	}
	c, err := mysql.NewConnector(a.Loop(), own)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Connect(context.Background()); !errors.Is(err, errDial) || dialled == nil {
		t.Errorf("its own DialFunc was not used: %v", err)
	}

	c, err = mysql.NewConnector(a.Loop(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.DialFunc != nil {
		t.Error("the caller's configuration was changed")
	}
	if err := a.Loop().Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Connect(context.Background()); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("a connection for a closed loop: %v, want %v", err, loop.ErrClosed)
	}
}
