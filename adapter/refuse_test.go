package adapter

import (
	"context"
	"errors"
	"testing"
)

func TestRefuseAdmitsOnlyHeldCalls(t *testing.T) {
	a := newAdapter(t)
	child := a.Backend("child")
	a.Refuse()
	for _, x := range []*Adapter{a, child, a.Backend("later")} {
		cb, got := into[int]()
		body := func(context.Context) (int, error) { return 7, nil }
		if _, err := TryGo(bg, x, body, cb); !errors.Is(err, ErrClosed) {
			t.Errorf("TryGo = %v, want ErrClosed", err)
		}
		Go(bg, x, body, cb, Held())
		wantValue(t, got, 7)
	}
}
