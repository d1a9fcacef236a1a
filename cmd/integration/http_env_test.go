package integration

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

type httpWay struct {
	name    string
	tls, h2 bool
}

var httpWays = []httpWay{
	{name: "HTTP/1.1"},
	{name: "HTTP/1.1 over TLS", tls: true},
	{name: "HTTP/2 over TLS", tls: true, h2: true},
}

type listenFunc func(*loop.Loop) (net.Listener, error)

func listenNative(*loop.Loop) (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// httpEnv is an env with a server that a test gives a handler, and a client.
type httpEnv struct {
	*env
	way    httpWay
	web    *httptest.Server
	client *http.Client
	dialer *countingDialer // not used by a client on Go's own sockets
	dials  atomic.Int32

	handler atomic.Pointer[http.HandlerFunc]
}

func newHTTPEnv(t testing.TB, way httpWay, listen listenFunc, fakeClient bool) *httpEnv {
	t.Helper()
	e := &httpEnv{env: newEnv(t), way: way}
	ln, err := listen(e.l)
	if err != nil {
		t.Fatal(err)
	}
	e.web = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if want := map[bool]int{false: 1, true: 2}[way.h2]; r.ProtoMajor != want {
			t.Errorf("a request by HTTP/%d", r.ProtoMajor)
		}
		(*e.handler.Load())(w, r)
	}))
	e.web.Listener.Close() // the one that it came with
	e.web.Listener = ln
	e.web.EnableHTTP2 = way.h2
	transport := &http.Transport{ForceAttemptHTTP2: way.h2, ExpectContinueTimeout: 2 * patience, MaxIdleConnsPerHost: 8}
	if way.tls {
		e.web.StartTLS()
		roots := x509.NewCertPool()
		roots.AddCert(e.web.Certificate())
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	} else {
		e.web.Start()
	}
	e.dialer = &countingDialer{d: &fakesock.Dialer{Loop: e.l}}
	dial := e.dialer.DialContext
	if !fakeClient {
		dial = new(net.Dialer).DialContext
	}
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		e.dials.Add(1)
		return dial(ctx, network, addr)
	}
	e.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		e.web.Close()
		if fakeClient {
			e.dialer.wantFake(t)
		}
	})
	return e
}

// serve sets what the server does.
func (e *httpEnv) serve(h http.HandlerFunc) { e.handler.Store(&h) }

// get requests and reads the whole answer.
func (e *httpEnv) get(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.web.URL, nil)
	if err != nil {
		return "", err
	}
	return readAnswer(e.client.Do(req))
}

func readAnswer(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(body), err
}
