package http

import (
	"context"
	"io"
	"net/http"

	"github.com/valet-go/valet/adapter"
)

// pieceBytes is how much of a body comes at once, at most.
const pieceBytes = 64 << 10

// Streamed is a response whose body comes in pieces, in order; see
// [adapter.Stream] for Next, Each, Collect and Close. It must be read to its end
// or closed, and holds a connection until then. The pieces belong to whoever
// gets them.
type Streamed struct {
	*http.Response // whose Body must not be used
	*adapter.Stream[[]byte]
}

// Close is [adapter.Stream.Close]: [net/http.Response] has a Close, too.
func (s *Streamed) Close(cb func(error)) *adapter.Call { return s.Stream.Close(cb) }

// Stream sends req and calls cb once the header of the response has come. req's
// context bounds that, not the reading of the body. There is no limit to the
// body, and it takes no slot. If the context of a read that runs ends,
// so does the stream.
func (c *Client) Stream(req *http.Request, cb func(*Streamed, error)) *adapter.Call {
	return adapter.Go(req.Context(), c.a, func(ctx context.Context) (*Streamed, error) {
		// The body's context does not end once that has returned.
		life, end := c.bound(ctx)
		res, err := c.c.Do(req.WithContext(life))
		if err != nil {
			end()
			return nil, err
		}
		stop := func() error {
			defer end()
			return res.Body.Close()
		}
		fetch := func(ctx context.Context) ([][]byte, error) {
			defer context.AfterFunc(ctx, end)()
			p := make([]byte, pieceBytes)
			n, err := readSome(res.Body, p)
			switch {
			case n > 0:
				return [][]byte{p[:n:n]}, nil
			case err == io.EOF:
				return nil, nil
			}
			return nil, err
		}
		return &Streamed{res, adapter.NewStream(c.a, nil, fetch, stop)}, nil
	}, cb, name(req), adapter.OnDrop(func(v any) { v.(*Streamed).Close(nil) }))
}

// readSome is Read, but until there is something.
func readSome(r io.Reader, p []byte) (n int, err error) {
	for n == 0 && err == nil {
		n, err = r.Read(p)
	}
	return n, err
}
