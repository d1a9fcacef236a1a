package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/cmd/internal/private"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// redisTests run the unmodified go-redis against every server, over the fake
// socket.
var redisTests = []struct {
	name string
	run  func(*testing.T, *redisEnv)
}{
	{"values are set and read", testRedisValues},
	{"a call reads with a callback", testRedisCall},
	{"a pipeline's replies come in order", testRedisPipeline},
	{"what is published is received", testRedisPubSub},
	{"BLPOP waits for a value, its timeout or its context", testRedisBLPop},
	{"200 goroutines share 8 connections", testRedisPool},
}

func TestRedis(t *testing.T) { runRedis(t, private.RequireRedis(t).Addr()) }

func TestMiniredis(t *testing.T) { runRedis(t, miniredis.RunT(t).Addr()) }

func runRedis(t *testing.T, addr string) {
	for _, test := range redisTests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newRedisEnv(t, addr, &redis.Options{PoolSize: 8})) })
	}
}

// redisEnv is an env with a client and a prefix for keys.
type redisEnv struct {
	*env
	rdb    *redis.Client
	dialer *countingDialer
	prefix string
}

// newRedisEnv completes opts. Commands are not tried again, so that each error
// is seen.
func newRedisEnv(t testing.TB, addr string, opts *redis.Options) *redisEnv {
	t.Helper()
	e := newEnv(t)
	d := &countingDialer{d: &fakesock.Dialer{Loop: e.l}}
	opts.Addr, opts.Dialer = addr, d.DialContext
	opts.MaxRetries, opts.ContextTimeoutEnabled = -1, true
	rdb := redis.NewClient(opts)
	t.Cleanup(func() {
		if err := rdb.Close(); err != nil {
			t.Error(err)
		}
		d.wantFake(t)
	})
	return &redisEnv{e, rdb, d, fmt.Sprintf("k%d-", tables.Add(1))}
}

func testRedisValues(t *testing.T, e *redisEnv) {
	large := strings.Repeat("valet ", 1<<18) // many times what the loop moves at once
	for key, value := range map[string]string{"small": "Ada", "empty": "", "large": large} {
		if err := e.rdb.Set(bg, e.prefix+key, value, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if got, err := e.rdb.Get(bg, e.prefix+key).Result(); err != nil || got != value {
			t.Errorf("%s: got %d bytes, %v; want %d", key, len(got), err, len(value))
		}
	}
	if err := e.rdb.Get(bg, e.prefix+"none").Err(); err != redis.Nil {
		t.Errorf("no value: %v", err)
	}
}

func testRedisCall(t *testing.T, e *redisEnv) {
	got := must(e.env, func(cb func(string, error)) *adapter.Call {
		return adapter.Go(bg, e.a, func(ctx context.Context) (string, error) {
			if err := e.rdb.Set(ctx, e.prefix+"k", "v", 0).Err(); err != nil {
				return "", err
			}
			return e.rdb.Get(ctx, e.prefix+"k").Result()
		}, cb)
	})
	if got != "v" {
		t.Errorf("got %q", got)
	}
	begin(e.env, func(cb func(string, error)) *adapter.Call {
		return adapter.Go(bg, e.a, func(ctx context.Context) (string, error) {
			return e.rdb.Get(ctx, e.prefix+"none").Result()
		}, cb)
	}).failsWith(redis.Nil)
}

func testRedisPipeline(t *testing.T, e *redisEnv) {
	const n = 500
	for how, pipelined := range map[string]func(context.Context, func(redis.Pipeliner) error) ([]redis.Cmder, error){
		"plain": e.rdb.Pipelined, "MULTI": e.rdb.TxPipelined,
	} {
		replies, err := pipelined(bg, func(p redis.Pipeliner) error {
			for range n {
				p.Incr(bg, e.prefix+how)
			}
			return nil
		})
		if err != nil || len(replies) != n {
			t.Fatalf("%s: %d replies, %v; want %d", how, len(replies), err, n)
		}
		for i, r := range replies {
			if got := r.(*redis.IntCmd).Val(); got != int64(i+1) {
				t.Fatalf("%s: reply %d is %d", how, i, got)
			}
		}
	}
}

func testRedisPubSub(t *testing.T, e *redisEnv) {
	sub := e.rdb.Subscribe(bg, e.prefix)
	defer sub.Close()
	if _, err := sub.Receive(bg); err != nil { // that it is subscribed
		t.Fatal(err)
	}
	messages := sub.Channel()
	for i := range 20 {
		if err := e.rdb.Publish(bg, e.prefix, i).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		if m := await(t, messages); m.Payload != fmt.Sprint(i) {
			t.Errorf("message %d is %q", i, m.Payload)
		}
	}
}

func testRedisBLPop(t *testing.T, e *redisEnv) {
	popped := make(chan error, 1)
	go func() {
		got, err := e.rdb.BLPop(bg, 0, e.prefix+"a").Result()
		if err == nil && got[1] != "x" {
			err = fmt.Errorf("got %q", got)
		}
		popped <- err
	}()
	if err := e.rdb.LPush(bg, e.prefix+"a", "x").Err(); err != nil {
		t.Fatal(err)
	}
	if err := await(t, popped); err != nil {
		t.Error(err)
	}
	if err := e.rdb.BLPop(bg, time.Second, e.prefix+"b").Err(); err != redis.Nil {
		t.Errorf("its timeout: %v", err)
	}
	ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
	defer cancel()
	var timeout net.Error
	if err := e.rdb.BLPop(ctx, 0, e.prefix+"c").Err(); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("its context: %v", err)
	}
}

func testRedisPool(t *testing.T, e *redisEnv) {
	const goroutines, each = 200, 10
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range each {
				if err := e.rdb.Incr(bg, e.prefix).Err(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n, err := e.rdb.Get(bg, e.prefix).Int(); err != nil || n != goroutines*each {
		t.Errorf("counted %d, %v; want %d", n, err, goroutines*each)
	}
	if n := len(e.dialer.dialled()); n > 8 {
		t.Errorf("%d connections were dialled for a pool of 8", n)
	}
}

func TestRedisFaults(t *testing.T) {
	srv := private.RequireRedis(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *private.Server)
	}{
		{"a server killed in the middle is reported, and a restarted one found", testRedisKilled},
		{"a connection that the server closed is not used again", testRedisServerCloses},
		{"a stopped server is given up at the deadline", testRedisStopped},
		{"a loop closed under the client ends what waits", testRedisLoopClosed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, srv) })
	}
}

// popping starts BLPOPs that get nothing, and waits until the server has them.
func (e *redisEnv) popping(n int) chan error {
	e.t.Helper()
	ended := make(chan error, n)
	for range n {
		go func() { ended <- e.rdb.BLPop(bg, 0, e.prefix+"none").Err() }()
	}
	eventually(e.t, "the server waits", func() bool {
		info, err := e.rdb.InfoMap(bg, "clients").Result()
		if err != nil {
			e.t.Fatal(err)
		}
		return info["Clients"]["blocked_clients"] == fmt.Sprint(n)
	})
	return ended
}

func testRedisKilled(t *testing.T, srv *private.Server) {
	e := newRedisEnv(t, srv.Addr(), &redis.Options{PoolSize: 8})
	ended := e.popping(5)
	srv.Kill()
	for range 5 {
		var op *net.OpError
		if err := await(t, ended); err != io.EOF && !errors.As(err, &op) {
			t.Errorf("BLPOP: %v", err)
		}
	}
	if err := e.rdb.Ping(bg).Err(); err == nil {
		t.Error("a killed server answers")
	}
	if err := srv.Restart(bg); err != nil {
		t.Fatal(err)
	}
	if err := e.rdb.Ping(bg).Err(); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

func testRedisServerCloses(t *testing.T, srv *private.Server) {
	e := newRedisEnv(t, srv.Addr(), &redis.Options{PoolSize: 1})
	other := newRedisEnv(t, srv.Addr(), &redis.Options{PoolSize: 1})
	for range 20 {
		id, err := e.rdb.ClientID(bg).Result()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := other.rdb.ClientKillByFilter(bg, "ID", fmt.Sprint(id)).Result(); err != nil || n != 1 {
			t.Fatalf("killed %d connections, %v", n, err)
		}
		now, err := e.rdb.ClientID(bg).Result()
		if err != nil || now == id {
			t.Fatalf("connection %d, then %d: %v", id, now, err)
		}
	}
	if n := e.rdb.PoolStats().StaleConns; n != 20 {
		t.Errorf("the health check noticed %d closed connections, want 20", n)
	}
}

func testRedisStopped(t *testing.T, srv *private.Server) {
	e := newRedisEnv(t, srv.Addr(), &redis.Options{PoolSize: 2})
	if err := srv.Pause(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system cannot stop a process")
	} else if err != nil {
		t.Fatal(err)
	}
	defer srv.Resume()
	var err error
	eventually(t, "the server stands still", func() bool {
		ctx, cancel := context.WithTimeout(bg, 100*time.Millisecond)
		defer cancel()
		err = e.rdb.Ping(ctx).Err()
		return err != nil
	})
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("got %v, want a timeout", err)
	}
	if err := srv.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := e.rdb.Ping(bg).Err(); err != nil {
		t.Errorf("after it goes on: %v", err)
	}
}

func testRedisLoopClosed(t *testing.T, srv *private.Server) {
	e := newRedisEnv(t, srv.Addr(), &redis.Options{PoolSize: 4})
	ended := e.popping(2)
	if err := e.l.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := await(t, ended); !errors.Is(err, loop.ErrClosed) {
			t.Errorf("BLPOP: %v, want %v", err, loop.ErrClosed)
		}
	}
	// Only what has to wait needs the loop.
	if err := e.rdb.BLPop(bg, 0, e.prefix+"none").Err(); !errors.Is(err, loop.ErrClosed) {
		t.Errorf("BLPOP on a closed loop: %v, want %v", err, loop.ErrClosed)
	}
}
