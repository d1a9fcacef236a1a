package bus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/cmd/internal/natsd"
	"github.com/valet-go/valet/loop"
)

func TestURLErrorsSayWhatToDoAndNoPassword(t *testing.T) {
	for raw, want := range map[string]string{
		"":                               "begin with nats://",
		"127.0.0.1:4222":                 "cannot be read",
		"localhost:4222":                 "begin with nats://",
		"kafka://u:secret@host":          "begin with nats://",
		"nats://":                        "names no host",
		"redis://u:secret@":              "names no host",
		"nats://u:sec/ret@host:4222":     "cannot be read",
		"redis://secret/of@host:6379":    "behind the host",
		"redis://u:se%ret@host:6379":     "cannot be read",
		"nats://u:secret@host:4222/1":    "nothing may follow",
		"tls://u:secret@host:4222?x=1":   "nothing may follow",
		"redis://u:secret@host:6379/one": "invalid database number",
		"redis://u:secret@host?wrong=1":  "unexpected option",
	} {
		b, err := Open(t.Context(), newAdapter(t), raw, func([]byte) {})
		if b != nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v; want %q, and no password", raw, err, want)
		}
		if !strings.HasPrefix(err.Error(), "bus: ") || want != "invalid database number" && want != "unexpected option" && !errors.Is(err, ErrURL) {
			t.Errorf("%s: %v is not %v", raw, err, ErrURL)
		}
	}
}

func newAdapter(t *testing.T) *adapter.Adapter {
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return adapter.New(l)
}

// secured starts each broker with TLS and a user.
var secured = map[string]func(*testing.T, *tls.Config) *url.URL{
	"NATS": func(t *testing.T, cfg *tls.Config) *url.URL {
		srv, err := natsd.Start(func(o *server.Options) {
			o.Username, o.Password, o.TLSConfig = "valet", "secret", cfg
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(srv.Close)
		return &url.URL{Scheme: "tls", Host: srv.Addr()}
	},
	"Redis": func(t *testing.T, cfg *tls.Config) *url.URL {
		srv := miniredis.NewMiniRedis()
		srv.RequireUserAuth("valet", "secret")
		if err := srv.StartTLS(cfg); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(srv.Close)
		return &url.URL{Scheme: "rediss", Host: srv.Addr()}
	},
}

func TestTLSAndPasswords(t *testing.T) {
	// httptest has a certificate for 127.0.0.1.
	issuer := httptest.NewTLSServer(nil)
	defer issuer.Close()
	roots := x509.NewCertPool()
	roots.AddCert(issuer.Certificate())
	trusting := WithTLS(&tls.Config{RootCAs: roots})
	for name, start := range secured {
		t.Run(name, func(t *testing.T) {
			u := start(t, &tls.Config{Certificates: issuer.TLS.Certificates})
			u.User = url.UserPassword("valet", "secret")
			a, b := join(t, u.String(), trusting), join(t, u.String(), trusting)
			a.send("hello")
			a.wants("hello")
			b.wants("hello")

			_, err := Open(t.Context(), newAdapter(t), u.String(), func([]byte) {})
			var unknown x509.UnknownAuthorityError
			if !errors.As(err, &unknown) {
				t.Errorf("with an unknown authority: %v", err)
			}
			u.User = url.UserPassword("valet", "hunter2")
			_, err = Open(t.Context(), newAdapter(t), u.String(), func([]byte) {}, trusting)
			if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), u.Host) {
				t.Errorf("with a wrong password: %v", err)
			}
		})
	}
}

func TestOpenFailsWhereNobodyListens(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	for _, scheme := range []string{"nats", "redis"} {
		_, err := Open(t.Context(), newAdapter(t), scheme+"://u:secret@"+ln.Addr().String(), func([]byte) {})
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), ln.Addr().String()) {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, scheme := range []string{"nats", "redis"} {
		ctx, cancel := context.WithCancel(t.Context())
		hungUp := make(chan error, 1)
		go func() { // a server that never says a word
			c, err := ln.Accept()
			if err != nil {
				hungUp <- err
				return
			}
			defer c.Close()
			cancel()
			_, err = io.Copy(io.Discard, c)
			hungUp <- err
		}()
		b, err := Open(ctx, newAdapter(t), scheme+"://"+ln.Addr().String(), func([]byte) {})
		if b != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", scheme, err)
		}
		if err := await(t, hungUp); err != nil {
			t.Errorf("%s: the server saw %v", scheme, err)
		}
	}
}

func TestOpenRefusesToBlockALoop(t *testing.T) {
	a := newAdapter(t)
	came := make(chan error, 1)
	if err := a.Loop().Post(func() {
		_, err := Open(context.Background(), a, "nats://127.0.0.1:4222", func([]byte) {})
		came <- err
	}); err != nil {
		t.Fatal(err)
	}
	if err := await(t, came); !errors.Is(err, loop.ErrWouldBlockLoop) {
		t.Errorf("got %v, want %v", err, loop.ErrWouldBlockLoop)
	}
}
