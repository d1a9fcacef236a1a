//go:build linux || darwin || freebsd

package gnetloop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/queue"
	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/frontend"
)

// engine runs one gnet engine after another.
type engine struct {
	gnet.BuiltinEventEngine
	run     *frontend.Run
	srv     *Server
	listens []frontend.Addr

	// Of the gnet engine that runs.
	gnet    gnet.Engine
	booted  chan struct{}
	bootErr error
	done    chan struct{}
	err     error // why gnet ended, once done is closed
	maxFD   int   // a connection with this number or a higher one is refused
	local   []net.Addr
	lns     []int       // duplicates of the listeners' descriptors
	planned atomic.Bool // StopAccepting was called

	refusing     sync.Once
	acceptorEnds atomic.Bool   // because of StopAccepting
	release      chan struct{} // closed when the loops may end
	released     sync.Once

	mu     sync.Mutex // guards the rest
	loops  map[gnet.EventLoop]*gnetLoop
	locals map[net.Addr]net.Addr // what gnet says of a listener's address: the real one
	ending bool                  // the loops are about to end
}

// gnetLoop is one of gnet's loops.
type gnetLoop struct {
	*frontend.Loop
	seen  bool // its poll has been looked at; the loop's goroutine only
	tasks []queue.AsyncTaskQueue
}

func (s *Server) serve(ctx context.Context, listens []frontend.Addr) error {
	if ultimate {
		return errors.New("gnetloop: built with gnet's tag poll_opt, whose polls can not be asked to leave out a connection")
	}
	return frontend.Serve(ctx, s.config(), func(run *frontend.Run) frontend.Engine {
		return &engine{run: run, srv: s, listens: listens}
	})
}

// Start runs gnet until it listens.
func (e *engine) Start() ([]net.Addr, error) {
	n := max(e.srv.Loops, 1)
	if _, err := frontend.Reserve(12+3*n+2*len(e.listens), 0); err != nil {
		return nil, err
	}
	if err := probe(e.listens); err != nil {
		return nil, err
	}
	e.maxFD = frontend.DescriptorLimit()
	e.booted, e.bootErr = make(chan struct{}), nil
	e.done, e.err = make(chan struct{}), nil
	e.local, e.lns = nil, nil
	e.planned.Store(false)
	e.acceptorEnds.Store(false)
	e.refusing = sync.Once{}
	e.release, e.released = make(chan struct{}), sync.Once{}
	e.mu.Lock()
	e.loops, e.locals, e.ending = map[gnet.EventLoop]*gnetLoop{}, map[net.Addr]net.Addr{}, false
	e.mu.Unlock()
	go func() {
		defer close(e.done)
		e.err = gnet.Rotate(e, e.addrs(), gnet.WithNumEventLoop(n), gnet.WithReuseAddr(true),
			gnet.WithLogger(logger{e.srv.logger(), &e.planned}))
	}()
	select {
	case <-e.booted:
	case <-e.done:
	}
	if err := e.bootErr; err != nil {
		<-e.done
		return nil, err
	}
	select {
	case <-e.done:
		return nil, fmt.Errorf("gnet: %w", e.err)
	default:
		return e.local, nil
	}
}

// addrs gives each address that leaves the choice of the port to the system a
// name of its own, 0, 00 and so on, by which gnet can be asked for it.
func (e *engine) addrs() []string {
	var addrs []string
	for i, a := range e.listens {
		e.listens[i] = unique(a, i)
		addrs = append(addrs, e.listens[i].String())
	}
	return addrs
}

func unique(a frontend.Addr, i int) frontend.Addr {
	if host, port, err := net.SplitHostPort(a.Address); err == nil && a.Network != "unix" && strings.Trim(port, "0") == "" {
		a.Address = net.JoinHostPort(host, strings.Repeat("0", i+1))
	}
	return a
}

// probe listens on every address for a moment: gnet, which listens on one after
// another, forgets to close the first when a later one is taken.
func probe(listens []frontend.Addr) error {
	if len(listens) == 1 {
		return nil
	}
	for _, a := range listens {
		if a.Network == "unix" {
			unix.Unlink(a.Address) // nobody listens there, and gnet would delete it
		}
		ln, err := net.Listen(a.Network, a.Address)
		if err != nil {
			return err
		}
		defer ln.Close() // together, so that a double one is noticed
	}
	return nil
}

// OnBoot is called when gnet listens, before it accepts.
func (e *engine) OnBoot(g gnet.Engine) gnet.Action {
	defer close(e.booted)
	e.gnet = g
	for i, a := range e.listens {
		network, address := "tcp", a.Address // as gnet has it
		if a.Network == "unix" {
			network, address = a.Network, path.Clean(a.Address)
		}
		fd, err := g.DupListener(network, address)
		if err != nil {
			e.bootErr = fmt.Errorf("find the listener %s of gnet: %w", a, err)
			return gnet.Shutdown
		}
		e.lns = append(e.lns, fd)
		var local net.Addr = &net.UnixAddr{Net: "unix", Name: a.Address}
		if a.Network != "unix" {
			local = frontend.BoundAddr(fd)
		}
		e.local = append(e.local, local)
		e.listens[i] = a.Fixed(local)
	}
	e.run.Listening()
	return gnet.None
}

// Ended tells when gnet.Rotate has returned.
func (e *engine) Ended() (<-chan struct{}, func() error) {
	return e.done, func() error { return e.err }
}

// StopAccepting ends gnet's acceptor by shutting the listeners down, which it
// takes for an accept error. Gnet would otherwise end its acceptor and its loops
// at the same time, and lose the descriptors of connections that are on their
// way from one to the other. The acceptor's end is that of the engine; OnShutdown
// holds it up.
//
// It does not notice that a unix socket is shut down. Then what is left in the
// queue is accepted here, and nothing more comes.
//
// It is called on the goroutine of Serve, and on that of a loop which a callback
// ends.
func (e *engine) StopAccepting() { e.refusing.Do(e.stopAccepting) }

func (e *engine) stopAccepting() {
	e.planned.Store(true)
	for i, fd := range e.lns {
		err := unix.Shutdown(fd, unix.SHUT_RDWR) // fails on other systems than Linux
		switch {
		case err == nil && e.listens[i].Network != "unix":
			e.acceptorEnds.Store(true)
		case err == nil:
			refuse(fd)
		}
	}
}

// refuse closes the connections that wait at a listener.
func refuse(fd int) {
	for {
		c, _, err := unix.Accept(fd)
		if err != nil {
			return
		}
		unix.Close(c)
	}
}

// stop makes gnet call OnShutdown. Engine.Stop would then look whether it has
// ended, twice a second, but for the context.
func (e *engine) stop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = e.gnet.Stop(ctx) // that it waits no longer, or that gnet has ended
}

// OnShutdown is called, whatever gnet says of it, before the loops end: they go
// on as long as it does not return. Afterwards nothing may be executed on them:
// gnet would write to a descriptor that may be closed.
func (e *engine) OnShutdown(gnet.Engine) {
	if e.planned.Load() {
		<-e.release
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ending = true
	for _, l := range e.loops {
		l.Ending()
	}
}

// End makes gnet end. An acceptor that ends does that by itself, when it is
// through with what it has accepted.
func (e *engine) End() {
	e.released.Do(func() { close(e.release) })
	if !e.acceptorEnds.Load() {
		e.stop()
	}
}

// Goexit makes gnet end after a callback has ended a goroutine of it, which
// gnet itself would not notice.
func (e *engine) Goexit(*frontend.Loop) {
	e.StopAccepting()
	e.End()
}

// Cleanup closes what gnet does not know of, or has forgotten: connections on
// their way to a loop that had ended.
func (e *engine) Cleanup() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.loops {
		for _, q := range l.tasks {
			for task := q.Dequeue(); task != nil; task = q.Dequeue() {
				if gc, ok := task.Param.(gnet.Conn); ok {
					unix.Close(gc.Fd())
				}
			}
		}
	}
	e.loops = nil
	frontend.Free(e.lns)
	e.lns = nil
}
