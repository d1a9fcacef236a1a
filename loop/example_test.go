package loop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/valet-go/valet/loop"
)

func Example() {
	l, err := loop.New()
	if err != nil {
		panic(err)
	}
	defer l.Close()

	l.AfterFunc(2*time.Millisecond, func() {
		fmt.Println("a timer")
		l.Stop()
	})
	l.Post(func() {
		fmt.Println("a callback")
		l.Post(func() { fmt.Println("another, one iteration later") })
	})
	if err := l.Run(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// a callback
	// another, one iteration later
	// a timer
}

// An echo server, and a client of it, on one loop.
func ExampleStream() {
	l, err := loop.New()
	if err != nil {
		panic(err)
	}
	ln, err := l.Listen("tcp", "127.0.0.1:0", func(s *loop.Stream) {
		var echo func(p []byte, err error)
		echo = func(p []byte, err error) {
			if err != nil { // io.EOF, when the client has had enough
				s.Close()
				return
			}
			s.Write(p, nil)
			s.ReadSome(echo)
		}
		s.ReadSome(echo)
	}, loop.WithMaxConns(1000))
	if err != nil {
		panic(err)
	}
	l.Dial(context.Background(), "tcp", ln.Addr().String(), func(s *loop.Stream, err error) {
		if err != nil {
			panic(err)
		}
		s.OnClose(func(err error) {
			fmt.Println("closed by both sides:", err == io.EOF)
			ln.Drain(context.Background(), func(error) { l.Close() })
		})
		s.Write([]byte("hello\nworld\n"), nil)
		s.CloseWrite()
		var line func(p []byte, err error)
		line = func(p []byte, err error) {
			if err == nil {
				fmt.Printf("%q\n", p)
				s.ReadUntil([]byte("\n"), 100, line)
			}
		}
		s.ReadUntil([]byte("\n"), 100, line)
	})
	if err := l.Run(context.Background()); !errors.Is(err, loop.ErrClosed) {
		panic(err)
	}
	// Output:
	// "hello\n"
	// "world\n"
	// closed by both sides: true
}
