package fakesock

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"testing"
	"time"
)

// A server and a client of net/http, both ends of every connection on the loop.
func TestHTTPOverBothEnds(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			l := startLoop(t)
			ln := listenFake(t, l, network)
			body := pattern(5 << 20)
			file := tempFile(t, body)
			inside, release := make(chan struct{}), make(chan struct{})
			mux := http.NewServeMux()
			mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
			mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) {
				http.ServeFile(w, r, file.Name())
			})
			mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
				close(inside)
				<-release
				io.WriteString(w, "late")
			})
			srv := &http.Server{Handler: mux, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
			served := make(chan error, 1)
			go func() { served <- srv.Serve(ln) }()

			d := &Dialer{Loop: l}
			tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return d.DialContext(ctx, network, ln.Addr().String())
			}}
			defer tr.CloseIdleConnections()
			client := &http.Client{Transport: tr, Timeout: time.Minute}
			var reused atomic.Int32
			ask := func(method, path string, send []byte, want []byte) error {
				ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
					GotConn: func(i httptrace.GotConnInfo) {
						if i.Reused {
							reused.Add(1)
						}
					},
				})
				req, err := http.NewRequestWithContext(ctx, method, "http://host"+path, bytes.NewReader(send))
				if err != nil {
					return err
				}
				resp, err := client.Do(req)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				if err == nil && !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, want %d, or others", path, len(got), len(want))
				}
				return err
			}
			for range 20 {
				if err := ask("POST", "/echo", []byte("small"), []byte("small")); err != nil {
					t.Fatal(err)
				}
			}
			if n := reused.Load(); n != 19 {
				t.Errorf("%d of 20 requests reused the connection, want 19", n)
			}
			if err := ask("POST", "/echo", body, body); err != nil {
				t.Fatal(err)
			}
			if err := ask("GET", "/file", nil, body); err != nil {
				t.Fatal(err)
			}
			slow := make(chan error, 1)
			go func() { slow <- ask("GET", "/slow", nil, []byte("late")) }()
			await(t, inside)
			down := make(chan error, 1)
			go func() { down <- srv.Shutdown(context.Background()) }()
			if err := await(t, served); !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
			close(release)
			if err := await(t, slow); err != nil {
				t.Errorf("the request that was running when the server was shut down: %v", err)
			}
			if err := await(t, down); err != nil {
				t.Error(err)
			}
		})
	}
}
