package syncmongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/adapter"
	asyncmongo "github.com/valet-go/valet/backends/mongo"
)

// GridFSDownloadStream has the methods of [mongo.GridFSDownloadStream], which
// run through callbacks. One goroutine at a time may use it.
type GridFSDownloadStream struct {
	x   *asyncmongo.GridFSDownloadStream
	ctx context.Context // of the opening: it bounds the stream
}

// download makes the results of the methods that open a file for reading.
func download(ctx context.Context, start func(cb func(*asyncmongo.GridFSDownloadStream, error))) (*GridFSDownloadStream, error) {
	x, err := adapter.Wait(start)
	if err != nil {
		return nil, err
	}
	return &GridFSDownloadStream{x, ctx}, nil
}

// Read is [mongo.GridFSDownloadStream.Read].
func (ds *GridFSDownloadStream) Read(p []byte) (int, error) {
	got, err := adapter.Wait(func(cb func([]byte, error)) { ds.x.Read(ds.ctx, len(p), cb) })
	return copy(p, got), err
}

// Skip is [mongo.GridFSDownloadStream.Skip].
func (ds *GridFSDownloadStream) Skip(skip int64) (int64, error) {
	return adapter.Wait(func(cb func(int64, error)) { ds.x.Skip(ds.ctx, skip, cb) })
}

// GetFile is [mongo.GridFSDownloadStream.GetFile].
func (ds *GridFSDownloadStream) GetFile() *mongo.GridFSFile { return ds.x.GetFile() }

// Close is [mongo.GridFSDownloadStream.Close].
func (ds *GridFSDownloadStream) Close() error {
	return adapter.WaitErr(func(cb func(error)) { ds.x.Close(cb) })
}

// GridFSUploadStream has the methods of [mongo.GridFSUploadStream], which run
// through callbacks. One goroutine at a time may use it.
type GridFSUploadStream struct {
	// FileID is the file's _id.
	FileID any

	x   *asyncmongo.GridFSUploadStream
	ctx context.Context // of the opening: it bounds the stream
}

// upload makes the results of the methods that open a file for writing.
func upload(ctx context.Context, start func(cb func(*asyncmongo.GridFSUploadStream, error))) (*GridFSUploadStream, error) {
	x, err := adapter.Wait(start)
	if err != nil {
		return nil, err
	}
	return &GridFSUploadStream{x.FileID(), x, ctx}, nil
}

// Write is [mongo.GridFSUploadStream.Write].
func (us *GridFSUploadStream) Write(p []byte) (int, error) {
	return adapter.Wait(func(cb func(int, error)) { us.x.Write(us.ctx, p, cb) })
}

// Close is [mongo.GridFSUploadStream.Close].
func (us *GridFSUploadStream) Close() error {
	return adapter.WaitErr(func(cb func(error)) { us.x.Close(cb) })
}

// Abort is [mongo.GridFSUploadStream.Abort].
func (us *GridFSUploadStream) Abort() error {
	return adapter.WaitErr(func(cb func(error)) { us.x.Abort(cb) })
}
