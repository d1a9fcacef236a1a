// Package natsd starts a NATS server inside this process, on a free port of
// 127.0.0.1, silent and without JetStream. It is not in package embedded, so that
// who needs a broker does not get the databases as well.
package natsd

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// startTimeout bounds a start.
const startTimeout = 30 * time.Second

// Server is a NATS server. Its methods may be called from any goroutine.
type Server struct {
	opts *server.Options

	mu  sync.Mutex
	srv *server.Server // guarded by mu; the last one started
}

// Start starts nats-server, with settings that configure may change, if it is
// not nil.
func Start(configure func(*server.Options)) (*Server, error) {
	n := &Server{opts: &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true}}
	if configure != nil {
		configure(n.opts)
	}
	if err := n.start(); err != nil {
		return nil, err
	}
	n.opts.Port = n.srv.Addr().(*net.TCPAddr).Port // for Restart
	return n, nil
}

func (n *Server) start() error {
	srv, err := server.NewServer(n.opts.Clone())
	if err != nil {
		return fmt.Errorf("natsd: start nats-server: %w", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) {
		srv.Shutdown()
		srv.WaitForShutdown()
		return errors.New("natsd: nats-server does not listen")
	}
	n.srv = srv
	return nil
}

// Addr is the host and port that the server listens on, the same after a
// Restart.
func (n *Server) Addr() string { return fmt.Sprintf("%s:%d", n.opts.Host, n.opts.Port) }

// Last returns the server that was started last, to look into.
func (n *Server) Last() *server.Server {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.srv
}

// Close stops the server, hangs up on its clients and waits until it has ended.
// It may be called more than once.
func (n *Server) Close() {
	srv := n.Last()
	srv.Shutdown()
	srv.WaitForShutdown()
}

// Restart closes the server if it runs and starts it again at the same address.
func (n *Server) Restart() error {
	n.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.start()
}
