package integration

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/cmd/internal/private"
)

// go-redis ignores the end of a context while it waits for a reply, but for its
// deadline.
func TestRedisCallIsStoppedAlthoughItsDriverIgnoresContexts(t *testing.T) {
	srv := private.RequireRedis(t)
	e := newRedisEnv(t, srv.Addr(), &redis.Options{PoolSize: 4, ReadTimeout: -1, MaxRetries: -1})
	a := e.a.Backend("redis", adapter.WithGrace(10*time.Millisecond))
	pop := func(ctx context.Context, opts ...adapter.CallOption) *pending[[]string] {
		return begin(e.env, func(cb func([]string, error)) *adapter.Call {
			return adapter.Go(ctx, a, func(ctx context.Context) ([]string, error) {
				return e.rdb.BLPop(ctx, 0, e.prefix+"none").Result()
			}, cb, append(opts, adapter.Long())...)
		})
	}
	blocked := func() {
		eventually(t, "the server waits", func() bool {
			info, err := e.rdb.InfoMap(bg, "clients").Result()
			if err != nil {
				t.Fatal(err)
			}
			return info["Clients"]["blocked_clients"] == "1"
		})
	}
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	for cause, call := range map[error]func() *pending[[]string]{
		context.Canceled: func() *pending[[]string] {
			p := pop(ctx)
			blocked()
			cancel()
			return p
		},
		context.DeadlineExceeded: func() *pending[[]string] { return pop(bg, adapter.Timeout(50*time.Millisecond)) },
	} {
		err := call().fails()
		if !errors.Is(err, cause) {
			t.Errorf("%v, want %v", err, cause)
		}
		if cause == context.Canceled && !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v: the connection was not closed", err)
		}
	}
	if err := e.rdb.Ping(bg).Err(); err != nil { // the pool has forgotten what was closed
		t.Error(err)
	}
}

// A system whose change streams took all its workers served nobody else.
func TestRedisLongCallsDoNotStarveShortOnes(t *testing.T) {
	e := newRedisEnv(t, private.RequireRedis(t).Addr(), &redis.Options{PoolSize: 8})
	a := e.a.Backend("redis", adapter.WithSlots(2), adapter.WithLongSlots(4), adapter.WithQueue(100))
	var pops []*pending[[]string]
	for range 8 {
		pops = append(pops, begin(e.env, func(cb func([]string, error)) *adapter.Call {
			return adapter.Go(bg, a, func(ctx context.Context) ([]string, error) {
				return e.rdb.BLPop(ctx, 0, e.prefix+"list").Result()
			}, cb, adapter.Long())
		}))
	}
	eventually(t, "four of eight run", func() bool { s := a.Stats(); return s.LongSlots == 4 && s.Waiting == 4 })
	for i := range 100 {
		value := begin(e.env, func(cb func(int64, error)) *adapter.Call {
			return adapter.Go(bg, a, func(ctx context.Context) (int64, error) {
				return e.rdb.Incr(ctx, e.prefix+"counter").Result()
			}, cb)
		}).must()
		if value != int64(i+1) {
			t.Errorf("INCR %d returned %d", i, value)
		}
	}
	for range pops {
		if err := e.rdb.RPush(bg, e.prefix+"list", "x").Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pops {
		if got := p.must(); len(got) != 2 || got[1] != "x" {
			t.Errorf("BLPOP returned %v", got)
		}
	}
}
