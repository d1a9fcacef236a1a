package bus

import (
	"context"
	"net"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/cmd/internal/natsd"
	"github.com/valet-go/valet/cmd/internal/private"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// testBroker is a running server, and how to treat it.
type testBroker struct {
	url     string
	kill    func()
	restart func() error
	clients func(*testing.T) []string // the addresses of its clients
}

// brokers starts each of them.
var brokers = map[string]func(*testing.T) *testBroker{"NATS": startNATS, "Redis": startRedis}

func startNATS(t *testing.T) *testBroker {
	srv, err := natsd.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return &testBroker{
		url: "nats://" + srv.Addr(), kill: srv.Close, restart: srv.Restart,
		clients: func(t *testing.T) (addrs []string) {
			conns, err := srv.Last().Connz(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range conns.Conns {
				addrs = append(addrs, net.JoinHostPort(c.IP, strconv.Itoa(c.Port)))
			}
			return addrs
		},
	}
}

var clientAddr = regexp.MustCompile(` addr=(\S+)`)

func startRedis(t *testing.T) *testBroker {
	srv := private.RequireRedis(t)
	return &testBroker{
		url: "redis://" + srv.Addr(), kill: srv.Kill,
		restart: func() error { return srv.Restart(context.Background()) },
		clients: func(t *testing.T) (addrs []string) {
			var mine string // of the client that asks
			rdb := redis.NewClient(&redis.Options{
				Addr: srv.Addr(),
				Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
					c, err := new(net.Dialer).DialContext(ctx, network, addr)
					if err == nil {
						mine = c.LocalAddr().String()
					}
					return c, err
				},
			})
			defer rdb.Close()
			list, err := rdb.ClientList(t.Context()).Result()
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range clientAddr.FindAllStringSubmatch(list, -1) {
				if found[1] != mine {
					addrs = append(addrs, found[1])
				}
			}
			return addrs
		},
	}
}

// member is a bus, with a loop for its sockets and another for its callbacks.
type member struct {
	*Bus
	t      *testing.T
	ex     *loop.Loop
	events chan item // what was received, and marks
	panics atomic.Int32

	mu    sync.Mutex // guards conns
	conns []net.Conn // that were dialled
}

// join opens a bus, which the test closes.
func join(t *testing.T, url string, opts ...Option) *member {
	t.Helper()
	m := &member{t: t, events: make(chan item, 1<<16)}
	m.ex = m.startLoop()
	a := adapter.New(m.startLoop()).On(m.ex)
	opts = append([]Option{
		WithMissed(func() { m.got(item{missed: true}) }),
		func(o *options) { o.dialed = m.dialed },
	}, opts...)
	var err error
	m.Bus, err = Open(t.Context(), a, url, func(data []byte) { m.got(item{data: data}) }, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := m.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := a.Close(ctx); err != nil {
			t.Errorf("closing the adapter: %v", err)
		}
	})
	return m
}

func (m *member) startLoop() *loop.Loop {
	m.t.Helper()
	l, err := loop.Start(context.Background(), loop.WithWatchdog(patience), loop.WithPanicHandler(func(any, []byte) { m.panics.Add(1) }))
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { l.Close() })
	return l
}

// bad is a message for which receive panics.
const bad = "bad"

func (m *member) got(it item) {
	if !m.ex.OnLoop() {
		m.t.Error("a callback did not run on the executor")
	}
	if string(it.data) == bad {
		panic(bad)
	}
	m.events <- it
}

func (m *member) dialed(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns = append(m.conns, c)
	if _, ok := c.(*fakesock.Conn); !ok {
		m.t.Errorf("a connection is a %T", c)
	}
}

// addrs are the local addresses of what was dialled.
func (m *member) addrs() (addrs []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		addrs = append(addrs, c.LocalAddr().String())
	}
	return addrs
}

// start publishes a message, and returns where its error will come.
func (m *member) start(ctx context.Context, data string) <-chan error {
	came := make(chan error, 2)
	m.Publish(ctx, []byte(data), func(err error) {
		if !m.ex.OnLoop() {
			m.t.Error("a callback did not run on the executor")
		}
		came <- err
	})
	return came
}

// publish publishes a message and waits for the error.
func (m *member) publish(data string) error {
	m.t.Helper()
	return await(m.t, m.start(m.t.Context(), data))
}

// send publishes a message, which must succeed.
func (m *member) send(data string) {
	m.t.Helper()
	if err := m.publish(data); err != nil {
		m.t.Fatalf("publish: %v", err)
	}
}

// wants waits for messages, in this order, and nothing in between.
func (m *member) wants(messages ...string) {
	m.t.Helper()
	for _, want := range messages {
		if it := await(m.t, m.events); it.missed || string(it.data) != want {
			m.t.Fatalf("received %.40q, missed: %v; want %.40q", it.data, it.missed, want)
		}
	}
}

// wantsMissed waits for the mark.
func (m *member) wantsMissed() {
	m.t.Helper()
	if it := await(m.t, m.events); !it.missed {
		m.t.Fatalf("received %.40q; want to be told of missed messages", it.data)
	}
}

func await[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("nothing came in %v", patience)
		panic("unreachable")
	}
}

// eventually waits until a condition holds that nothing announces.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// subset reports whether all of a are in b.
func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}
