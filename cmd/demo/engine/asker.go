package engine

import (
	"bufio"
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/valet-go/valet/loop"
)

// asker is a client of a lane's: it asks, and asks again when it has its answer,
// and every has passed since it asked. On the load's loop.
type asker struct {
	loop  *loop.Loop
	addr  string
	every time.Duration
	path  func() string
	// told hears of each answer; status 0 says that the connection failed.
	told func(status int, took time.Duration)

	stream *loop.Stream // nil: not connected
	sent   time.Time    // of the request that is out; zero: none is
	timer  *loop.Timer
	gone   bool
}

const (
	// redial is how long a client waits that has lost its connection.
	redial = time.Second
	// maxHead is how long the header of an answer may be.
	maxHead = 4 << 10
)

var endOfHead = []byte("\r\n\r\n")

// start connects after a while, so that not all ask at once.
func (a *asker) start(in time.Duration) { a.timer = a.loop.AfterFunc(in, a.dial) }

// stop leaves. No call is heard of any more.
func (a *asker) stop() {
	a.gone = true
	a.timer.Stop()
	if a.stream != nil {
		a.stream.Close()
	}
}

// waits is how long the request that is out has been.
func (a *asker) waits(now time.Time) (d time.Duration, out bool) {
	if a.sent.IsZero() {
		return 0, false
	}
	return now.Sub(a.sent), true
}

func (a *asker) dial() {
	a.loop.Dial(context.Background(), "tcp", a.addr, func(s *loop.Stream, err error) {
		switch {
		case a.gone && err == nil:
			s.Close()
		case err != nil:
			a.lost()
		default:
			a.stream = s
			a.ask()
		}
	})
}

// lost begins anew, after a while.
func (a *asker) lost() {
	if a.gone {
		return
	}
	if a.stream != nil {
		a.stream.Close()
		a.stream = nil
	}
	a.sent = time.Time{}
	a.told(0, 0)
	a.start(redial)
}

func (a *asker) ask() {
	a.sent = time.Now()
	a.stream.Write([]byte("GET "+a.path()+" HTTP/1.1\r\nHost: "+a.addr+"\r\n\r\n"), nil)
	a.stream.ReadUntil(endOfHead, maxHead, func(head []byte, err error) {
		if err != nil {
			a.lost()
			return
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), nil)
		if err != nil || resp.ContentLength <= 0 { // every lane says how long its answer is
			a.lost()
			return
		}
		a.stream.ReadBytes(int(resp.ContentLength), func(_ []byte, err error) {
			if err != nil {
				a.lost()
				return
			}
			a.answered(resp.StatusCode)
		})
	})
}

func (a *asker) answered(status int) {
	took := time.Since(a.sent)
	a.sent = time.Time{}
	a.told(status, took)
	a.timer = a.loop.AfterFunc(a.every-took, a.ask)
}
