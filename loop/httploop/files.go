package httploop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"syscall"

	"github.com/valet-go/valet/adapter"
)

// Files answers with the files of a file system, as they are when they are first
// asked for: they are read on the adapter's goroutines, once, and kept. It is for
// what belongs to a program, such as an [embed.FS].
type Files struct {
	a    *adapter.Adapter
	fsys fs.FS

	mu    sync.Mutex // guards files
	files map[string]*file
}

// file is one that was read. It does not change.
type file struct {
	body        []byte
	contentType string
	tag         string
}

// MaxFile is how large a file may be, in bytes, to be served.
const MaxFile = 16 << 20

var errTooLarge = errors.New("httploop: the file is too large to be kept in memory")

// NewFiles returns the files of fsys, which are read by calls of a's.
func NewFiles(a *adapter.Adapter, fsys fs.FS) *Files {
	return &Files{a: a, fsys: fsys, files: map[string]*file{}}
}

// Serve answers x with the file of a name, such as "style.css"; of a folder's
// name, or "", with the index.html in it; with 404 if there is none. A browser
// that has it already gets 304. On the goroutine of x, while that has its request.
func (f *Files) Serve(x *Exchange, name string) {
	if m := string(x.Request().Header.Method()); m != http.MethodGet && m != http.MethodHead {
		x.SetHeader("Allow", "GET, HEAD")
		x.Error(http.StatusMethodNotAllowed, "")
		return
	}
	name = path.Clean("/" + name)[1:]
	if name == "" {
		name = "."
	}
	known := string(x.Request().Header.Peek("If-None-Match"))
	f.mu.Lock()
	kept := f.files[name]
	f.mu.Unlock()
	if kept != nil {
		kept.serve(x, known)
		return
	}
	adapter.Go(x.Context(), f.a.On(x), func(context.Context) (*file, error) { return f.read(name) }, func(got *file, err error) {
		switch {
		case err == nil:
			got.serve(x, known)
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid),
			errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
			x.Error(http.StatusNotFound, "")
		default:
			x.Error(http.StatusInternalServerError, "")
		}
	}, adapter.Name("file "+name))
}

// read is a body.
func (f *Files) read(name string) (*file, error) {
	at := name
	info, err := fs.Stat(f.fsys, at)
	if err == nil && info.IsDir() {
		at = path.Join(at, "index.html")
		info, err = fs.Stat(f.fsys, at)
	}
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxFile {
		return nil, errTooLarge
	}
	body, err := fs.ReadFile(f.fsys, at)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	got := &file{body, mime.TypeByExtension(path.Ext(at)), `"` + hex.EncodeToString(sum[:16]) + `"`}
	if got.contentType == "" {
		got.contentType = http.DetectContentType(body)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[name] = got
	return got, nil
}

func (f *file) serve(x *Exchange, known string) {
	x.SetHeader("ETag", f.tag)
	for tag := range strings.SplitSeq(known, ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == f.tag || tag == "*" {
			x.Send(http.StatusNotModified, "", nil)
			return
		}
	}
	x.Send(http.StatusOK, f.contentType, f.body)
}
