// Command tracing makes a span of each call, by OpenTelemetry and a hook of a few
// lines, and prints the trace of one request. It brings a small Redis of its own,
// so nothing has to be running:
//
//	go run ./examples/tracing
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

func main() {
	spans, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tracing:", err)
		os.Exit(1)
	}
	tree(os.Stdout, spans, trace.SpanID{}, "") // from the root, which has no parent
}

// traced is all that it takes. The span goes into the context that the body gets,
// so what the body traces, or the driver's own instrumentation, comes below it.
func traced(tracer trace.Tracer) adapter.Hook {
	return adapter.Hook{
		Start: func(ctx context.Context, c adapter.CallStart) context.Context {
			ctx, _ = tracer.Start(ctx, c.Backend+" "+c.Name)
			return ctx
		},
		End: func(ctx context.Context, c adapter.CallEnd) {
			span := trace.SpanFromContext(ctx)
			span.SetAttributes(attribute.Stringer("waited", c.Waited))
			if c.Err != nil {
				span.RecordError(c.Err)
				span.SetStatus(codes.Error, c.Err.Error())
			}
			span.End()
		},
	}
}

// run serves one request, and returns its spans.
func run() (tracetest.SpanStubs, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	exporter := tracetest.NewInMemoryExporter() // a program's sends them somewhere
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	defer provider.Shutdown(ctx)
	tracer := provider.Tracer("tracing")

	server, err := miniredis.Run()
	if err != nil {
		return nil, err
	}
	defer server.Close()
	l, err := loop.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	dialer := &fakesock.Dialer{Loop: l}
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), Dialer: dialer.DialContext})
	defer rdb.Close()
	cache := adapter.New(l, adapter.WithHook(traced(tracer))).Backend("cache")
	defer cache.Close(ctx)

	// A body with a span for each of its commands. They are children of the
	// call's span, which is in ctx.
	command := func(ctx context.Context, args ...any) error {
		ctx, span := tracer.Start(ctx, args[0].(string))
		defer span.End()
		return rdb.Do(ctx, args...).Err()
	}
	store := func(ctx context.Context) (struct{}, error) {
		if err := command(ctx, "SET", "greeting", "hello from the loop"); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, command(ctx, "EXPIRE", "greeting", 60)
	}
	count := func(ctx context.Context) (struct{}, error) {
		return struct{}{}, command(ctx, "INCR", "greeting") // it is not a number
	}

	// The request: two calls, one from the callback of the other. Its context,
	// not the body's, is what both are given, so they are siblings.
	done := make(chan error, 1)
	err = l.Post(func() {
		ctx, request := tracer.Start(ctx, "PUT /greeting")
		adapter.Go(ctx, cache, store, func(_ struct{}, err error) {
			if err != nil {
				done <- err
				return
			}
			adapter.Go(ctx, cache, count, func(struct{}, error) {
				request.End()
				done <- nil
			}, adapter.Name("count"))
		}, adapter.Name("store"))
	})
	if err != nil {
		return nil, err
	}
	if err := <-done; err != nil {
		return nil, err
	}
	return exporter.GetSpans(), nil
}

// tree prints the spans below parent in the order of their starts.
func tree(w io.Writer, spans tracetest.SpanStubs, parent trace.SpanID, indent string) {
	slices.SortStableFunc(spans, func(x, y tracetest.SpanStub) int { return x.StartTime.Compare(y.StartTime) })
	for _, s := range spans {
		if s.Parent.SpanID() != parent {
			continue
		}
		fmt.Fprintf(w, "%-20s %9s", indent+s.Name, s.EndTime.Sub(s.StartTime).Round(time.Microsecond))
		for _, a := range s.Attributes {
			fmt.Fprintf(w, "  %s=%s", a.Key, a.Value.String())
		}
		if s.Status.Code == codes.Error {
			fmt.Fprintf(w, "  error: %s", s.Status.Description)
		}
		fmt.Fprintln(w)
		tree(w, spans, s.SpanContext.SpanID(), indent+"  ")
	}
}
