package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/valet-go/valet/loop"
)

// pollSetup is what the process of the clients is told.
type pollSetup struct {
	Addrs   []string // of the server
	Clients int
	Next    int  // message that they will get
	Lines   bool // the protocol; see pollServer
}

// pollSize is the size of a message.
const pollSize = 256

// pollMessage is message number n: a line.
func pollMessage(n int) string {
	return fmt.Sprintf("message %9d %*s\n", n, pollSize-19, "of the benchmark, with the padding")
}

// dialsAtOnce is how many clients connect at the same time.
const dialsAtOnce = 32

var (
	pollRequest = []byte("GET " + pollPath + " HTTP/1.1\r\nHost: valet\r\n\r\n")
	pollStatus  = []byte("HTTP/1.1 200 OK\r\n")
	pollLength  = fmt.Appendf(nil, "\r\nContent-Length: %d\r\n", pollSize)
	emptyLine   = []byte("\r\n\r\n")
)

// pollersRole is clients, on a loop, each of which asks, waits for the next
// message, and asks again. With each message that all of them have had it tells
// its number.
func pollersRole(ctx context.Context, in json.RawMessage, ready func(any) error) error {
	g := &group{ctx: ctx, had: make(chan int, 1), failed: make(chan error, 1)}
	if err := json.Unmarshal(in, &g.pollSetup); err != nil {
		return err
	}
	l, err := loop.Start(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	g.l, g.want = l, pollMessage(g.Next)
	for range min(dialsAtOnce, g.Clients) {
		if err := l.Post(g.dial); err != nil {
			return err
		}
	}
	for {
		select {
		case err := <-g.failed:
			return err
		case n := <-g.had:
			if err := ready(n); err != nil {
				return err
			}
		}
	}
}

// group is the clients of a process. It belongs to the loop.
type group struct {
	pollSetup
	ctx     context.Context
	l       *loop.Loop
	dialled int
	want    string // message number Next
	got     int    // clients that have it

	had    chan int
	failed chan error
}

func (g *group) fail(err error) {
	select {
	case g.failed <- err:
	default: // one is enough
	}
}

// dial connects the next client, and then another one.
func (g *group) dial() {
	if g.dialled == g.Clients {
		return
	}
	i := g.dialled
	g.dialled++
	g.l.Dial(g.ctx, "tcp", g.Addrs[i%len(g.Addrs)], func(s *loop.Stream, err error) {
		if err != nil {
			g.fail(err)
			return
		}
		(&pollClient{group: g, s: s, next: g.Next}).ask()
		g.dial()
	})
}

// pollClient is one client.
type pollClient struct {
	*group
	s    *loop.Stream
	next int // message
}

func (c *pollClient) ask() {
	if c.Lines {
		c.s.Write(newline, nil) // an error is the read's as well
		c.s.ReadBytes(pollSize, c.body)
		return
	}
	c.s.Write(pollRequest, nil)
	c.s.ReadUntil(emptyLine, 4<<10, c.header)
}

func (c *pollClient) header(b []byte, err error) {
	switch {
	case err != nil:
		c.fail(fmt.Errorf("a client waits for message %d: %w", c.next, err))
	case !bytes.HasPrefix(b, pollStatus) || !bytes.Contains(b, pollLength):
		c.fail(fmt.Errorf("the answer begins with %q", b))
	default:
		c.s.ReadBytes(pollSize, c.body)
	}
}

func (c *pollClient) body(b []byte, err error) {
	switch {
	case err != nil:
		c.fail(fmt.Errorf("a client reads message %d: %w", c.next, err))
	case c.next != c.Next || string(b) != c.want:
		c.fail(fmt.Errorf("a client that waits for message %d got %q, while the others wait for %d", c.next, b, c.Next))
	default:
		c.next++
		c.count()
		c.ask()
	}
}

// count counts a client that has the message.
func (g *group) count() {
	if g.got++; g.got < g.Clients {
		return
	}
	g.had <- g.Next // which has room: no other message is sent before this is read
	g.got = 0
	g.Next++
	g.want = pollMessage(g.Next)
}
