package fakesock

import (
	"io"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// BenchmarkPingPong is one request and reply of 64 bytes, with a deadline, on
// connections whose both ends are the loop's.
func BenchmarkPingPong(b *testing.B) {
	for _, conns := range []struct {
		name string
		n    int
	}{{"1 connection", 1}, {"16 connections", 16}} {
		b.Run(conns.name, func(b *testing.B) {
			l := startLoop(b)
			pinged := make(chan error, conns.n)
			for range conns.n {
				go func(n int) { pinged <- pingPong(b, l, n) }(b.N / conns.n)
			}
			for range conns.n {
				if err := <-pinged; err != nil {
					b.Error(err)
				}
			}
		})
	}
}

func pingPong(tb testing.TB, l *loop.Loop, n int) error {
	client, server := fakePair(tb, l, "tcp4")
	defer client.Close()
	go func() {
		defer server.Close()
		buf := make([]byte, 64)
		for {
			if _, err := io.ReadFull(server, buf); err != nil {
				return
			}
			if _, err := server.Write(buf); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64)
	for range n {
		client.SetDeadline(time.Now().Add(time.Minute))
		if _, err := client.Write(buf); err != nil {
			return err
		}
		if _, err := io.ReadFull(client, buf); err != nil {
			return err
		}
	}
	return nil
}
