package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/internal/leaktest"
	"github.com/valet-go/valet/loop"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestARequestIsTheRootOfItsCallsAndTheyOfTheirCommands(t *testing.T) {
	spans, err := run()
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]tracetest.SpanStub{}
	for _, s := range spans {
		by[s.Name] = s
	}
	root := by["PUT /greeting"]
	if len(spans) != 6 || root.Parent.IsValid() {
		t.Fatalf("%d spans, the root's parent is valid: %t", len(spans), root.Parent.IsValid())
	}
	for name, parent := range map[string]string{
		"cache store": "PUT /greeting", "SET": "cache store", "EXPIRE": "cache store",
		"cache count": "PUT /greeting", "INCR": "cache count",
	} {
		s, p := by[name], by[parent]
		if !s.SpanContext.IsValid() || s.Parent.SpanID() != p.SpanContext.SpanID() || s.SpanContext.TraceID() != root.SpanContext.TraceID() {
			t.Errorf("%q is no child of %q: %+v", name, parent, s)
		}
		if s.StartTime.Before(p.StartTime) || s.EndTime.After(p.EndTime) {
			t.Errorf("%q is from %v to %v, its parent from %v to %v", name, s.StartTime, s.EndTime, p.StartTime, p.EndTime)
		}
	}
	const failure = "ERR value is not an integer or out of range"
	s := by["cache count"]
	if s.Status.Code != codes.Error || s.Status.Description != failure || len(s.Events) != 1 || s.Events[0].Name != "exception" {
		t.Errorf("the call that failed: %+v, %+v", s.Status, s.Events)
	}
	if s := by["cache store"]; s.Status.Code != codes.Unset || len(s.Events) != 0 {
		t.Errorf("the call that did not fail: %+v, %+v", s.Status, s.Events)
	}
}

func TestTheTraceIsPrintedAsATree(t *testing.T) {
	spans, err := run()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	tree(&out, spans, trace.SpanID{}, "")
	var names []string
	for line := range strings.Lines(out.String()) {
		// The name ends where the padding or the duration begins.
		name := line[:len(line)-len(strings.TrimLeft(line, " "))] + strings.Fields(line)[0]
		names = append(names, name)
	}
	want := "PUT\n  cache\n    SET\n    EXPIRE\n  cache\n    INCR"
	if got := strings.Join(names, "\n"); got != want || !strings.Contains(out.String(), "  waited=") ||
		!strings.Contains(out.String(), "  error: ERR value is not an integer") {
		t.Errorf("printed:\n%s", &out)
	}
}

func TestASpanEndsOnceHoweverTheCallDoes(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	ctx := context.Background()
	l, err := loop.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := adapter.New(l, adapter.WithHook(traced(provider.Tracer("test"))), adapter.WithSlots(1), adapter.WithQueue(1))
	started, cb := make(chan struct{}), func(int, error) {}
	runs := adapter.Go(ctx, a, func(ctx context.Context) (int, error) {
		close(started)
		<-ctx.Done()
		return 0, ctx.Err()
	}, cb, adapter.Name("cancelled"))
	<-started
	nothing := func(context.Context) (int, error) { return 0, nil }
	waits := adapter.Go(ctx, a, nothing, cb, adapter.Name("never run"))
	adapter.Go(ctx, a, nothing, cb, adapter.Name("refused"))
	waits.Cancel()
	runs.Cancel()
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	want := map[string]error{
		"default cancelled": context.Canceled, "default never run": context.Canceled, "default refused": adapter.ErrOverloaded,
	}
	spans := exporter.GetSpans()
	for _, s := range spans {
		if err := want[s.Name]; err == nil || !strings.HasPrefix(s.Status.Description, err.Error()) {
			t.Errorf("%q: %+v", s.Name, s.Status)
		}
	}
	if len(spans) != len(want) {
		t.Errorf("%d spans: %v", len(spans), spans)
	}
	if err := provider.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
