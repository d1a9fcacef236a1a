package main

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestADriverIsTestedOnBothSides runs the whole of it on a made-up driver, whose
// dialer is a variable. One test can tell the fake socket from the real one, and
// another does so only once.
func TestADriverIsTestedOnBothSides(t *testing.T) {
	source := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.test/d\n\ngo 1.26.0\n",
		"d.go":   "package d\n\nimport \"net\"\n\nvar dial = net.Dial\n",
		"d_test.go": `package d

import (
	"io"
	"net"
	"os"
	"testing"
)

func connect(t *testing.T) net.Conn {
	c, err := dial("tcp", os.Getenv("D_ADDR"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestEcho(t *testing.T) {
	c := connect(t)
	c.Write([]byte("abc"))
	if _, err := io.ReadFull(c, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
}

func TestTheRealThing(t *testing.T) {
	if c, ok := connect(t).(*net.TCPConn); !ok {
		t.Errorf("got a %T", c)
	}
}

func TestTheRealThingOnce(t *testing.T) {
	if _, ok := connect(t).(*net.TCPConn); ok {
		return
	}
	if f, err := os.OpenFile(os.Getenv("D_ONCE"), os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		f.Close()
		t.Error("the first time")
	}
}

func TestKnownToFail(t *testing.T) { t.Fatal("as known") }
`,
	} {
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := suite{
		name: "d", module: "example.test/d", packages: []string{"./..."}, atLeast: 2,
		leftOut: []exception{{"^TestKnownToFail$", "it is known"}},
		files: map[string]string{"valet_test.go": `package d

import (
	"context"
	"net"

	"github.com/valet-go/valet/cmd/upstream/dialer"
)

func init() {
	dial = func(network, addr string) (net.Conn, error) {
		return dialer.DialContext(context.Background(), network, addr)
	}
}
`},
	}
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := workspace{filepath.Join(t.TempDir(), s.name)}
	if err := w.fill(t.Context(), root, source, s); err != nil {
		t.Fatal(err)
	}
	once := filepath.Join(t.TempDir(), "once")
	start := func(context.Context) (*server, error) { return startEcho(once) }
	p, err := s.run(t.Context(), w, variant{name: "tcp", start: start})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.passed) != 1 || len(p.findings) != 1 || len(p.problems) != 0 {
		t.Fatalf("passed: %v, findings: %v, problems: %v", p.passed, p.findings, p.problems)
	}
	f := p.findings[0]
	if s.title(f.test) != "TestTheRealThing" || f.what != "passes natively, fails over the fake socket" ||
		!strings.Contains(strings.Join(f.fake, ""), "got a *net.TCPConn") {
		t.Errorf("found %+v", f)
	}
	if len(p.unsteady) != 1 || s.title(p.unsteady[0].test) != "TestTheRealThingOnce" {
		t.Errorf("unsteady: %+v", p.unsteady)
	}
	if d := p.fake.dialled; d.Dials != 3 || d.Read != 3 || d.Written != 3 {
		t.Errorf("counted %+v", d)
	}
	if p.native.connections != 3 || p.fake.connections != 3 {
		t.Errorf("the server counted %d and %d connections", p.native.connections, p.fake.connections)
	}
}

// startEcho starts a server that sends back what it gets. Its tests may make a file
// called once.
func startEcho(once string) (*server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var count atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			count.Add(1)
			io.Copy(c, c)
			c.Close()
		}
	}()
	return &server{
		env:         []string{"D_ADDR=" + ln.Addr().String(), "D_ONCE=" + once},
		connections: func(context.Context) (int, error) { return int(count.Load()), nil },
		close:       func() { ln.Close(); <-done },
	}, nil
}

// TestTheDriversModulesAreFound checks that the table names what there is.
func TestTheDriversModulesAreFound(t *testing.T) {
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suites {
		source, version, err := download(t.Context(), filepath.Join(root, "cmd"), s.module)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
		} else if !strings.HasSuffix(source, "@"+version) {
			t.Errorf("%s is at %s, in version %s", s.name, source, version)
		}
	}
}

func TestAGoCommandThatFailsSaysWhy(t *testing.T) {
	_, _, err := download(t.Context(), ".", "example.test/no/such")
	if err == nil || !strings.Contains(err.Error(), "example.test/no/such") {
		t.Errorf("got %v", err)
	}
}
