package http_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	valethttp "github.com/valet-go/valet/backends/http"
	"github.com/valet-go/valet/loop"
)

func TestFetch(t *testing.T) {
	protos := map[string]string{"plain": "HTTP/1.1", "TLS": "HTTP/1.1", "HTTP2": "HTTP/2.0"}
	onSites(t, func(t *testing.T, s *site, c *valethttp.Client) {
		want := protos[t.Name()[strings.LastIndex(t.Name(), "/")+1:]]
		for range 3 {
			res, err := fetch(c, request(t, http.MethodPost, s.URL+"/echo", strings.NewReader("body")))
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != 200 || string(res.Body) != "POST body" || res.Header.Get("X-Proto") != want {
				t.Errorf("%d %q over %s; want %s", res.StatusCode, res.Body, res.Header.Get("X-Proto"), want)
			}
		}
		res, err := get(c, s.URL+"/large")
		if err != nil || !bytes.Equal(res.Body, large) {
			t.Errorf("large: %v", err)
		}
		res, err = get(c, s.URL+"/missing")
		if err != nil || res.StatusCode != http.StatusNotFound {
			t.Errorf("missing: %v", err)
		}
		if _, err = get(c, s.URL+"/short"); err == nil {
			t.Error("a body that breaks off is no error")
		}
	})
}

func TestCallbacksRunOnTheExecutor(t *testing.T) {
	s := newSite(t, plain)
	a := newAdapter(t)
	c, err := valethttp.New(a)
	if err != nil {
		t.Fatal(err)
	}
	onLoop := make(chan bool, 1)
	c.Get(bg, s.URL+"/echo", func(*valethttp.Response, error) { onLoop <- a.Loop().OnLoop() })
	if !await(t, "the callback", onLoop) {
		t.Error("it did not run on the loop")
	}
	m := new(adapter.Manual)
	ran := false
	c.On(m).Get(bg, s.URL+"/echo", func(res *valethttp.Response, err error) {
		ran = true
		if err != nil || string(res.Body) != "GET " {
			t.Errorf("%v, %v", res, err)
		}
	})
	if err := m.Wait(bg); err != nil {
		t.Fatal(err)
	}
	if m.Run(); !ran {
		t.Error("it did not run on the executor that was given")
	}
	if err := adapter.WaitErr(func(cb func(error)) { c.Close(bg, cb) }); err != nil {
		t.Error(err)
	}
}

func TestRedirects(t *testing.T) {
	s := newSite(t, plain)
	c := newClient(t)
	res, err := get(c, s.URL+"/from")
	if err != nil || string(res.Body) != "GET " || res.Request.URL.Path != "/echo" {
		t.Errorf("%v, %v", res, err)
	}
	if _, err = get(c, s.URL+"/round"); err == nil || !strings.Contains(err.Error(), "10 redirects") {
		t.Errorf("going round: %v", err)
	}
	stays := newClient(t, valethttp.WithClient(&http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
	if res, err = get(stays, s.URL+"/from"); err != nil || res.StatusCode != http.StatusFound {
		t.Errorf("not to be followed: %v, %v", res, err)
	}
}

func TestMaxBody(t *testing.T) {
	s := newSite(t, plain)
	for _, path := range []string{"/length", "/chunks"} {
		for limit, fits := range map[int64]bool{0: false, 999: false, 1000: true, 1001: true, math.MaxInt64: true} {
			c := newClient(t, valethttp.WithMaxBody(limit))
			res, err := get(c, s.URL+path)
			switch {
			case fits && (err != nil || len(res.Body) != 1000):
				t.Errorf("%s with %d: %v, %v", path, limit, res, err)
			case !fits && !errors.Is(err, valethttp.ErrBodyTooLarge):
				t.Errorf("%s with %d: %v", path, limit, err)
			}
		}
	}
	c := newClient(t, valethttp.WithMaxBody(10))
	res, err := fetch(c, request(t, http.MethodHead, s.URL+"/length", nil))
	if err != nil || res.ContentLength != 1000 || len(res.Body) != 0 {
		t.Errorf("HEAD: %v, %v", res, err)
	}
}

func TestBadOptions(t *testing.T) {
	a := newAdapter(t)
	for name, o := range map[string]valethttp.Option{
		"no connections":   valethttp.WithMaxConns(0),
		"a negative queue": valethttp.WithQueue(-1),
		"a negative limit": valethttp.WithMaxBody(-1),
	} {
		if c, err := valethttp.New(a, o); c != nil || err == nil {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
	c := newClient(t, valethttp.WithClient(nil), valethttp.WithTransport(nil), valethttp.WithQueue(0))
	if c.Unwrap() == nil {
		t.Error("no client")
	}
}

func TestWhatCannotBeAsked(t *testing.T) {
	c := newClient(t)
	for _, bad := range []string{"http://a b/", "://", "ftp://127.0.0.1/", "http:///", "http://127.0.0.1:0/"} {
		if res, err := get(c, bad); res != nil || err == nil {
			t.Errorf("%s: %v, %v", bad, res, err)
		}
	}
	_, err := get(c, "http://a b/")
	if e := new(url.Error); !errors.As(err, &e) {
		t.Errorf("%v is not what net/http reports", err)
	}
}

// TestCancel ends requests that wait for the header, and for the body.
func TestCancel(t *testing.T) {
	for _, policy := range []adapter.CancelPolicy{adapter.Close, adapter.Kill, adapter.Abandon} {
		for _, path := range []string{"/wait", "/stuck"} {
			t.Run(policy.String()+path, func(t *testing.T) {
				s := newSite(t, plain)
				c := newClient(t, valethttp.WithCalls(adapter.WithCancel(policy), adapter.WithGrace(time.Hour)))
				ctx, cancel := context.WithCancel(bg)
				defer cancel()
				ended := make(chan error, 1)
				c.Get(ctx, s.URL+path, func(_ *valethttp.Response, err error) { ended <- err })
				await(t, "the request", s.waits)
				cancel()
				if err := await(t, "the end", ended); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				if policy != adapter.Abandon {
					await(t, "that the server notices", s.left)
				}
				close(s.free)
			})
		}
	}
}

func TestTimeout(t *testing.T) {
	s := newSite(t, plain)
	c := newClient(t, valethttp.WithCalls(adapter.WithTimeout(20*time.Millisecond)))
	if _, err := get(c, s.URL+"/wait"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestSlots has as many requests run as may, and wait as may.
func TestSlots(t *testing.T) {
	s := newSite(t, plain)
	c := newClient(t, valethttp.WithMaxConns(2), valethttp.WithQueue(1))
	ended := make(chan error, 3)
	for range 3 {
		c.Get(bg, s.URL+"/wait", func(_ *valethttp.Response, err error) { ended <- err })
	}
	await(t, "a request", s.waits)
	await(t, "a request", s.waits)
	if _, err := get(c, s.URL+"/echo"); !errors.Is(err, adapter.ErrOverloaded) {
		t.Errorf("got %v", err)
	}
	close(s.free)
	for range 3 {
		if err := await(t, "the end", ended); err != nil {
			t.Error(err)
		}
	}
}

func TestClose(t *testing.T) {
	t.Run("waits", func(t *testing.T) {
		s := newSite(t, plain)
		c := newClient(t)
		got := make(chan error, 2)
		c.Get(bg, s.URL+"/wait", func(_ *valethttp.Response, err error) { got <- err })
		await(t, "the request", s.waits)
		closed := make(chan error, 1)
		c.Close(bg, func(err error) { closed <- err })
		if _, err := get(c, s.URL+"/echo"); !errors.Is(err, adapter.ErrClosed) {
			t.Errorf("a request after Close: %v", err)
		}
		close(s.free)
		if err := await(t, "the answer", got); err != nil {
			t.Error(err)
		}
		if err := await(t, "the end of Close", closed); err != nil {
			t.Error(err)
		}
		c.Close(bg, nil) // again, for nobody
	})
	for _, policy := range []adapter.CancelPolicy{adapter.Close, adapter.Abandon} {
		t.Run("out of patience, "+policy.String(), func(t *testing.T) {
			s := newSite(t, plain)
			c, err := valethttp.New(newAdapter(t), valethttp.WithCalls(adapter.WithCancel(policy), adapter.WithGrace(time.Hour)))
			if err != nil {
				t.Fatal(err)
			}
			got := make(chan error, 2)
			given, giveUp := context.WithCancel(bg)
			c.Get(bg, s.URL+"/wait", func(_ *valethttp.Response, err error) { got <- err })
			c.Get(given, s.URL+"/stuck", func(_ *valethttp.Response, err error) { got <- err })
			await(t, "a request", s.waits)
			await(t, "a request", s.waits)
			giveUp()
			if err := await(t, "the end of one", got); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			ctx, cancel := context.WithCancel(bg)
			cancel()
			if err := adapter.WaitErr(func(cb func(error)) { c.Close(ctx, cb) }); !errors.Is(err, context.Canceled) {
				t.Errorf("Close: %v", err)
			}
			if err := await(t, "the end of the other", got); !errors.Is(err, adapter.ErrClosed) {
				t.Errorf("got %v", err)
			}
			await(t, "that the server notices", s.left) // with no policy is one left behind
			await(t, "that the server notices", s.left)
		})
	}
}

func TestAClosedExecutor(t *testing.T) {
	s := newSite(t, plain)
	c := newClient(t)
	m := new(adapter.Manual)
	m.Close()
	call := c.On(m).Get(bg, s.URL+"/echo", func(*valethttp.Response, error) { t.Error("called back") })
	await(t, "the end", call.Done())
	if err := m.Post(func() {}); !errors.Is(err, loop.ErrClosed) {
		t.Error(err)
	}
}
