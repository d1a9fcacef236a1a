package adapter

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// valued is a handler that adds a value of the context to what it logs.
type valued struct{ slog.Handler }

func (h valued) Handle(ctx context.Context, r slog.Record) error {
	r.AddAttrs(slog.Any("request", ctx.Value(hookKey{})))
	return h.Handler.Handle(ctx, r)
}

func TestLogHookLogsWithTheCallsContext(t *testing.T) {
	buf := new(syncBuffer)
	log := slog.New(valued{slog.NewTextHandler(buf, &slog.HandlerOptions{Level: slog.LevelDebug})})
	a := newAdapter(t).Backend("db", WithHook(LogHook(log)))
	ctx := context.WithValue(bg, hookKey{}, 42)
	for _, err := range []error{nil, errTest} {
		cb, got := into[int]()
		Go(ctx, a, func(context.Context) (int, error) { return 0, err }, cb, Name("find"))
		wantErr(t, got, err)
	}
	cb, got := into[int]()
	Go(ctx, a, func(context.Context) (int, error) { panic("boom") }, cb)
	await(t, got)
	lines := strings.Split(strings.TrimSpace(buf.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("logged %q", lines)
	}
	for i, want := range [][]string{
		{"level=DEBUG", `msg="call ended"`, "backend=db", "call=find", "waited=", "ran="},
		{"level=WARN", `msg="call ended"`, "call=find", `error="test: failed"`},
		{"level=ERROR", `msg="panic in a call"`, "panic=boom", "hook_test.go"},
		{"level=WARN", "boom"},
	} {
		for _, s := range append(want, "request=42") {
			if !strings.Contains(lines[i], s) {
				t.Errorf("line %d lacks %s: %s", i, s, lines[i])
			}
		}
	}
	if strings.Contains(lines[0], "error=") {
		t.Errorf("a success is logged with an error: %s", lines[0])
	}
}

// syncBuffer may be written and read by several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// captureLog makes slog's default write into the buffer for the test.
func captureLog(t *testing.T) *syncBuffer {
	buf, old := new(syncBuffer), slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(buf, nil)))
	t.Cleanup(func() { slog.SetDefault(old) })
	return buf
}
