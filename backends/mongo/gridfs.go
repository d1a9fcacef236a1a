package mongo

import (
	"context"
	"io"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/adapter"
)

// file is what the streams of a bucket's files have in common. The driver's
// streams have a context of their own for all that they do, so a call that is
// cancelled ends the stream.
type file struct {
	a      *adapter.Adapter
	lane   *adapter.Lane
	end    context.CancelFunc
	failed error // of a body: after it the driver's stream would go on as if at its end
}

// opened is a body: it opens a stream whose life ctx does not bound once it is
// open.
func opened[S any](ctx context.Context, a *adapter.Adapter, lane *adapter.Lane, open func(context.Context) (S, error)) (f file, s S, err error) {
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // and without ctx's deadline
	stop := context.AfterFunc(ctx, end)
	s, err = open(life)
	stop()
	if err != nil {
		end()
		return f, s, err
	}
	if lane == nil {
		lane = new(adapter.Lane)
	}
	return file{a: a, lane: lane, end: end}, s, nil
}

// on starts a call on f.
func on[T any](ctx context.Context, f *file, name string, body func() (T, error), cb func(T, error)) *adapter.Call {
	return adapter.Go(ctx, f.a, func(ctx context.Context) (v T, err error) {
		if f.failed != nil {
			return v, f.failed
		}
		defer context.AfterFunc(ctx, f.end)()
		if v, err = body(); err != nil && err != io.EOF {
			f.failed = err
		}
		return v, err
	}, cb, adapter.Held(), adapter.In(f.lane), adapter.Name(name))
}

// release starts a call that ends f. A nil cb is allowed.
func (f *file) release(name string, body func() error, cb func(error)) *adapter.Call {
	return adapter.Go(context.Background(), f.a, func(context.Context) (struct{}, error) {
		defer f.end()
		return struct{}{}, body()
	}, errOnly(cb), adapter.Releasing(), adapter.In(f.lane), adapter.Name(name))
}

// GridFSDownloadStream is a file of a bucket that is being read. It must be
// closed. Its methods may be called from any goroutine, and none blocks; its
// calls take their turns, and take no slots.
type GridFSDownloadStream struct {
	file
	x *mongo.GridFSDownloadStream
}

// download starts the calls whose result is a stream to read from: a helper of
// what is generated.
func download(ctx context.Context, a *adapter.Adapter, _ *adapter.Lane, open func(context.Context) (*mongo.GridFSDownloadStream, error), cb func(*GridFSDownloadStream, error), opts ...adapter.CallOption) *adapter.Call {
	lane, a := laneOf(ctx, a)
	return adapter.Go(ctx, a, func(ctx context.Context) (*GridFSDownloadStream, error) {
		f, x, err := opened(ctx, a, lane, open)
		if err != nil {
			return nil, err
		}
		return &GridFSDownloadStream{f, x}, nil
	}, cb, inLane(lane), adapter.Options(opts...), adapter.OnDrop(func(v any) {
		s := v.(*GridFSDownloadStream)
		_ = s.x.Close()
		s.end()
	}))
}

// Read calls cb with the next bytes of the file, n at most, and fewer only at
// its end; after that with [io.EOF]. They belong to whoever gets them. If ctx
// ends first, so does the stream.
func (s *GridFSDownloadStream) Read(ctx context.Context, n int, cb func([]byte, error)) *adapter.Call {
	return on(ctx, &s.file, "Read", func() ([]byte, error) {
		p := make([]byte, n)
		n, err := s.x.Read(p)
		return p[:n], err
	}, cb)
}

// Skip is [mongo.GridFSDownloadStream.Skip].
func (s *GridFSDownloadStream) Skip(ctx context.Context, n int64, cb func(int64, error)) *adapter.Call {
	return on(ctx, &s.file, "Skip", func() (int64, error) { return s.x.Skip(n) }, cb)
}

// GetFile is [mongo.GridFSDownloadStream.GetFile], which does not block.
func (s *GridFSDownloadStream) GetFile() *mongo.GridFSFile { return s.x.GetFile() }

// Close is [mongo.GridFSDownloadStream.Close]. A nil cb is allowed.
func (s *GridFSDownloadStream) Close(cb func(error)) *adapter.Call {
	return s.release("Close", s.x.Close, cb)
}

// GridFSUploadStream is a file of a bucket that is being written. It must be
// closed, or aborted. Its methods may be called from any goroutine, and none
// blocks; its calls take their turns, and take no slots.
type GridFSUploadStream struct {
	file
	x *mongo.GridFSUploadStream

	asked atomic.Int64 // how many writes were started
	wrote int64        // how many of them ran; in bodies
}

// upload starts the calls whose result is a stream to write to: a helper of what
// is generated.
func upload(ctx context.Context, a *adapter.Adapter, _ *adapter.Lane, open func(context.Context) (*mongo.GridFSUploadStream, error), cb func(*GridFSUploadStream, error), opts ...adapter.CallOption) *adapter.Call {
	lane, a := laneOf(ctx, a)
	return adapter.Go(ctx, a, func(ctx context.Context) (*GridFSUploadStream, error) {
		f, x, err := opened(ctx, a, lane, open)
		if err != nil {
			return nil, err
		}
		return &GridFSUploadStream{file: f, x: x}, nil
	}, cb, inLane(lane), adapter.Options(opts...), adapter.OnDrop(func(s any) {
		s.(*GridFSUploadStream).end() // nothing has been written
	}))
}

// FileID returns the file's _id.
func (s *GridFSUploadStream) FileID() any { return s.x.FileID }

// Write is [mongo.GridFSUploadStream.Write]. p is read on another goroutine, and
// must not be changed before the callback. The driver sends 16 MiB at once. If ctx ends
// first, so does the stream: what was sent is removed by [GridFSBucket.Delete].
func (s *GridFSUploadStream) Write(ctx context.Context, p []byte, cb func(int, error)) *adapter.Call {
	s.asked.Add(1)
	return on(ctx, &s.file, "Write", func() (int, error) {
		s.wrote++
		return s.x.Write(p)
	}, cb)
}

// Close is [mongo.GridFSUploadStream.Close]: it sends the rest, and makes the
// file appear, unless a Write before it was cancelled: then it fails. A nil cb is
// allowed.
func (s *GridFSUploadStream) Close(cb func(error)) *adapter.Call {
	asked := s.asked.Load()
	return s.release("Close", func() error {
		if s.wrote != asked { // the file would have a gap
			s.end()
		}
		return s.x.Close()
	}, cb)
}

// Abort is [mongo.GridFSUploadStream.Abort]: it removes what was sent. A nil cb
// is allowed.
func (s *GridFSUploadStream) Abort(cb func(error)) *adapter.Call {
	return s.release("Abort", s.x.Abort, cb)
}
