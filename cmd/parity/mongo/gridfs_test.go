package mongo

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var fileScenarios = []scenario{
	{name: "files are written and read", run: fileTrip},
	{name: "files have chunks", run: fileChunks},
	{name: "files have revisions", run: fileRevisions},
	{name: "an upload is aborted", run: fileAbort},
	{name: "chunks are missing or wrong", run: fileBroken},
	{name: "files are renamed and deleted", run: fileRename},
	{name: "a reader or a writer fails", run: fileFailing},
	{name: "a file's context ends", run: fileContext},
}

// text is n bytes.
func text(n int) string { return strings.Repeat("0123456789abcdef", n/16+1)[:n] }

func fileTrip(p *program) {
	b := p.must(p.db, "GridFSBucket")
	p.do(p.one(b, "GetFilesCollection"), "Name")
	p.do(p.one(b, "GetChunksCollection"), "Name")
	id := p.must(b, "UploadFromStream", bg, "a.txt", strings.NewReader(text(1000)), options.GridFSUpload().SetMetadata(doc("kind", "text")))
	var out bytes.Buffer
	p.do(b, "DownloadToStream", bg, id, &out)
	p.note("read", out.Bytes())
	out.Reset()
	p.do(b, "DownloadToStreamByName", bg, "a.txt", &out)
	p.note("read", out.Bytes())
	p.do(b, "UploadFromStreamWithID", bg, 7, "b.txt", strings.NewReader(""))
	out.Reset()
	p.do(b, "DownloadToStream", bg, 7, &out)
	p.do(b, "UploadFromStreamWithID", bg, 7, "b.txt", strings.NewReader("again")) // the id is taken
	p.do(b, "DownloadToStream", bg, "no such file", &out)
	p.do(b, "DownloadToStreamByName", bg, "no such file", &out)
	p.do(b, "OpenDownloadStream", bg, "no such file")
	p.do(b, "OpenDownloadStreamByName", bg, "no such file")
	cur := p.must(b, "Find", bg, doc(), options.GridFSFind().SetSort(doc("filename", 1)).SetBatchSize(1))
	p.read(cur)
	p.do(b, "Find", bg, nil)
	p.do(b, "Drop", bg)
	p.do(b, "DownloadToStream", bg, id, &out)
}

func fileChunks(p *program) {
	b := p.must(p.db, "GridFSBucket", options.GridFSBucket().SetName("small").SetChunkSizeBytes(10))
	for _, n := range []int{0, 1, 9, 10, 11, 20, 25} {
		up := p.must(b, "OpenUploadStreamWithID", bg, n, "chunks", options.GridFSUpload().SetMetadata(doc("n", n)))
		p.do(up, "Write", []byte(text(n)[:n/2]))
		p.do(up, "Write", []byte(text(n)[n/2:]))
		p.do(up, "Close")
		p.do(up, "Close")
		p.do(up, "Write", []byte("late"))
		p.do(up, "Abort")
		down := p.must(b, "OpenDownloadStream", bg, n)
		p.do(down, "GetFile")
		for range 3 {
			p.do(down, "Read", make([]byte, 7))
		}
		p.do(down, "Skip", int64(2))
		p.do(down, "Read", make([]byte, 100))
		p.do(down, "Read", make([]byte, 100))
		p.do(down, "Skip", int64(2))
		p.do(down, "Close")
		p.do(down, "Close")
		p.do(down, "Read", make([]byte, 1))
		p.do(down, "Skip", int64(2))
	}
	down := p.must(b, "OpenDownloadStream", bg, 25)
	p.do(down, "Read", []byte{})
	p.do(down, "Skip", int64(15))
	all, err := io.ReadAll(down.(io.Reader))
	p.note("the rest", all, err)
	p.do(down, "Close")
	up := p.must(b, "OpenUploadStream", bg, "copied", options.GridFSUpload().SetChunkSizeBytes(4))
	n, err := io.Copy(up.(io.Writer), strings.NewReader(text(30)))
	p.note("copied", n, err)
	p.do(up, "Close")
	p.found(p.must(b, "GetChunksCollection"), doc("n", doc("$gte", 5)), options.Find().SetProjection(doc("_id", 0, "n", 1, "data", 1)).SetSort(doc("n", 1)))
	p.do(b, "OpenUploadStream", bg, "wrong", options.GridFSUpload().SetChunkSizeBytes(-1))
}

func fileRevisions(p *program) {
	b := p.must(p.db, "GridFSBucket")
	for _, content := range []string{"one", "two", "three"} {
		p.do(b, "UploadFromStream", bg, "versions", strings.NewReader(content))
	}
	for _, revision := range []int32{0, 1, 2, 3, -1, -2, -3, -4} {
		var out bytes.Buffer
		p.may(sameMoment).do(b, "DownloadToStreamByName", bg, "versions", &out, options.GridFSName().SetRevision(revision))
		p.may(sameMoment).note("read", out.String())
	}
	down := p.must(b, "OpenDownloadStreamByName", bg, "versions", options.GridFSName().SetRevision(0))
	p.may(sameMoment).do(down, "Read", make([]byte, 10))
	p.do(down, "Close")
	p.do(b, "OpenDownloadStreamByName", bg, "versions", options.GridFSName().SetRevision(9))
}

func fileAbort(p *program) {
	b := p.must(p.db, "GridFSBucket", options.GridFSBucket().SetChunkSizeBytes(1<<20))
	up := p.must(b, "OpenUploadStreamWithID", bg, 1, "aborted")
	size := 17 << 20 // more than the driver keeps
	if p.srv.slow {
		size = 1 << 20
	}
	p.do(up, "Write", make([]byte, size))
	p.do(p.one(b, "GetChunksCollection"), "CountDocuments", bg, doc())
	p.do(up, "Abort")
	p.do(up, "Abort")
	p.do(up, "Close")
	p.do(up, "Write", []byte("late"))
	p.do(p.one(b, "GetChunksCollection"), "CountDocuments", bg, doc())
	p.do(p.one(b, "GetFilesCollection"), "CountDocuments", bg, doc())
	p.do(b, "OpenDownloadStream", bg, 1)
}

func fileBroken(p *program) {
	b := p.must(p.db, "GridFSBucket", options.GridFSBucket().SetChunkSizeBytes(10))
	chunks := p.must(b, "GetChunksCollection")
	for i, change := range []func(id int){
		func(id int) { p.do(chunks, "DeleteOne", bg, doc("files_id", id, "n", 1)) }, // in the middle
		func(id int) { p.do(chunks, "DeleteOne", bg, doc("files_id", id, "n", 2)) }, // the last
		func(id int) { p.do(chunks, "DeleteMany", bg, doc("files_id", id)) },
		func(id int) {
			p.do(chunks, "UpdateOne", bg, doc("files_id", id, "n", 1), doc("$set", doc("data", bson.Binary{Data: []byte("short")})))
		},
		func(id int) {
			p.do(chunks, "UpdateOne", bg, doc("files_id", id, "n", 2), doc("$set", doc("data", bson.Binary{Data: []byte("short")})))
		},
		func(id int) {
			p.do(chunks, "UpdateOne", bg, doc("files_id", id, "n", 0), doc("$unset", doc("data", 1)))
		},
	} {
		p.do(b, "UploadFromStreamWithID", bg, i, "broken", strings.NewReader(text(23)))
		change(i)
		var out bytes.Buffer
		p.do(b, "DownloadToStream", bg, i, &out)
		p.note("read", out.Bytes())
		down := p.must(b, "OpenDownloadStream", bg, i)
		failed := false
		for _, method := range []string{"Read", "Read", "Read", "Skip"} {
			var arg any = make([]byte, 15)
			if method == "Skip" {
				arg = int64(5)
			}
			if failed {
				p.may(brokenFile)
			}
			p.do(down, method, arg)
			failed = failed || p.err != nil && p.err != io.EOF
		}
		p.do(down, "Close")
	}
}

func fileRename(p *program) {
	b := p.must(p.db, "GridFSBucket")
	p.do(b, "UploadFromStreamWithID", bg, 1, "old", strings.NewReader("content"))
	p.do(b, "Rename", bg, 1, "new")
	p.do(b, "Rename", bg, 2, "new")
	var out bytes.Buffer
	p.do(b, "DownloadToStreamByName", bg, "old", &out)
	p.do(b, "DownloadToStreamByName", bg, "new", &out)
	p.note("read", out.String())
	p.do(b, "Delete", bg, 1)
	p.do(b, "Delete", bg, 1)
	p.do(b, "Rename", bg, 1, "newer")
	p.do(b, "DownloadToStreamByName", bg, "new", &out)
}

// failing reads or writes n bytes, and then fails.
type failing struct{ n int }

func (f *failing) Read(b []byte) (int, error) {
	if f.n == 0 {
		return 0, errOwn
	}
	n := min(f.n, len(b))
	f.n -= n
	return n, nil
}

func (f *failing) Write(b []byte) (int, error) {
	if f.n < len(b) {
		return f.n, errOwn
	}
	f.n -= len(b)
	return len(b), nil
}

func fileFailing(p *program) {
	b := p.must(p.db, "GridFSBucket", options.GridFSBucket().SetChunkSizeBytes(10))
	p.do(b, "UploadFromStream", bg, "failing", &failing{25})
	p.do(b, "UploadFromStreamWithID", bg, 1, "failing", &failing{0})
	p.do(p.one(b, "GetChunksCollection"), "CountDocuments", bg, doc())
	p.do(p.one(b, "GetFilesCollection"), "CountDocuments", bg, doc())
	p.do(b, "UploadFromStreamWithID", bg, 2, "whole", strings.NewReader(text(25)))
	p.do(b, "DownloadToStream", bg, 2, &failing{15})
	p.do(b, "DownloadToStreamByName", bg, "whole", &failing{0})
	p.note("the errors", errors.Is(p.err, errOwn))
}

func fileContext(p *program) {
	b := p.must(p.db, "GridFSBucket", options.GridFSBucket().SetChunkSizeBytes(10))
	p.do(b, "UploadFromStreamWithID", bg, 1, "file", strings.NewReader(text(25)))
	ctx, cancel := p.canceling()
	down := p.must(b, "OpenDownloadStream", ctx, 1)
	up := p.must(b, "OpenUploadStreamWithID", ctx, 2, "other")
	p.do(down, "Read", make([]byte, 5))
	p.do(up, "Write", []byte("text"))
	cancel()
	p.differs(endedContext).do(down, "Read", make([]byte, 5)) // of what is there
	p.do(down, "Close")
	p.differs(endedContext).do(up, "Write", []byte("text")) // to what is sent later
	p.do(up, "Close")
	p.differs(endedContext).do(b, "DownloadToStream", ctx, 1, io.Discard)
	p.do(b, "UploadFromStreamWithID", ctx, 3, "file", strings.NewReader(text(25)))
	p.do(b, "Delete", ctx, 1)
	p.do(p.one(b, "GetFilesCollection"), "CountDocuments", bg, doc())
	p.differs(endedContext) // the commands
}
