package main

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/evioloop"
	"github.com/valet-go/valet/loop/gnetloop"
	"github.com/valet-go/valet/loop/httploop"
)

// pollServer is a server under test.
type pollServer struct {
	addrs     []string
	lines     bool       // its protocol: a line asks, and the answer is one; else HTTP
	waiting   func() int // clients that wait now
	broadcast func(message []byte)
	close     func()
	next      int // message
}

var pollServers = map[string]func(ctx context.Context) (*pollServer, error){
	"native": pollNative,
	"loop":   pollLoop,
	"evio": func(ctx context.Context) (*pollServer, error) {
		return pollHTTPHost(ctx, func(h *httploop.Server, ready func([]net.Addr)) serveFunc {
			return (&evioloop.Server{
				Opened: func(c *evioloop.Conn) { h.Opened(c) },
				Data:   func(c *evioloop.Conn, in []byte) { h.Data(c, in) },
				EOF:    func(c *evioloop.Conn) { h.EOF(c) },
				Closed: func(c *evioloop.Conn, _ error) { h.Closed(c) },
				Ready:  ready,
			}).Serve
		})
	},
	"gnet": func(ctx context.Context) (*pollServer, error) {
		return pollHTTPHost(ctx, func(h *httploop.Server, ready func([]net.Addr)) serveFunc {
			return (&gnetloop.Server{
				Opened: func(c *gnetloop.Conn) { h.Opened(c) },
				Data:   func(c *gnetloop.Conn, in []byte) { h.Data(c, in) },
				EOF:    func(c *gnetloop.Conn) { h.EOF(c) },
				Closed: func(c *gnetloop.Conn, _ error) { h.Closed(c) },
				Ready:  ready,
			}).Serve
		})
	},
}

// pollAddrs are where a server listens: at several addresses, lest the clients
// run out of ports, where that needs no preparation.
func pollAddrs() []string {
	if runtime.GOOS != "linux" {
		return []string{"127.0.0.1:0"}
	}
	return []string{"127.0.0.1:0", "127.0.0.2:0", "127.0.0.3:0", "127.0.0.4:0"}
}

const (
	pollPath = "/poll"
	mostLine = 4 << 10
)

var newline = []byte("\n")

func newExchanges() (*exchanges, *httploop.Server) {
	h := &exchanges{newHub[*httploop.Exchange]()}
	h.hub.answer = h.answer
	return h, &httploop.Server{Handler: h.serve}
}

// pollLoop is httploop on a loop of ours.
func pollLoop(ctx context.Context) (*pollServer, error) {
	h, srv := newExchanges()
	return pollListen(ctx, &pollServer{waiting: h.waiting, broadcast: h.broadcast}, srv.Listen)
}

// pollStreams is the line protocol on a loop of ours.
func pollStreams(ctx context.Context) (*pollServer, error) {
	h := &streams{hub: newHub[*loop.Stream]()}
	h.hub.answer = h.answer
	srv := &pollServer{lines: true, waiting: h.waiting, broadcast: h.broadcast}
	return pollListen(ctx, srv, func(l *loop.Loop, network, addr string, opts ...loop.ListenOption) (*loop.Listener, error) {
		return l.Listen(network, addr, func(s *loop.Stream) {
			h.loop = l
			h.serve(s)
		}, opts...)
	})
}

// pollListen lets a server listen on a loop of ours.
func pollListen(ctx context.Context, srv *pollServer, listen func(*loop.Loop, string, string, ...loop.ListenOption) (*loop.Listener, error)) (*pollServer, error) {
	l, err := loop.Start(ctx)
	if err != nil {
		return nil, err
	}
	for _, addr := range pollAddrs() {
		ln, err := listen(l, "tcp", addr)
		if err != nil {
			l.Close()
			return nil, err
		}
		srv.addrs = append(srv.addrs, ln.Addr().String())
	}
	srv.close = func() { l.Close() }
	return srv, nil
}

// pollHTTPHost is httploop on another host.
func pollHTTPHost(ctx context.Context, host func(*httploop.Server, func([]net.Addr)) serveFunc) (*pollServer, error) {
	h, srv := newExchanges()
	return pollHost(ctx, &pollServer{waiting: h.waiting, broadcast: h.broadcast}, func(ready func([]net.Addr)) serveFunc {
		return host(srv, ready)
	})
}

// pollEvio is the line protocol on evio.
func pollEvio(ctx context.Context) (*pollServer, error) {
	h := &evioClients{newHub[*evioloop.Conn]()}
	h.hub.answer = h.answer
	return pollHost(ctx, &pollServer{lines: true, waiting: h.waiting, broadcast: h.broadcast}, func(ready func([]net.Addr)) serveFunc {
		return (&evioloop.Server{Data: h.data, Closed: h.closed, Ready: ready}).Serve
	})
}

// serveFunc is the method Serve of a host.
type serveFunc func(ctx context.Context, addrs ...string) error

// pollHost lets a server listen on another host.
func pollHost(ctx context.Context, srv *pollServer, host func(ready func([]net.Addr)) serveFunc) (*pollServer, error) {
	ctx, cancel := context.WithCancel(ctx)
	listening, ended := make(chan []net.Addr, 1), make(chan error, 1)
	serve := host(func(addrs []net.Addr) { listening <- addrs })
	go func() { ended <- serve(ctx, pollAddrs()...) }()
	select {
	case err := <-ended:
		cancel()
		return nil, errors.Join(errors.New("the server has ended"), err)
	case on := <-listening:
		for _, a := range on {
			srv.addrs = append(srv.addrs, a.String())
		}
		srv.close = func() {
			cancel()
			<-ended
		}
		return srv, nil
	}
}

// pollNative is net/http with a goroutine for each client, all of which wait for
// the same channel.
func pollNative(context.Context) (*pollServer, error) {
	t := newTopic()
	handler := http.NewServeMux()
	handler.HandleFunc(pollPath, t.serveHTTP)
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	return pollTopic(&pollServer{}, t, func(ln net.Listener) { srv.Serve(ln) }, func() { srv.Close() })
}

// pollThreads is the line protocol with a thread for each client.
func pollThreads(context.Context) (*pollServer, error) {
	t := newTopic()
	return pollLines(t, t.serveThread)
}

// pollGoroutines is the line protocol with a goroutine for each client.
func pollGoroutines(context.Context) (*pollServer, error) {
	t := newTopic()
	return pollLines(t, t.serveGoroutine)
}

// pollLines is the line protocol with a goroutine for each client. Its close waits
// for the clients to go.
func pollLines(t *topic, serve func(net.Conn)) (*pollServer, error) {
	var clients sync.WaitGroup
	return pollTopic(&pollServer{lines: true}, t, func(ln net.Listener) {
		for {
			c, err := ln.Accept()
			if err != nil {
				return // closed
			}
			clients.Go(func() { serve(c) })
		}
	}, clients.Wait)
}

// pollTopic lets a server listen whose handlers wait for a topic.
func pollTopic(srv *pollServer, t *topic, serve func(net.Listener), end func()) (*pollServer, error) {
	var listeners []net.Listener
	var serving sync.WaitGroup
	srv.waiting, srv.broadcast = t.waiting, t.broadcast
	srv.close = func() {
		for _, ln := range listeners {
			ln.Close()
		}
		serving.Wait()
		t.end()
		end()
	}
	for _, addr := range pollAddrs() {
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			srv.close()
			return nil, err
		}
		listeners = append(listeners, ln)
		srv.addrs = append(srv.addrs, ln.Addr().String())
		serving.Go(func() { serve(ln) })
	}
	return srv, nil
}
