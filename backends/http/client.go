package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// ErrBodyTooLarge is reported by Fetch and Get for a response whose body is
// larger than [WithMaxBody] allows.
var ErrBodyTooLarge = errors.New("valet/http: the response's body is too large")

// Defaults of New.
const (
	DefaultMaxConns = 64
	DefaultMaxBody  = 16 << 20
)

// Client fetches. It is a small view; [Client.On] returns another.
type Client struct {
	a *adapter.Adapter
	*shared
}

// shared is what the views have in common.
type shared struct {
	c         *http.Client
	transport *http.Transport
	maxBody   int64
	life      context.Context // ends when the client is closed
	end       context.CancelFunc
}

// Option configures New.
type Option func(*settings)

type settings struct {
	client    *http.Client
	transport *http.Transport
	conns     int
	queue     int
	maxBody   int64
	calls     []adapter.Option
}

// WithTransport makes the client use a copy of t. If t has no DialContext, it
// gets one; if it has, that is left alone.
func WithTransport(t *http.Transport) Option {
	return func(s *settings) { s.transport = t }
}

// WithClient makes the client follow redirects, and keep cookies, as c does. c's
// transport is not used, nor its timeout: see [WithTransport] and [WithCalls].
func WithClient(c *http.Client) Option { return func(s *settings) { s.client = c } }

// WithMaxConns sets how many requests may run at once, and so how many
// connections there are, those of bodies that are streamed not counted: by
// default [DefaultMaxConns].
func WithMaxConns(n int) Option { return func(s *settings) { s.conns = n } }

// WithQueue sets how many requests may wait for that, beyond which they fail
// with [adapter.ErrOverloaded]: by default [adapter.DefaultQueue].
func WithQueue(n int) Option { return func(s *settings) { s.queue = n } }

// WithMaxBody sets how many bytes the body of a response may have that comes
// complete: by default [DefaultMaxBody].
func WithMaxBody(n int64) Option { return func(s *settings) { s.maxBody = n } }

// WithCalls sets how the client's calls behave: by [adapter.WithTimeout] and the
// like. What is not set is inherited from the adapter given to New.
func WithCalls(opts ...adapter.Option) Option {
	return func(s *settings) { s.calls = append(s.calls, opts...) }
}

// New returns a client with connections of its own. It reports options that
// cannot be.
func New(a *adapter.Adapter, opts ...Option) (*Client, error) {
	s := &settings{conns: DefaultMaxConns, queue: adapter.DefaultQueue, maxBody: DefaultMaxBody}
	for _, o := range opts {
		o(s)
	}
	switch {
	case s.conns < 1:
		return nil, fmt.Errorf("valet/http: WithMaxConns(%d): want 1 at least", s.conns)
	case s.queue < 0:
		return nil, fmt.Errorf("valet/http: WithQueue(%d): the bound cannot be negative", s.queue)
	case s.maxBody < 0:
		return nil, fmt.Errorf("valet/http: WithMaxBody(%d): the limit cannot be negative", s.maxBody)
	}
	t := s.transport
	if t == nil {
		t = defaultTransport(s.conns)
	} else {
		t = t.Clone()
	}
	if t.DialContext == nil {
		d := &fakesock.Dialer{Loop: a.Loop()}
		t.DialContext = d.DialContext
		t.ForceAttemptHTTP2 = true // which a dialer of one's own turns off
	}
	c := http.Client{}
	if s.client != nil {
		c = *s.client
	}
	c.Transport, c.Timeout = t, 0
	life, end := context.WithCancel(context.Background())
	b := a.Backend("http", append(s.calls, adapter.WithSlots(s.conns), adapter.WithQueue(s.queue))...)
	return &Client{b, &shared{&c, t, s.maxBody, life, end}}, nil
}

// defaultTransport is what http.DefaultTransport is, unless the program has put
// something else there.
func defaultTransport(conns int) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		MaxIdleConns:          conns,
		MaxIdleConnsPerHost:   conns,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// On returns a view of the same client whose callbacks run on exec, such as a
// front end's connection.
func (c *Client) On(exec loop.Executor) *Client {
	view := *c
	view.a = c.a.On(exec)
	return &view
}

// Unwrap returns the client of net/http, for bodies: its methods block.
func (c *Client) Unwrap() *http.Client { return c.c }

// Response is a response with all of its body.
type Response struct {
	*http.Response // whose Body is closed
	Body           []byte
}

// Fetch sends req and calls cb with the response, complete. A status such as 404
// is no error. req, which must not be changed before the callback, has the
// context: req.WithContext. Its Body is read, and closed, on a goroutine of the
// transport's.
func (c *Client) Fetch(req *http.Request, cb func(*Response, error)) *adapter.Call {
	return adapter.Go(req.Context(), c.a, func(ctx context.Context) (*Response, error) {
		ctx, stop := c.bound(ctx)
		defer stop()
		res, err := c.c.Do(req.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		body, err := readAll(res, c.maxBody)
		if err != nil {
			return nil, err
		}
		return &Response{res, body}, nil
	}, cb, name(req))
}

// bound returns a context that ends with ctx, with the client, and by stop. The
// second is for what the adapter cannot stop: it closes the connection that a
// body is parked on, but here a goroutine of the transport's is parked there.
func (c *Client) bound(ctx context.Context) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	leave := context.AfterFunc(c.life, func() { cancel(adapter.ErrClosed) })
	return ctx, func() {
		leave()
		cancel(nil)
	}
}

// name is how a call is listed.
func name(req *http.Request) adapter.CallOption {
	if req.Method == "" {
		return adapter.Name(http.MethodGet)
	}
	return adapter.Name(req.Method)
}

// firstRead is how much memory a server gets for a body that it only announces.
const firstRead = 1 << 20

// readAll reads a body that may have limit bytes.
func readAll(res *http.Response, limit int64) ([]byte, error) {
	if res.Request != nil && res.Request.Method == http.MethodHead {
		return []byte{}, nil // whatever the length
	}
	if res.ContentLength > limit {
		return nil, ErrBodyTooLarge
	}
	var b bytes.Buffer
	if n := min(res.ContentLength, firstRead); n > 0 {
		b.Grow(int(n) + bytes.MinRead) // so that the end is found without growing
	}
	if limit == math.MaxInt64 {
		limit--
	}
	n, err := b.ReadFrom(io.LimitReader(res.Body, limit+1))
	switch {
	case err != nil:
		return nil, err
	case n > limit:
		return nil, ErrBodyTooLarge
	}
	return b.Bytes(), nil
}

// Get is Fetch of a URL. One that is no good is reported to cb.
func (c *Client) Get(ctx context.Context, url string, cb func(*Response, error)) *adapter.Call {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return adapter.Go(ctx, c.a, func(context.Context) (*Response, error) { return nil, err }, cb, adapter.Name(http.MethodGet))
	}
	return c.Fetch(req, cb)
}

// Close refuses further requests, waits for those that run or wait, closes the
// client's connections, those of streams that are open with them, and then calls
// cb, which may be nil. When ctx ends first, the requests end with
// [adapter.ErrClosed]. It does not block.
func (c *Client) Close(ctx context.Context, cb func(error)) {
	c.a.Refuse()
	go func() {
		err := c.a.Close(ctx)
		c.end()
		c.transport.CloseIdleConnections()
		if cb != nil {
			adapter.Join(c.a, func(error) { cb(err) }) // of no calls: on the executor
		}
	}()
}
