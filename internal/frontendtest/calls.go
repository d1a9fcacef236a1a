package frontendtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/internal/gid"
	"github.com/valet-go/valet/loop"
)

// Many clients ask at the same time for what calls of an adapter answer. The
// callbacks are on the goroutine that serves the client, in order, and those of
// a client that has gone end by its context.
func callsOfManyClients(t *testing.T, h Host) {
	r := seeded(t)
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := adapter.New(l, adapter.WithSlots(8))
	var started, called atomic.Int64
	addr, stop := serve(t, h, &Server{
		Opened: func(c Conn) { c.SetValue(gid.Current()) },
		Data: func(c Conn, in []byte) {
			for line := range strings.Lines(string(in)) {
				started.Add(1)
				adapter.Go(c.Context(), a.On(c), func(context.Context) (string, error) {
					return strings.ToUpper(line), nil
				}, func(reply string, err error) {
					called.Add(1)
					if c.Value() != gid.Current() && c.Context().Err() == nil {
						t.Error("called back off the client's loop")
					}
					if err == nil {
						_, _ = c.WriteString(reply)
					}
				})
			}
		},
	})
	var wg sync.WaitGroup
	for i := range 32 {
		own := rand.New(rand.NewPCG(r.Uint64(), 0))
		wg.Go(func() {
			cl := dial(t, addr)
			defer cl.Close()
			in := bufio.NewReader(cl)
			for k := range 50 {
				if own.IntN(100) == 0 { // go, with a call under way
					_, _ = io.WriteString(cl, "never answered\n")
					return
				}
				question := fmt.Sprintf("question %d of %d\n", k, i)
				if _, err := io.WriteString(cl, question); err != nil {
					t.Error(err)
					return
				}
				if got, err := in.ReadString('\n'); got != strings.ToUpper(question) {
					t.Errorf("%q, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
	for end := time.Now().Add(Patience); called.Load() < started.Load() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := a.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if started.Load() != called.Load() {
		t.Errorf("%d calls, %d callbacks", started.Load(), called.Load())
	}
}
