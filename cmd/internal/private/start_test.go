package private

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestAMissingServerSkipsOrFails(t *testing.T) {
	_, err := newServer(kind{program: "no-such-server", debian: "no-such-package"})
	if !errors.Is(err, ErrNotInstalled) || !strings.Contains(err.Error(), "make deps") {
		t.Fatalf("got %v; want ErrNotInstalled and what to do", err)
	}
	for _, c := range []struct{ all, want string }{{"", "skipped"}, {"1", "failed"}} {
		t.Setenv("VALET_REQUIRE_ALL", c.all)
		tb := &recorder{TB: t}
		require(tb, err)
		if tb.outcome != c.want {
			t.Errorf("VALET_REQUIRE_ALL=%q: %q; want %q", c.all, tb.outcome, c.want)
		}
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	s := newShell(t, "echo no such luck; exit 1")
	err := s.startAnywhere(t.Context())
	if !errors.Is(err, errExited) || !strings.Contains(err.Error(), "no such luck") {
		t.Fatalf("got %v; want errExited and what the program printed", err)
	}
}

func TestAServerThatNeverAnswersEndsWithTheContext(t *testing.T) {
	s := newShell(t, "exec sleep 3600")
	ctx, cancel := context.WithCancel(t.Context())
	s.kind.ready = func(context.Context, *Server) error {
		cancel()
		return errors.New("not yet")
	}
	if err := s.startAnywhere(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v; want context.Canceled", err)
	}
}

func TestATakenPortIsGivenUpForAnother(t *testing.T) {
	s := newShell(t, "")
	attempts := 0
	s.kind.args = func(*Server) []string {
		if attempts++; attempts == 1 {
			return []string{"-c", "echo Address already in use; exit 1"}
		}
		return []string{"-c", "exec sleep 3600"}
	}
	s.kind.ready = func(context.Context, *Server) error {
		if attempts == 1 {
			return errors.New("not yet")
		}
		return nil
	}
	if err := s.startAnywhere(t.Context()); err != nil || attempts != 2 {
		t.Fatalf("%d attempts, %v; want success with the second", attempts, err)
	}
}

// newShell is a server that is a shell script.
func newShell(t *testing.T, script string) *Server {
	t.Helper()
	s, err := newServer(kind{
		program: "sh",
		args:    func(*Server) []string { return []string{"-c", script} },
		ready:   func(context.Context, *Server) error { return errors.New("not ready") },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// recorder is a test that notes how it would have ended.
type recorder struct {
	TB
	outcome string
}

func (r *recorder) Helper()      {}
func (r *recorder) Skip(...any)  { r.outcome = "skipped" }
func (r *recorder) Fatal(...any) { r.outcome = "failed" }
