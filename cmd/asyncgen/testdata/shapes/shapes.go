// Package shapes has one of each kind of method that a driver may have.
package shapes

import (
	"context"
	"errors"
	"io"
	"time"

	"example.com/try/shapes/internal/secret"
	"example.com/try/shapes/other"
)

// ErrNone is an error.
var ErrNone = errors.New("shapes: none")

// Constants, typed and not.
const (
	Limit      = 10
	Slow  Mode = 2
)

// Mode is a number.
type Mode int

// Store is what programs have most to do with.
type Store struct {
	*base
	other.Embedded
	closed bool
}

// Cmd is a result that has its error in it.
type Cmd struct {
	Value string
	err   error
}

// Err returns the error.
func (c *Cmd) Err() error { return c.err }

// Page is generic.
type Page[T any] struct{ Items []T }

// Options are given to methods.
type Options[T any] interface{ Apply(*T) }

// Filter is what options are about.
type Filter struct{ Prefix string }

type hidden struct{}

// Open is a function that makes a Store.
func Open(_ context.Context, name string) (*Store, error) {
	if name == "" {
		return nil, ErrNone
	}
	return &Store{base: &base{name}}, nil
}

// Each is generic.
func Each[T any](ctx context.Context, _ *Store, items []T, f func(context.Context, T) error) error {
	for _, v := range items {
		if err := f(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// Hide has a parameter that nobody can name.
func Hide(hidden) {}

// Wait returns nothing.
func Wait(context.Context) {}

// Get has a result.
func (s *Store) Get(ctx context.Context, key string) (string, error) {
	return s.name + "/" + key, ctx.Err()
}

// Put is variadic.
func (s *Store) Put(ctx context.Context, _ string, values ...any) error { return ctx.Err() }

// Stat has several results.
func (s *Store) Stat(ctx context.Context, key string) (size int, at time.Time, err error) {
	return len(key), time.Unix(1, 0), ctx.Err()
}

// Pair has several results, one of them a wrapper, and no error.
func (s *Store) Pair(ctx context.Context) (*Tx, int) { return &Tx{s}, 2 }

// Find has its error in the result.
func (s *Store) Find(_ context.Context, key string) *Cmd {
	if key == "" {
		return &Cmd{err: ErrNone}
	}
	return &Cmd{Value: key}
}

// Look is like Find, without a context.
func (s *Store) Look(key string) *Cmd { return s.Find(context.Background(), key) }

// Len does not block.
func (s *Store) Len() int { return 3 }

// Drain blocks, though it does not look like it.
func (s *Store) Drain() {}

// Sub returns a wrapped type, and does not block.
func (s *Store) Sub(name string) *Store { return &Store{base: &base{s.name + "/" + name}} }

// Parse does not block, though it has an error.
func (s *Store) Parse(text string) (*Tx, error) { return nil, nil }

// Begin returns a wrapped type.
func (s *Store) Begin(ctx context.Context) (*Tx, error) { return &Tx{s}, ctx.Err() }

// Session returns a wrapped interface.
func (s *Store) Session(ctx context.Context) (Session, error) { return session{}, ctx.Err() }

// Join has a wrapped parameter.
func (s *Store) Join(ctx context.Context, tx *Tx, in Session) error {
	if tx == nil {
		return ErrNone
	}
	return ctx.Err()
}

// List has generic types in its signature.
func (s *Store) List(ctx context.Context, opts ...Options[Filter]) (Page[string], error) {
	return Page[string]{[]string{s.name}}, ctx.Err()
}

// Rows has a result of its own kind.
func (s *Store) Rows(ctx context.Context, query string) (io.ReadCloser, error) { return nil, ErrNone }

// Row is done by Rows.
func (s *Store) Row(ctx context.Context, query string) io.Reader { return nil }

// Listen takes long.
func (s *Store) Listen(ctx context.Context) (string, error) { return "heard", ctx.Err() }

// Clash has parameters with the names of everything.
func (s *Store) Clash(ctx context.Context, cb, adapter, context2, loop, v, err, r1, a, string string, fn func(cb int)) (int, error) {
	return len(cb + adapter + context2 + loop + v + err + r1 + a + string), ctx.Err()
}

// Blank has parameters without names.
func (s *Store) Blank(context.Context, string, int, ...time.Duration) error { return nil }

// On has the name of a wrapper's own method.
func (s *Store) On(ctx context.Context, event string) error { return ctx.Err() }

// Old is old.
//
// Deprecated: use [Store.Get], which does
// the same.
func (s *Store) Old(ctx context.Context, key string) (string, error) { return s.Get(ctx, key) }

// OldMode uses what is old.
func (s *Store) OldMode(ctx context.Context, m *Ancient) error { return ctx.Err() }

// Ancient is old.
//
// Deprecated: it is old.
type Ancient struct{}

// Secret has an unexported type.
func (s *Store) Secret(hidden) error { return nil }

// Internal has a type of an internal package.
func (s *Store) Internal(ctx context.Context) (*secret.Thing, error) { return nil, ctx.Err() }

// Late has a context in an odd place.
func (s *Store) Late(name string, ctx context.Context) int { return 0 }

// Close gives up.
func (s *Store) Close() error { s.closed = true; return nil }

type base struct{ name string }

// Name comes in through embedding.
func (b *base) Name(ctx context.Context) (string, error) { return b.name, ctx.Err() }
