package mysql

import (
	stdsql "database/sql"
	"fmt"
	"time"

	"github.com/valet-go/valet/adapter"
)

// DefaultMaxConns is the size of the pool that Open makes unless told
// otherwise.
const DefaultMaxConns = 32

// Option configures Open and Use.
type Option func(*options)

type options struct {
	conns int // 0: not set
	queue int
	pool  []func(*stdsql.DB)
	calls []adapter.Option
	err   error // of the first option that is out of range
}

// newOptions applies opts, and returns the first error.
func newOptions(opts []Option) (*options, error) {
	o := &options{queue: adapter.DefaultQueue}
	for _, opt := range opts {
		opt(o)
	}
	return o, o.err
}

// set makes f set the pool, if ok. The other arguments are those of an error.
func (o *options) set(f func(*stdsql.DB), ok bool, format string, args ...any) {
	if !ok && o.err == nil {
		o.err = fmt.Errorf("valet/mysql: "+format, args...)
	}
	o.pool = append(o.pool, f)
}

// WithMaxConns sets how many connections the pool may have, idle ones
// included, and so how many calls run at once: at least 1; by default
// [DefaultMaxConns], and with Use what the pool has been set to.
func WithMaxConns(n int) Option {
	return func(o *options) {
		o.conns = n
		o.set(func(db *stdsql.DB) { db.SetMaxOpenConns(n) },
			n >= 1, "WithMaxConns(%d): a pool needs at least one connection", n)
	}
}

// WithQueue sets how many calls may wait for a connection, beyond which they
// fail with [adapter.ErrOverloaded]: 0 or more; by default
// [adapter.DefaultQueue].
func WithQueue(n int) Option {
	return func(o *options) {
		o.queue = n
		o.set(func(*stdsql.DB) {}, n >= 0, "WithQueue(%d): the bound cannot be negative", n)
	}
}

// WithMaxIdle sets how many connections may be idle, 0 or more: by default all,
// and with Use what the pool has been set to; [database/sql.DB.SetMaxIdleConns].
func WithMaxIdle(n int) Option {
	return func(o *options) {
		o.set(func(db *stdsql.DB) { db.SetMaxIdleConns(n) },
			n >= 0, "WithMaxIdle(%d): the bound cannot be negative", n)
	}
}

// WithConnMaxLifetime sets for how long a connection may be used, 0 for ever,
// which is the default: less than the wait_timeout of the server, and of whatever
// stands before it; [database/sql.DB.SetConnMaxLifetime].
func WithConnMaxLifetime(d time.Duration) Option {
	return func(o *options) {
		o.set(func(db *stdsql.DB) { db.SetConnMaxLifetime(d) },
			d >= 0, "WithConnMaxLifetime(%v): it cannot be negative; 0 is for ever", d)
	}
}

// WithConnMaxIdleTime sets for how long a connection may be idle, 0 for ever,
// which is the default; [database/sql.DB.SetConnMaxIdleTime].
func WithConnMaxIdleTime(d time.Duration) Option {
	return func(o *options) {
		o.set(func(db *stdsql.DB) { db.SetConnMaxIdleTime(d) },
			d >= 0, "WithConnMaxIdleTime(%v): it cannot be negative; 0 is for ever", d)
	}
}

// WithCalls sets how the pool's calls behave: by [adapter.WithCancel],
// [adapter.WithTimeout], [adapter.WithHook] and the like. What is not set is
// inherited from the adapter given to Open.
func WithCalls(opts ...adapter.Option) Option {
	return func(o *options) { o.calls = append(o.calls, opts...) }
}
