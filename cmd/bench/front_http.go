package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/valet-go/valet/loop/evioloop"
	"github.com/valet-go/valet/loop/httploop"
)

// plainText is the type of every answer.
const plainText = "text/plain; charset=utf-8"

// netHTTPFront is package net/http, whose handler asks the database on its own
// goroutine, with the request's context if that is to end.
func netHTTPFront(ctx context.Context, sp spec) (string, error) {
	s, err := nativeMySQL(ctx, sp)
	if err != nil {
		return "", err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, err := keyOf([]byte(r.URL.Path[1:]))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		ctx := context.Background()
		if sp.perRequest() {
			ctx = r.Context()
		}
		v, err := s.read(ctx, key)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", plainText)
		w.Header().Set("Content-Length", strconv.Itoa(len(v))) // as a handler does that knows it
		io.WriteString(w, v)
	}))
	return ln.Addr().String(), nil
}

// httpHandler is what package httploop serves, whatever its host. Calls end
// with the client.
func httpHandler(ask asking) *httploop.Server {
	return &httploop.Server{Handler: func(x *httploop.Exchange) {
		key, err := keyOf(x.Request().URI().Path()[1:])
		if err != nil {
			x.Error(http.StatusNotFound, err.Error())
			return
		}
		ask(x.Context(), x, key, func(v string, err error) {
			if err != nil {
				x.Error(http.StatusInternalServerError, err.Error())
				return
			}
			x.Text(http.StatusOK, v)
		})
	}}
}

// httpFront is package httploop with clients and database on one loop.
func httpFront(ctx context.Context, sp spec) (string, error) {
	l, ask, err := valetMySQL(ctx, sp)
	if err != nil {
		return "", err
	}
	ln, err := httpHandler(ask).Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), nil
}

// httpEvioFront is package httploop on evio's loop, one, and a loop for the
// database.
func httpEvioFront(ctx context.Context, sp spec) (string, error) {
	_, ask, err := valetMySQL(ctx, sp)
	if err != nil {
		return "", err
	}
	srv := httpHandler(ask)
	return serveEvioloop(ctx, &evioloop.Server{
		Opened: func(c *evioloop.Conn) { srv.Opened(c) },
		Data:   func(c *evioloop.Conn, in []byte) { srv.Data(c, in) },
		EOF:    func(c *evioloop.Conn) { srv.EOF(c) },
		Closed: func(c *evioloop.Conn, _ error) { srv.Closed(c) },
	})
}
