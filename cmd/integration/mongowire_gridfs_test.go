package integration

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

func TestMongoFiles(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *wireEnv)
	}{
		{"what was written is read, skipped and aborted", testMongoFile},
		{"the deadline of the opening does not bound the file", testMongoFileDeadline},
		{"a cancelled read ends the file, and not as if it were short", testMongoFileReadCancelled},
		{"a cancelled write ends the file", testMongoFileWriteCancelled},
		{"a file that nobody wants any more is closed", testMongoFileDropped},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newWireEnv(t, 1)) })
	}
}

// chunk is the size of the parts of files here. A file of some hundreds is read
// in several batches.
const chunk = 1 << 10

// bucket is one with small chunks.
func (w *wireEnv) bucket() *mongo.GridFSBucket {
	return w.client.Database("valet").GridFSBucket(options.GridFSBucket().SetChunkSizeBytes(chunk))
}

func content(n int) []byte {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}

func (w *wireEnv) upload(b *mongo.GridFSBucket, name string) *mongo.GridFSUploadStream {
	w.t.Helper()
	return must(w.env, func(cb func(*mongo.GridFSUploadStream, error)) *adapter.Call {
		return b.OpenUploadStream(bg, name, cb)
	})
}

func (w *wireEnv) write(ctx context.Context, up *mongo.GridFSUploadStream, p []byte) *pending[int] {
	return begin(w.env, func(cb func(int, error)) *adapter.Call { return up.Write(ctx, p, cb) })
}

// file makes one and returns its id.
func (w *wireEnv) file(b *mongo.GridFSBucket, data []byte) any {
	w.t.Helper()
	up := w.upload(b, "file")
	for from := 0; from < len(data); from += 3000 {
		w.write(bg, up, data[from:min(from+3000, len(data))]).must()
	}
	must(w.env, void(up.Close))
	return up.FileID()
}

func (w *wireEnv) download(ctx context.Context, b *mongo.GridFSBucket, id any) *pending[*mongo.GridFSDownloadStream] {
	return begin(w.env, func(cb func(*mongo.GridFSDownloadStream, error)) *adapter.Call {
		return b.OpenDownloadStream(ctx, id, cb)
	})
}

func (w *wireEnv) read(ctx context.Context, down *mongo.GridFSDownloadStream, n int) *pending[[]byte] {
	return begin(w.env, func(cb func([]byte, error)) *adapter.Call { return down.Read(ctx, n, cb) })
}

func (w *wireEnv) chunks(b *mongo.GridFSBucket) int64 {
	w.t.Helper()
	return must(w.env, func(cb func(int64, error)) *adapter.Call {
		return b.GetChunksCollection().CountDocuments(bg, bson.M{}, cb)
	})
}

func testMongoFile(t *testing.T, w *wireEnv) {
	b, data := w.bucket(), content(300*chunk+77)
	id := w.file(b, data)
	down := w.download(bg, b, id).must()
	if f := down.GetFile(); f.Length != int64(len(data)) {
		t.Errorf("the file has %d bytes, want %d", f.Length, len(data))
	}
	var got []byte
	for n := 1; ; n = n*2 + 1 {
		p, err := w.read(bg, down, n).wait()
		got = append(got, p...)
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, not the %d that were written", len(got), len(data))
	}
	w.read(bg, down, 1).failsWith(io.EOF)
	must(w.env, void(down.Close))
	w.read(bg, down, 1).failsWith(driver.ErrStreamClosed)

	down = w.download(bg, b, id).must()
	skip := begin(w.env, func(cb func(int64, error)) *adapter.Call { return down.Skip(bg, 150*chunk+5, cb) })
	rest := w.read(bg, down, 100) // takes its turn
	if n := skip.must(); n != 150*chunk+5 {
		t.Errorf("skipped %d bytes", n)
	}
	if p := rest.must(); !bytes.Equal(p, data[150*chunk+5:150*chunk+105]) {
		t.Error("after Skip there is something else")
	}
	must(w.env, void(down.Close)) // in the midst

	before := w.chunks(b)
	up := w.upload(b, "aborted")
	w.write(bg, up, data).must()
	must(w.env, void(up.Abort))
	w.write(bg, up, data).failsWith(driver.ErrStreamClosed)
	if n := w.chunks(b); n != before {
		t.Errorf("there are %d chunks after Abort, want %d", n, before)
	}
	w.download(bg, b, up.FileID()).failsWith(driver.ErrFileNotFound)
}

func testMongoFileDeadline(t *testing.T, w *wireEnv) {
	b, data := w.bucket(), content(200*chunk)
	id := w.file(b, data)
	ctx, cancel := context.WithTimeout(bg, 200*time.Millisecond)
	defer cancel()
	down := w.download(ctx, b, id).must()
	up := begin(w.env, func(cb func(*mongo.GridFSUploadStream, error)) *adapter.Call {
		return b.OpenUploadStream(ctx, "late", cb)
	}).must()
	<-ctx.Done()
	if p := w.read(bg, down, len(data)).must(); !bytes.Equal(p, data) {
		t.Errorf("read %d bytes, not the %d that were written", len(p), len(data))
	}
	must(w.env, void(down.Close))
	w.write(bg, up, data).must()
	must(w.env, void(up.Close))
}

func testMongoFileReadCancelled(t *testing.T, w *wireEnv) {
	b := w.bucket()
	id := w.file(b, content(200*chunk))
	for _, cancel := range []func(*pending[[]byte]){
		func(p *pending[[]byte]) { p.Cancel() },
		func(*pending[[]byte]) { // the server fails
			ops := w.operations(0, bson.M{"command.getMore": bson.M{"$exists": true}})
			if err := w.watchers[0].Database("admin").RunCommand(bg, bson.D{{Key: "killOp", Value: 1}, {Key: "op", Value: ops[0].OpID}}).Err(); err != nil {
				t.Error(err)
			}
		},
	} {
		w.fail(0, times(1), bson.M{"failCommands": bson.A{"getMore"}, "blockConnection": true, "blockTimeMS": block.Milliseconds()})
		down := w.download(bg, b, id).must()
		w.read(bg, down, 50*chunk).must()
		p := w.read(bg, down, 100*chunk)
		eventually(t, "the server is asked", func() bool {
			return len(w.operations(0, bson.M{"command.getMore": bson.M{"$exists": true}})) == 1
		})
		cancel(p)
		why := p.fails()
		if err := w.read(bg, down, 1).fails(); errors.Is(err, io.EOF) {
			t.Errorf("after %v the next read gave %v", why, err)
		}
		begin(w.env, func(cb func(int64, error)) *adapter.Call { return down.Skip(bg, 1, cb) }).fails()
		begin(w.env, void(down.Close)).wait()
		w.wantNoSession()
	}
	w.killSessions() // the fail point has kept the server, and the driver does not try, to close a cursor
}

func testMongoFileWriteCancelled(t *testing.T, w *wireEnv) {
	b := w.client.Database("valet").GridFSBucket(options.GridFSBucket().SetChunkSizeBytes(1 << 20))
	up := w.upload(b, "big")
	w.fail(0, times(1), bson.M{"failCommands": bson.A{"insert"}, "blockConnection": true, "blockTimeMS": block.Milliseconds()})
	p := w.write(bg, up, make([]byte, 16<<20)) // more than the driver keeps
	// Neither a monitor nor the server is asked, who would copy it all.
	eventually(t, "the call waits for the server", func() bool {
		for _, c := range w.client.Adapter().Calls(0) {
			if c.Name == "Write" && c.Parked != nil {
				return true
			}
		}
		return false
	})
	p.Cancel()
	p.failsWith(context.Canceled)
	w.write(bg, up, []byte("more")).failsWith(context.Canceled)
	begin(w.env, void(up.Close)).fails()
	w.download(bg, b, up.FileID()).failsWith(driver.ErrFileNotFound)
	begin(w.env, void(func(cb func(error)) *adapter.Call { return b.Delete(bg, up.FileID(), cb) })).failsWith(driver.ErrFileNotFound)
	if n := w.chunks(b); n != 0 {
		t.Errorf("%d chunks are left", n)
	}
}

func testMongoFileDropped(t *testing.T, w *wireEnv) {
	id := w.file(w.bucket(), content(200*chunk))
	own := w.with(options.Client(), mongo.WithCalls(adapter.WithCancel(adapter.Abandon)))
	w.fail(0, times(1), bson.M{"failCommands": bson.A{"find"}, "blockConnection": true, "blockTimeMS": 100})
	p := own.download(bg, own.bucket(), id)
	eventually(t, "the server is asked", func() bool {
		return len(w.operations(0, bson.M{"command.find": bson.M{"$exists": true}})) == 1
	})
	p.Cancel()
	p.failsWith(context.Canceled)
	eventually(t, "no session is in progress", func() bool {
		return own.client.Unwrap().NumberSessionsInProgress() == 0 && w.cursors() == 0
	})
}
