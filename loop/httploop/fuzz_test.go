package httploop

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// differs is what may differ between two runs: the time, and whether the client
// was asked for a body that had come already.
var differs = regexp.MustCompile(`Date: [^\r]*\r\n|HTTP/1.1 100 Continue\r\n\r\n`)

// FuzzPieces serves the same bytes in one piece and in several: the answers must
// be the same, and what was taken for requests must be that for net/http, too.
func FuzzPieces(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcHEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\na\r\n0\r\nA: b\r\n\r\nGET /hold HTTP/1.0\r\n\r\n",
		"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
		"GET / HTTP/1.1\nHost: a\n\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nPUT http://a/%2e?b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nCONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
	} {
		f.Add([]byte(seed), []byte{1, 0, 7})
	}
	f.Fuzz(func(t *testing.T, in, cuts []byte) {
		var handled []string
		s := &Server{MaxHeader: 256, MaxBody: 64, MaxPipelined: 3}
		s.Handler = func(x *Exchange) {
			req := x.Request()
			got := fmt.Sprintf("%s %s %q", req.Header.Method(), req.Header.RequestURI(), req.Body())
			handled = append(handled, got)
			if bytes.Contains(req.Header.RequestURI(), []byte("hold")) {
				_ = x.Post(func() { x.Text(201, got) }) // a fake takes it
				return
			}
			x.Text(200, got)
		}
		whole, err := play(s, in)
		if err != nil {
			t.Fatal(err)
		}
		first := handled
		handled = nil
		cut, err := play(s, cutUp(in, cuts)...)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := differs.ReplaceAll(whole, nil), differs.ReplaceAll(cut, nil); !bytes.Equal(a, b) {
			t.Errorf("in one piece:\n%q\nin several:\n%q", a, b)
		}
		if a, b := strings.Join(first, "\n"), strings.Join(handled, "\n"); a != b {
			t.Errorf("handled in one piece:\n%s\nin several:\n%s", a, b)
		}
		r := bufio.NewReader(bytes.NewReader(in))
		for i, ours := range first {
			theirs, ok := askNetHTTP(t, r)
			if !ok {
				return
			}
			if ours != theirs {
				t.Errorf("request %d is %s, and for net/http %s", i, ours, theirs)
			}
		}
	})
}

// cutUp cuts in into pieces as long as cuts says, and the rest.
func cutUp(in, cuts []byte) [][]byte {
	var pieces [][]byte
	for _, n := range cuts {
		k := min(int(n), len(in))
		pieces = append(pieces, in[:k])
		in = in[k:]
	}
	return append(pieces, in)
}

// askNetHTTP reads a request as net/http does. It is not asked about URIs that
// only its own parser looks into.
func askNetHTTP(t *testing.T, r *bufio.Reader) (string, bool) {
	for {
		b, err := r.Peek(1)
		if err != nil || b[0] != '\r' && b[0] != '\n' {
			break
		}
		_, _ = r.Discard(1)
	}
	req, err := http.ReadRequest(r)
	if err != nil {
		if strings.HasPrefix(err.Error(), "parse ") || strings.Contains(err.Error(), "invalid URI") {
			return "", false
		}
		t.Errorf("net/http does not take a request that was: %v", err)
		return "", false
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		t.Errorf("net/http does not take a body that was: %v", err)
		return "", false
	}
	return fmt.Sprintf("%s %s %q", req.Method, req.RequestURI, body), true
}
