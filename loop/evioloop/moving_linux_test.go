package evioloop_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/evio"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/evioloop"
)

func lookUp(name string) string { return "hello " + name + "\n" }

var stopped atomic.Bool

type oldSession struct {
	in      evio.InputStream
	mu      sync.Mutex // guards replies, which other goroutines add
	replies []byte
}

func before() evio.Events {
	var events evio.Events
	events.NumLoops = 4
	events.Opened = func(c evio.Conn) (out []byte, opts evio.Options, action evio.Action) {
		c.SetContext(&oldSession{})
		return []byte("your name?\n"), opts, evio.None
	}
	events.Data = func(c evio.Conn, in []byte) (out []byte, action evio.Action) {
		s := c.Context().(*oldSession)
		if in == nil { // woken
			s.mu.Lock()
			defer s.mu.Unlock()
			out, s.replies = s.replies, nil
			return out, evio.None
		}
		data := s.in.Begin(in)
		for {
			line, rest, found := bytes.Cut(data, []byte("\n"))
			if !found {
				break
			}
			data = rest
			if string(line) == "quit" {
				return []byte("bye\n"), evio.Close
			}
			name := string(line)
			go func() {
				reply := lookUp(name)
				s.mu.Lock()
				s.replies = append(s.replies, reply...)
				s.mu.Unlock()
				c.Wake()
			}()
		}
		s.in.End(data)
		return nil, evio.None
	}
	events.Tick = func() (delay time.Duration, action evio.Action) {
		if stopped.Load() {
			return 0, evio.Shutdown
		}
		return time.Second, evio.None
	}
	return events
}

type session struct{ in evio.InputStream }

func after(a *adapter.Adapter) *evioloop.Server {
	return &evioloop.Server{
		Loops: 4,
		Opened: func(c *evioloop.Conn) {
			c.SetValue(&session{})
			c.WriteString("your name?\n")
		},
		Data: func(c *evioloop.Conn, in []byte) {
			s := c.Value().(*session)
			data := s.in.Begin(in)
			for {
				line, rest, found := bytes.Cut(data, []byte("\n"))
				if !found {
					break
				}
				data = rest
				if string(line) == "quit" {
					c.WriteString("bye\n")
					c.Close()
					return
				}
				name := string(line)
				adapter.Go(c.Context(), a.On(c), func(context.Context) (string, error) {
					return lookUp(name), nil
				}, func(reply string, err error) { // on c's loop again
					if err == nil {
						c.WriteString(reply)
					}
				})
			}
			s.in.End(data)
		},
	}
}

// The server that docs/evio.md moves over.
func Example_movedFromEvio() {
	l, err := loop.Start(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	ctx, stop := context.WithCancel(context.Background())
	a := adapter.New(l)
	defer a.Close(context.Background())
	srv := after(a)
	srv.Ready = func(addrs []net.Addr) {
		go func() {
			defer stop()
			talk(addrs[0].String())
		}()
	}
	fmt.Println(srv.Serve(ctx, "tcp://127.0.0.1:0"))
	// Output:
	// your name?
	// hello valet
	// bye
	// <nil>
}

func talk(addr string) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	in := bufio.NewScanner(c)
	for _, say := range []string{"valet\n", "quit\n", ""} {
		if in.Scan() {
			fmt.Println(in.Text())
		}
		fmt.Fprint(c, say)
	}
}

// The page's programs are those of this file.
func TestTheMovingPageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/evio.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("moving_linux_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```go\n")[1:]
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(string(source), code) {
			t.Errorf("not in the test's file:\n%s", code)
		}
	}
	if len(blocks) != 2 || before().Data == nil {
		t.Errorf("%d programs", len(blocks))
	}
}
