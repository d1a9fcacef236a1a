package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// recorder is a broker that notes what it is given, when it is let.
type recorder struct {
	began   chan []string
	proceed chan struct{}
}

func (r *recorder) publish(_ context.Context, batch []*publication) {
	var all []string
	for _, p := range batch {
		all = append(all, string(p.data))
		if string(p.data) == bad {
			p.err = errors.New(bad)
		}
	}
	r.began <- all
	<-r.proceed
}

func (r *recorder) close() error { return nil }

func newRecorded(t *testing.T) (*Bus, *recorder) {
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{began: make(chan []string, 1), proceed: make(chan struct{})}
	b := newBus(adapter.New(l), func([]byte) {}, options{})
	b.broker = r
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
		l.Close()
	})
	return b, r
}

func TestWhatWaitsIsPublishedTogether(t *testing.T) {
	b, r := newRecorded(t)
	errs := make(chan error, 10)
	publish := func(data string) { b.Publish(context.Background(), []byte(data), func(err error) { errs <- err }) }
	publish("first")
	if got := await(t, r.began); !slices.Equal(got, []string{"first"}) {
		t.Fatalf("published %q", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancelled := make(chan error, 1)
	publish("a")
	b.Publish(ctx, []byte("cancelled"), func(err error) { cancelled <- err })
	publish(bad)
	publish("b")
	cancel()
	if err := await(t, cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled one: %v", err)
	}
	r.proceed <- struct{}{}
	if got := await(t, r.began); !slices.Equal(got, []string{"a", bad, "b"}) {
		t.Errorf("published together: %q", got)
	}
	r.proceed <- struct{}{}
	for i := range 4 {
		if err := await(t, errs); (err != nil) != (i == 2) {
			t.Errorf("publication %d: %v", i, err)
		}
	}
}

func TestACancelledPublicationEndsNoOther(t *testing.T) {
	b, r := newRecorded(t)
	ctx, cancel := context.WithCancel(context.Background())
	first, second := make(chan error, 1), make(chan error, 1)
	b.Publish(ctx, []byte("first"), func(err error) { first <- err })
	await(t, r.began)
	b.Publish(context.Background(), []byte("second"), func(err error) { second <- err })
	cancel()
	if err := await(t, first); !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled one: %v", err)
	}
	r.proceed <- struct{}{}
	await(t, r.began)
	r.proceed <- struct{}{}
	if err := await(t, second); err != nil {
		t.Errorf("the other: %v", err)
	}
}

func TestTooManyPublicationsAreRefused(t *testing.T) {
	b, r := newRecorded(t)
	const all = maxWaiting + 10
	errs := make(chan error, all)
	publish := func(i int) { b.Publish(context.Background(), fmt.Append(nil, i), func(err error) { errs <- err }) }
	publish(0)
	await(t, r.began)
	for i := 1; i < all; i++ {
		publish(i)
	}
	for range all - 1 - maxWaiting {
		if err := await(t, errs); !errors.Is(err, adapter.ErrOverloaded) {
			t.Fatalf("got %v, want %v", err, adapter.ErrOverloaded)
		}
	}
	r.proceed <- struct{}{}
	if got := await(t, r.began); len(got) != maxWaiting {
		t.Errorf("published %d together, want %d", len(got), maxWaiting)
	}
	r.proceed <- struct{}{}
	for range maxWaiting + 1 {
		if err := await(t, errs); err != nil {
			t.Fatal(err)
		}
	}
}
