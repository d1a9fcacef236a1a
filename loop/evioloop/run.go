//go:build linux || darwin || freebsd

package evioloop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/evio"
	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

const (
	// A failed start, or an evio that ends within healthyAfter, is followed by
	// a pause that doubles from firstPause to longestPause; maxFailures of
	// them in a row, about half a minute, end Serve.
	firstPause   = 10 * time.Millisecond
	longestPause = time.Second
	maxFailures  = 36
	healthyAfter = time.Second

	// drainTime is how long functions may go on posting others at the end.
	drainTime = 250 * time.Millisecond
)

// run is one call of Serve: one evio server after another.
type run struct {
	srv     *Server
	listens []listenAddr
	q       queue
	flusher *loop.Loop // sends output when clients make room
	dir     string     // holds the wake socket; only this user can enter

	stopping atomic.Bool // take no more connections
	quit     atomic.Bool // evio shall end
	failed   chan error  // why Serve has to end

	wakeMu  sync.Mutex    // guards wakeFD
	wakeFD  int           // our end of the wake connection; -1 while evio is down
	standby chan struct{} // is woken instead

	empty chan struct{} // closed when the server stops and no connection is left

	// Written by evio.Serve's goroutine before it announces itself.
	serveID []byte
	started time.Time
	dialErr error

	// The rest belongs to the executor's goroutine: evio's loop, while it
	// lives, otherwise whoever acts for it.
	conns    map[*Conn]struct{}
	isEmpty  bool
	late     []*Conn // closed by evio at its end; Closed is still to be called
	wakeConn evio.Conn
	layout   layout
	pollFD   int // evio's poll; -1 until the first connection shows it
	maxFD    int // a duplicate with this number or a higher one is refused
	loopGID  uintptr
	unmark   func()
	spares   []int
}

func (s *Server) serve(ctx context.Context, listens []listenAddr) (err error) {
	r := &run{
		srv: s, listens: listens, failed: make(chan error, 1), wakeFD: -1, pollFD: -1,
		standby: make(chan struct{}, 1), empty: make(chan struct{}), conns: map[*Conn]struct{}{},
	}
	r.q.wake = r.wake
	if r.dir, err = privateDir(); err != nil {
		return fmt.Errorf("evioloop: %w", err)
	}
	defer os.RemoveAll(r.dir)
	if r.flusher, err = loop.Start(context.Background()); err != nil {
		return fmt.Errorf("evioloop: %w", err)
	}
	defer r.flusher.Close()
	defer r.finish()
	return r.supervise(ctx)
}

// supervise runs evio again and again until the server is to end.
func (r *run) supervise(ctx context.Context) error {
	failures := 0
	for first := true; ; first = false {
		began := time.Now()
		up, err := r.attempt(ctx, first)
		switch {
		case r.quit.Load():
			select {
			case err := <-r.failed:
				return err
			default:
				return nil
			}
		case ctx.Err() != nil:
			return nil
		case first && !up:
			return err
		case up && time.Since(began) > healthyAfter:
			failures = 0
		case failures == maxFailures:
			return fmt.Errorf("evioloop: evio does not stay up: %w", err)
		}
		pause := min(firstPause<<min(failures, 10), longestPause)
		failures++
		r.srv.logger().Error("evioloop: evio stopped and will be restarted", "err", err, "pause", pause)
		if !r.pause(ctx, pause) {
			return nil
		}
	}
}

// attempt runs evio until it ends, and cleans up after it. up tells whether it
// came as far as listening.
func (r *run) attempt(ctx context.Context, first bool) (up bool, err error) {
	if r.spares, err = reserve(r.dir, spare+12+2*len(r.listens)); err != nil {
		return false, fmt.Errorf("evioloop: too few descriptors are free (see ulimit -n): %w", err)
	}
	defer r.freeSpares()
	r.maxFD = descriptorLimit()
	serving := make(chan []net.Addr, 1)
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("evio: %v", v)
			}
			done <- err
		}()
		err = evio.Serve(r.events(serving, first), r.addrs()...)
	}()
	defer r.evioEnded()
	select {
	case addrs := <-serving:
		r.listening(addrs, first)
	case err = <-done:
		return false, fmt.Errorf("evioloop: %w", errors.Join(err, r.dialErr))
	}
	select {
	case err = <-done:
		return true, errors.Join(errEvioEnded, err)
	case <-ctx.Done():
		r.stop(done)
	case err := <-r.failed:
		r.failed <- err
		r.end(done)
	}
	return true, nil
}

func (r *run) addrs() []string {
	var addrs []string
	for _, a := range r.listens {
		addrs = append(addrs, a.String())
	}
	return append(addrs, "unix://"+r.wakePath())
}

func (r *run) wakePath() string { return filepath.Join(r.dir, "wake") }

func (r *run) events(serving chan<- []net.Addr, first bool) evio.Events {
	return evio.Events{
		NumLoops: 1, Opened: r.opened, Data: r.data, Closed: r.closed,
		Serving: func(s evio.Server) evio.Action {
			r.serveID, r.started = goroutine(), time.Now()
			fd, err := connectUnix(r.wakePath())
			if r.dialErr = err; err != nil {
				return evio.Shutdown
			}
			r.wakeMu.Lock()
			r.wakeFD = fd
			r.wakeMu.Unlock()
			for i := range r.listens { // before evio's loop is there to read them
				r.listens[i] = r.listens[i].fixed(s.Addrs[i])
			}
			if !first {
				r.srv.restarts.Add(1)
			}
			serving <- s.Addrs[:len(r.listens)]
			return evio.None
		},
	}
}

// listening makes the new evio look at what was posted in the meantime, and
// tells the user, the first time.
func (r *run) listening(addrs []net.Addr, first bool) {
	r.q.rekick()
	if !first || r.srv.Ready == nil {
		return
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		r.callReady(addrs)
	}()
	<-told
}

// wake makes evio call data, on its loop, by one byte on the wake connection.
// Any goroutine.
func (r *run) wake() {
	r.wakeMu.Lock()
	defer r.wakeMu.Unlock()
	if r.wakeFD >= 0 {
		// It fails if bytes that wake already fill the socket, or if evio
		// has ended, and then evioEnded sees to what was posted.
		_, _ = send(r.wakeFD, []byte{0})
		return
	}
	select {
	case r.standby <- struct{}{}:
	default:
	}
}

// fail makes Serve end with err.
func (r *run) fail(err error) {
	select {
	case r.failed <- err:
	default:
	}
}

// stop is the graceful end.
func (r *run) stop(done chan error) {
	r.stopping.Store(true)
	_ = r.q.post(posted{fn: func() { // the queue is open until finish
		for c := range r.conns {
			c.closeWith(loop.ErrClosed)
		}
		r.checkEmpty()
	}})
	grace := time.NewTimer(max(r.srv.grace(), 0))
	defer grace.Stop()
	select {
	case <-r.empty:
	case <-grace.C:
	case err := <-done:
		done <- err
	}
	r.end(done)
}

// end makes evio end, and waits until it has.
func (r *run) end(done <-chan error) {
	settle(r.serveID, r.started, done)
	r.quit.Store(true)
	r.q.rekick()
	<-done
}

// evioEnded makes the state ready for the next evio. From here on the stand-in
// is the executor.
func (r *run) evioEnded() {
	r.wakeMu.Lock()
	if r.wakeFD >= 0 {
		unix.Close(r.wakeFD)
		r.wakeFD = -1
	}
	r.wakeMu.Unlock()
	if r.unmark != nil {
		r.unmark()
	}
	r.unmark, r.loopGID, r.wakeConn, r.pollFD = nil, 0, nil, -1
	for len(r.late) > 0 {
		r.standIn(func() {
			for len(r.late) > 0 {
				c := r.late[0]
				r.late = r.late[1:]
				c.end()
			}
		})
	}
}

// standIn runs f on a goroutine that counts as the executor's. It returns when
// f has, or has ended its goroutine.
func (r *run) standIn(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer owner.Mark()()
		f()
	}()
	<-done
}

// pause lets time go by while posted functions are run. It reports whether ctx
// is still alive.
func (r *run) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		for r.q.waiting() {
			r.standIn(func() { r.q.run(r.callPosted) })
		}
		select {
		case <-t.C:
			return true
		case <-ctx.Done():
			return false
		case <-r.standby:
		}
	}
}

// finish ends every connection that is left, runs what is posted, and closes
// the queue.
func (r *run) finish() {
	r.stopping.Store(true)
	for len(r.conns) > 0 {
		r.standIn(func() {
			for c := range r.conns {
				c.abort(loop.ErrClosed)
				c.end()
			}
		})
	}
	for end := time.Now().Add(drainTime); !r.q.closeIfEmpty(time.Now().After(end)); {
		r.standIn(func() { r.q.run(r.callPosted) })
	}
	for r.q.waiting() {
		r.standIn(func() { r.q.run(r.callPosted) })
	}
}

// freeSpares closes the descriptors that attempt has reserved. Evio closes its
// listeners' numbers twice; a descriptor that another goroutine opens between
// the two gets one of the lower numbers freed here rather than theirs. Against
// four goroutines that did nothing but open and close, a stop of evio closed
// one of their descriptors 11 times in 100 without spares, and once with 16.
func (r *run) freeSpares() {
	for _, fd := range r.spares {
		unix.Close(fd)
	}
	r.spares = nil
}
