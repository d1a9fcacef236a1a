package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// talk sends the input in the given pieces, then half-closes, and returns the
// answers until the server closes.
func talk(t *testing.T, addr string, pieces ...string) (answers []*http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		for _, piece := range pieces {
			if _, err := io.WriteString(c, piece); err != nil {
				break // the server may have heard enough
			}
		}
		c.(*net.TCPConn).CloseWrite()
	}()
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %q: %v", all, err)
	}
	r := bufio.NewReader(iotest.OneByteReader(strings.NewReader(string(all))))
	for {
		if _, err := r.Peek(1); err == io.EOF {
			return answers
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("%v in %q", err, all)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatalf("%v in %q", err, all)
		}
		answers = append(answers, resp)
	}
}

func TestHTTPFraming(t *testing.T) {
	w, err := startWeb("127.0.0.1:0", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.stop()
	const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	const gone = "GET /gone HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, c := range []struct {
		name   string
		pieces []string
		status []int
		closes bool // the last answer says that the connection closes
	}{
		{"one request", []string{get}, []int{200}, false},
		{"byte by byte", strings.Split(get, ""), []int{200}, false},
		{"many at once, in order", []string{strings.Repeat(get+gone, 500)}, repeat(500, 200, 404), false},
		{"half a request", []string{get + "GET / HT"}, []int{200}, false},
		{"nothing", nil, nil, false},
		{"HTTP/1.0", []string{"GET / HTTP/1.0\r\n\r\n" + get}, []int{200}, true},
		{"Connection: close", []string{"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + get}, []int{200}, true},
		{"no HTTP", []string{"hello\r\n\r\n" + get}, []int{400}, true},
		{"another method", []string{"PUT / HTTP/1.1\r\nHost: x\r\n\r\n"}, []int{405}, true},
		{"a body", []string{"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"}, []int{413}, true},
		{"an endless head", []string{"GET / HTTP/1.1\r\nX: " + strings.Repeat("x", maxHead)}, []int{431}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := talk(t, w.addr, c.pieces...)
			if len(got) != len(c.status) {
				t.Fatalf("%d answers; want %d", len(got), len(c.status))
			}
			for i, resp := range got {
				if resp.StatusCode != c.status[i] || resp.Close != (c.closes && i == len(got)-1) {
					t.Fatalf("answer %d: status %d, close %t; want %d, %t", i, resp.StatusCode, resp.Close, c.status[i], c.closes)
				}
			}
		})
	}
}

func repeat(n int, what ...int) (all []int) {
	for range n {
		all = append(all, what...)
	}
	return all
}
