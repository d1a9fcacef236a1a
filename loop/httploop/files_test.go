package httploop

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/internal/rawhttp"
	"github.com/valet-go/valet/loop"
)

func TestFiles(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "public")
	for name, text := range map[string]string{
		"public/index.html": "<p>home", "public/sub/index.html": "<p>sub", "public/style.css": "p {}",
		"public/plain": "just text", "public/empty/x": "", "secret": "secret",
	} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := adapter.New(l)
	defer a.Close(context.Background())
	onHosts(t, func(t *testing.T, serve func(*testing.T, *Server) net.Addr) {
		files := NewFiles(a, os.DirFS(dir))
		b := rawhttp.Dial(t, serve(t, &Server{Handler: func(x *Exchange) {
			files.Serve(x, strings.TrimPrefix(string(x.Request().Header.RequestURI()), "/"))
		}}))
		var tag string
		for range 2 { // read, and kept
			for _, test := range []struct {
				path   string
				status int
				body   string
				kind   string
			}{
				{"/", 200, "<p>home", "text/html"},
				{"/index.html", 200, "<p>home", "text/html"},
				{"/sub", 200, "<p>sub", "text/html"},
				{"/sub/", 200, "<p>sub", "text/html"},
				{"/style.css", 200, "p {}", "text/css"},
				{"/plain", 200, "just text", "text/plain"},
				{"/empty/x", 200, "", "text/plain"},
				{"/empty", 404, "", ""},
				{"/missing", 404, "", ""},
				{"/plain/more", 404, "", ""},
				{"/../secret", 404, "", ""},
				{"/sub/../../secret", 404, "", ""},
				{"/" + strings.Repeat("a", 5000), 404, "", ""},
			} {
				b.Get(test.path)
				got := b.Want(test.status, test.body)
				if !strings.HasPrefix(got.Header.Get("Content-Type"), test.kind) {
					t.Errorf("%s is %q", test.path, got.Header.Get("Content-Type"))
				}
				if test.path == "/style.css" {
					tag = got.Header.Get("ETag")
				}
			}
		}
		for _, known := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			b.Send("GET /style.css HTTP/1.1\r\nHost: a\r\nIf-None-Match: %s\r\n\r\n", known)
			if got := b.Want(304, ""); got.Body != "" || got.Header.Get("ETag") != tag {
				t.Errorf("with %s: %q, %v", known, got.Body, got.Header)
			}
		}
		b.Send("GET /style.css HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\n\r\n")
		b.Want(200, "p {}")
		b.Send("HEAD /style.css HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := b.Answer("HEAD"); got.StatusCode != 200 || got.ContentLength != 4 {
			t.Errorf("HEAD: %d, length %d", got.StatusCode, got.ContentLength)
		}
		b.Send("POST /style.css HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
		if got := b.Want(405, ""); got.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST: %v", got.Header)
		}
	})
}

func TestFileTooLarge(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "large")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, MaxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := NewFiles(nil, os.DirFS(dir)).read("large"); err != errTooLarge {
		t.Errorf("got %v", err)
	}
}
