package mysql

import (
	stdsql "database/sql"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/sql"
)

// Open returns a pool for the DSN, in the driver's own syntax. Like
// [database/sql.Open] it does not dial; [DB.Connect] does. Errors: a DSN that is no
// good, or an option out of range.
func Open(a *adapter.Adapter, dsn string, opts ...Option) (*DB, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("valet/mysql: the DSN: %w", err)
	}
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	if o.conns == 0 {
		o.conns = DefaultMaxConns
	}
	connector, err := NewConnector(a.Loop(), cfg)
	if err != nil {
		return nil, fmt.Errorf("valet/mysql: the DSN: %w", err)
	}
	db := stdsql.OpenDB(connector)
	db.SetMaxOpenConns(o.conns)
	db.SetMaxIdleConns(o.conns)
	return o.use(a, db), nil
}

// Use returns callbacks for a pool that exists already, and that others may use
// as well, such as GORM, or code of sqlc's. Its calls run in as many slots as the
// pool may have connections; for a pool without a limit, one must be set by
// [WithMaxConns]. The options change the pool's settings for all who use it.
// Whoever made the pool with [NewConnector] has its connections on the loop, and
// can have its calls killed. [DB.Close] closes the pool. Errors: a pool without
// a limit, or an option out of range.
func Use(a *adapter.Adapter, db *stdsql.DB, opts ...Option) (*DB, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	if o.conns == 0 {
		o.conns = db.Stats().MaxOpenConnections
	}
	if o.conns == 0 {
		return nil, errNoLimit
	}
	return o.use(a, db), nil
}

var errNoLimit = errors.New("valet/mysql: the pool has no limit of connections, from which the number of slots could be taken; set it, or use WithMaxConns")

func (o *options) use(a *adapter.Adapter, db *stdsql.DB) *DB {
	for _, set := range o.pool {
		set(db)
	}
	calls := append(o.calls, adapter.WithSlots(o.conns), adapter.WithQueue(o.queue))
	return sql.New(a.Backend("mysql", calls...), db)
}
