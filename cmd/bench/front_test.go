package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFrontEndsEndToEnd(t *testing.T) {
	if _, err := findProgram("mariadbd"); err != nil {
		t.Skip(err)
	}
	for driver, paths := range map[string][]string{"front": lineNames, "http": httpNames} {
		t.Run(driver, func(t *testing.T) {
			doc := smallLoad(t, "-driver", driver, "-path", strings.Join(paths, ","), "-conns", "2", "-inflight", "7", "-pairs", "1")
			if n := len(paths); len(doc.Rows) != n || len(doc.Ratios) != n*(n-1) || doc.Rows[0].Unit != "request" {
				t.Fatalf("document: %+v", doc)
			}
			for _, r := range doc.Rows {
				if r.CPU == 0 || r.P50 <= 0 || r.P99 < r.P50 || r.Allocs <= 0 || r.Conns != 2 || r.Inflight != 7 {
					t.Errorf("%s: %+v", r.Path, r)
				}
			}
		})
	}
}

// scripted is a server that sends reply, in pieces of size bytes, for each line
// that ends a request. It ends with the test.
func scripted(t *testing.T, last, reply string, size int) (addr string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for in := bufio.NewScanner(c); in.Scan(); {
					if in.Text() != last {
						continue
					}
					for piece := range slices.Chunk([]byte(reply), size) {
						if _, err := c.Write(piece); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// askScripted runs one client, whose key is 0, and returns what it saw.
func askScripted(t *testing.T, p protocol, last, reply string, size int) (seen sample, said int, err error) {
	in, err := json.Marshal(clientsSpec{scripted(t, last, reply, size), p, 1, 0, 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	err = clientsRole(t.Context(), in, func(v any) error {
		said++
		seen, _ = v.(sample)
		return nil
	})
	return seen, said, err
}

func answerOf(status, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nDate: now\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
}

func TestClientsCountWhatIsRight(t *testing.T) {
	for name, try := range map[string]struct {
		protocol    protocol
		last, reply string
	}{
		"a line": {lineProtocol, "0", value(0) + "\n"},
		"HTTP":   {httpProtocol, "", answerOf("200 OK", value(0))},
	} {
		for _, size := range []int{1, 50, len(try.reply)} {
			t.Run(fmt.Sprintf("%s in pieces of %d", name, size), func(t *testing.T) {
				seen, said, err := askScripted(t, try.protocol, try.last, try.reply, size)
				if err != nil || said != 3 || seen.OpsPerSec <= 0 {
					t.Errorf("said %d times, sample %+v, error %v", said, seen, err)
				}
			})
		}
	}
}

// Whatever is not the answer fails the run.
func TestClientsSeeWhatIsWrong(t *testing.T) {
	for name, try := range map[string]struct {
		protocol          protocol
		last, reply, want string
	}{
		"another value":     {lineProtocol, "0", value(1) + "\n", "instead of"},
		"an error":          {lineProtocol, "0", "error: no\n", "error: no"},
		"two lines":         {lineProtocol, "0", value(0) + "\nmore\n", "behind a reply"},
		"another body":      {httpProtocol, "", answerOf("200 OK", value(1)), "instead of"},
		"a status":          {httpProtocol, "", answerOf("500 No", value(0)), "500 No"},
		"a short body":      {httpProtocol, "", answerOf("200 OK", "short"), "Content-Length: 5"},
		"more than a body":  {httpProtocol, "", answerOf("200 OK", value(0)) + "x", "behind a reply"},
		"no length at all":  {httpProtocol, "", "HTTP/1.1 200 OK\r\n\r\n" + value(0), "reply"},
		"another protocol":  {httpProtocol, "", "SMTP\r\n\r\n", "SMTP"},
		"no such key, HTTP": {httpProtocol, "", answerOf("404 Not Found", "there is no key"), "404"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := askScripted(t, try.protocol, try.last, try.reply, len(try.reply))
			if err == nil || !strings.Contains(err.Error(), try.want) {
				t.Errorf("error: %v, want it to contain %q", err, try.want)
			}
		})
	}
}

func TestLinesAreCutWhereverTheInputIs(t *testing.T) {
	const in = "1\n22\n\n333\n4"
	for size := 1; size <= len(in); size++ {
		var b lineBuffer
		var got []string
		for piece := range slices.Chunk([]byte(in), size) {
			b.take(piece, func(line []byte) { got = append(got, string(line)) })
		}
		if want := []string{"1", "22", "", "333"}; !slices.Equal(got, want) || string(b.rest) != "4" {
			t.Errorf("pieces of %d: %q and %q are left", size, got, b.rest)
		}
	}
}

func TestKeysThatAreNone(t *testing.T) {
	for _, digits := range []string{"", "x", "-1", "64", "1 "} {
		if key, err := keyOf([]byte(digits)); err == nil {
			t.Errorf("%q is key %d", digits, key)
		}
	}
	if key, err := keyOf([]byte("63")); key != 63 || err != nil {
		t.Errorf("63: %d, %v", key, err)
	}
}
