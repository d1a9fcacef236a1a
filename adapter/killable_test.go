package adapter

import (
	"context"
	"errors"
	"testing"
)

func TestPolicyOfIsThatOfTheCall(t *testing.T) {
	a := newAdapter(t, WithCancel(Abandon))
	for _, want := range []CancelPolicy{Close, Abandon, Kill} {
		cb, got := into[CancelPolicy]()
		Go(bg, a, func(ctx context.Context) (CancelPolicy, error) {
			below, cancel := context.WithCancel(ctx)
			defer cancel()
			return PolicyOf(below)
		}, cb, CancelWith(want))
		wantValue(t, got, want)
	}
	if p, err := PolicyOf(bg); p != Close || err != nil {
		t.Errorf("without a call: %v, %v", p, err)
	}
}

func TestPolicyOfSaysThatACallWasKilled(t *testing.T) {
	a := newAdapter(t, WithCancel(Kill))
	var asked context.Context
	began, killed := make(chan struct{}), make(chan struct{})
	cb, got := into[error]()
	c := Go(bg, a, func(ctx context.Context) (error, error) {
		asked = ctx
		release := Killable(ctx, func(context.Context) error { close(killed); return nil })
		if p, err := PolicyOf(ctx); p != Kill || err != nil {
			t.Errorf("before: %v, %v", p, err)
		}
		close(began)
		<-killed
		release()
		if ctx.Err() != nil {
			t.Errorf("the context has ended already: %v", ctx.Err())
		}
		_, err := PolicyOf(ctx)
		return err, nil
	}, cb)
	await(t, began)
	if !c.Cancel() {
		t.Error("Cancel = false")
	}
	if v := await(t, got); v.err != nil || !errors.Is(v.value, context.Canceled) {
		t.Errorf("PolicyOf says %v, %v, want context.Canceled", v.value, v.err)
	}
	if _, err := PolicyOf(asked); err != nil {
		t.Errorf("after the call: %v", err)
	}
}
