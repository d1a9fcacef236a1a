//go:build linux || darwin || freebsd

package evioloop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/tidwall/evio"

	"github.com/valet-go/valet/internal/frontend"
)

// spare is how many low descriptor numbers are kept; see freeSpares.
const spare = 16

// engine runs one evio server after another.
type engine struct {
	run     *frontend.Run
	srv     *Server
	listens []frontend.Addr
	dir     string // holds the wake socket; only this user can enter

	// Of the evio that runs.
	loops    []*evioLoop // by evio's numbers
	waking   waking
	layout   atomic.Pointer[layout]
	quit     atomic.Bool // evio shall end
	done     chan struct{}
	err      error // why evio ended, once done is closed
	maxFD    int   // a duplicate with this number or a higher one is refused
	spares   []int
	serveID  []byte // of evio.Serve's goroutine
	started  time.Time
	startErr atomic.Pointer[error] // why evio was made to end at once
}

// evioLoop is one of evio's loops.
type evioLoop struct {
	*frontend.Loop
	wakeConn evio.Conn // its end of the wake connection; the loop's goroutine only
	turn     *turn     // once it is woken by that
}

func (s *Server) serve(ctx context.Context, listens []frontend.Addr) error {
	dir, err := privateDir()
	if err != nil {
		return fmt.Errorf("evioloop: %w", err)
	}
	defer os.RemoveAll(dir)
	return frontend.Serve(ctx, s.config(), func(run *frontend.Run) frontend.Engine {
		return &engine{run: run, srv: s, listens: listens, dir: dir}
	})
}

// Start runs evio until it listens and every loop of it can be woken.
func (e *engine) Start() (addrs []net.Addr, err error) {
	n := max(e.srv.Loops, 1)
	if e.spares, err = frontend.Reserve(spare+12+2*len(e.listens)+7*n, spare); err != nil {
		return nil, err
	}
	e.maxFD = frontend.DescriptorLimit()
	e.loops = nil
	for range n {
		e.loops = append(e.loops, &evioLoop{Loop: e.run.NewLoop()})
	}
	e.waking.reset(n)
	e.quit.Store(false)
	e.layout.Store(nil)
	e.startErr.Store(nil)
	e.done, e.err = make(chan struct{}), nil
	serving := make(chan []net.Addr, 1)
	go func() {
		defer close(e.done)
		defer func() {
			if v := recover(); v != nil {
				e.err = fmt.Errorf("evio: %v", v)
			}
		}()
		e.err = evio.Serve(e.events(n, serving), e.addrs()...)
	}()
	select {
	case addrs = <-serving:
	case <-e.done:
		return nil, e.why()
	}
	err = e.waking.await(e.wakePath(), e.done)
	settle(e.serveID, e.started, e.done)
	if err != nil {
		e.End()
		<-e.done
		return nil, errors.Join(err, e.why())
	}
	return addrs, nil
}

func (e *engine) addrs() []string {
	var addrs []string
	for _, a := range e.listens {
		addrs = append(addrs, a.String())
	}
	return append(addrs, "unix://"+e.wakePath())
}

func (e *engine) events(n int, serving chan<- []net.Addr) evio.Events {
	return evio.Events{
		NumLoops: n, LoadBalance: evio.LeastConnections,
		Opened: e.opened, Data: e.data, Closed: e.closed,
		Serving: func(s evio.Server) evio.Action {
			e.serveID, e.started = goroutine(), time.Now()
			// Before any client is accepted, so that each loop gets one.
			for range n {
				if err := e.waking.dial(e.wakePath()); err != nil {
					e.startErr.Store(&err)
					return evio.Shutdown
				}
			}
			for i := range e.listens { // before evio's loops are there to read them
				e.listens[i] = e.listens[i].Fixed(s.Addrs[i])
			}
			e.run.Listening()
			serving <- s.Addrs[:len(e.listens)]
			return evio.None
		},
	}
}

// Ended tells when evio.Serve has returned.
func (e *engine) Ended() (<-chan struct{}, func() error) { return e.done, e.why }

func (e *engine) why() error {
	if err := e.startErr.Load(); err != nil {
		return errors.Join(e.err, *err)
	}
	return e.err
}

// StopAccepting has nothing to do: evio goes on accepting, and opened refuses.
func (e *engine) StopAccepting() {}

// End makes every loop of evio end.
func (e *engine) End() {
	e.quit.Store(true)
	for _, l := range e.loops {
		l.Kick()
	}
}

// Cleanup closes what evio does not know of.
func (e *engine) Cleanup() {
	for _, l := range e.loops {
		if l.turn != nil {
			l.turn.close()
		}
	}
	e.waking.closeAll()
	e.freeSpares()
}

// freeSpares closes the descriptors that Start has reserved. Evio closes its
// listeners' numbers twice; a descriptor that another goroutine opens between
// the two gets one of the lower numbers freed here rather than theirs. Against
// four goroutines that did nothing but open and close, a stop of evio closed
// one of their descriptors 11 times in 100 without spares, and once with 16.
func (e *engine) freeSpares() {
	frontend.Free(e.spares)
	e.spares = nil
}
