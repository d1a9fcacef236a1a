package http_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/valet-go/valet/adapter"
	valethttp "github.com/valet-go/valet/backends/http"
)

func next(s *valethttp.Streamed, ctx context.Context) ([][]byte, error) {
	return adapter.Wait(func(cb func([][]byte, error)) { s.Next(ctx, cb) })
}

func TestStream(t *testing.T) {
	onSites(t, func(t *testing.T, s *site, c *valethttp.Client) {
		st, err := stream(c, request(t, http.MethodGet, s.URL+"/large", nil))
		if err != nil {
			t.Fatal(err)
		}
		if st.StatusCode != 200 {
			t.Error(st.Status)
		}
		var got bytes.Buffer
		pieces := 0
		err = adapter.WaitErr(func(cb func(error)) {
			st.Each(bg, func(p []byte) error {
				pieces++
				got.Write(p)
				return nil
			}, cb)
		})
		if err != nil || !bytes.Equal(got.Bytes(), large) || pieces < 2 {
			t.Errorf("%d bytes in %d pieces, %v", got.Len(), pieces, err)
		}
		if _, err := next(st, bg); err != adapter.ErrClosed && err != io.EOF {
			t.Errorf("behind the end: %v", err)
		}
		if res, err := get(c, s.URL+"/echo"); err != nil || string(res.Body) != "GET " {
			t.Errorf("the next request: %v, %v", res, err)
		}
	})
}

func TestStreamClosedEarly(t *testing.T) {
	onSites(t, func(t *testing.T, s *site, c *valethttp.Client) {
		st, err := stream(c, request(t, http.MethodGet, s.URL+"/stuck", nil))
		if err != nil {
			t.Fatal(err)
		}
		if p, err := next(st, bg); err != nil || string(p[0]) != "a piece" {
			t.Errorf("%q, %v", p, err)
		}
		if err := adapter.WaitErr(func(cb func(error)) { st.Close(cb) }); err != nil {
			t.Error(err)
		}
		await(t, "that the server notices", s.left)
	})
}

// TestStreamStoppedByItem ends a stream from within.
func TestStreamStoppedByItem(t *testing.T) {
	s := newSite(t, plain)
	c := newClient(t)
	st, err := stream(c, request(t, http.MethodGet, s.URL+"/large", nil))
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	err = adapter.WaitErr(func(cb func(error)) { st.Each(bg, func([]byte) error { return enough }, cb) })
	if err != enough {
		t.Error(err)
	}
}

// TestStreamCancelled ends the context of the request, which is for the
// header, and then that of a read.
func TestStreamCancelled(t *testing.T) {
	onSites(t, func(t *testing.T, s *site, c *valethttp.Client) {
		ctx, cancel := context.WithCancel(bg)
		st, err := stream(c, request(t, http.MethodGet, s.URL+"/stuck", nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if p, err := next(st, bg); err != nil || string(p[0]) != "a piece" {
			t.Fatalf("%q, %v", p, err)
		}
		await(t, "the rest", s.waits)
		// A read that has not begun when it is cancelled ends nothing.
		for noticed := false; !noticed; {
			ctx, cancel := context.WithCancel(bg)
			ended := make(chan error, 1)
			st.Next(ctx, func(_ [][]byte, err error) { ended <- err })
			if _, err := get(c, s.URL+"/echo"); err != nil { // meanwhile it begins
				t.Fatal(err)
			}
			cancel()
			if err := await(t, "the end", ended); !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			select {
			case <-s.left:
				noticed = true
			default:
			}
		}
	})
}

// TestStreamDropped cancels a request while its header comes: with the policy
// Abandon the response comes all the same, to nobody, and is closed.
func TestStreamDropped(t *testing.T) {
	s := newSite(t, plain)
	c := newClient(t, valethttp.WithCalls(adapter.WithCancel(adapter.Abandon)))
	ctx, cancel := context.WithCancel(bg)
	ended := make(chan error, 1)
	c.Stream(request(t, http.MethodGet, s.URL+"/wait", nil).WithContext(ctx), func(_ *valethttp.Streamed, err error) { ended <- err })
	await(t, "the request", s.waits)
	cancel()
	if err := await(t, "the end", ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(s.free)
}

func TestCloseEndsStreams(t *testing.T) {
	s := newSite(t, plain)
	c := newClient(t)
	st, err := stream(c, request(t, http.MethodGet, s.URL+"/stuck", nil))
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the request", s.waits)
	if err := adapter.WaitErr(func(cb func(error)) { c.Close(bg, cb) }); err != nil {
		t.Error(err)
	}
	await(t, "that the server notices", s.left)
	for err = nil; err == nil; { // what had come may still be read
		_, err = next(st, bg)
	}
	if !errors.Is(err, adapter.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestStreamFails(t *testing.T) {
	s := newSite(t, plain)
	c := newClient(t)
	if st, err := stream(c, request(t, http.MethodGet, "http://127.0.0.1:0/", nil)); st != nil || err == nil {
		t.Errorf("%v, %v", st, err)
	}
	st, err := stream(c, request(t, http.MethodGet, s.URL+"/short", nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = adapter.Wait(func(cb func([][]byte, error)) { st.Collect(bg, 0, cb) })
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}
