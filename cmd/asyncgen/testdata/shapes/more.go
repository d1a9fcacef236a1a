package shapes

import "context"

// Tx holds a connection.
type Tx struct{ s *Store }

// Exec is a call.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int, error) {
	return len(args), ctx.Err()
}

// Prepare returns what shares the lane.
func (tx *Tx) Prepare(ctx context.Context, query string) (*Stmt, error) { return &Stmt{}, ctx.Err() }

// Nested shares the lane.
func (tx *Tx) Nested(ctx context.Context) (*Tx, error) { return tx, ctx.Err() }

// Rollback ends it.
func (tx *Tx) Rollback(ctx context.Context) error { return ctx.Err() }

// Stmt is of a Store or a Tx.
type Stmt struct{}

// Run is a call.
func (*Stmt) Run(ctx context.Context, args ...any) error { return ctx.Err() }

// Close ends it.
func (*Stmt) Close() error { return nil }

// Prepare returns what has no lane.
func (s *Store) Prepare(ctx context.Context, query string) (*Stmt, error) {
	return &Stmt{}, ctx.Err()
}

// Ender is embedded in an interface.
type Ender interface {
	// End ends.
	//
	// Deprecated: it ends by itself.
	End(ctx context.Context)
}

// Session is an interface.
type Session interface {
	Ender
	ID() string
	Advance(ctx context.Context, by int) (Session, error)
}

type session struct{}

func (session) End(context.Context) {}
func (session) ID() string          { return "id" }
func (s session) Advance(ctx context.Context, _ int) (Session, error) {
	return s, ctx.Err()
}

// Table is a generic type.
type Table[K comparable, V ~int | ~string] struct{ m map[K]V }

// NewTable returns a Table.
func NewTable[K comparable, V ~int | ~string]() *Table[K, V] { return &Table[K, V]{map[K]V{}} }

// Load has other names for the type's parameters.
func (t *Table[A, B]) Load(ctx context.Context, key A) (B, error) { return t.m[key], ctx.Err() }

// Store has no result.
func (t *Table[K, V]) Store(ctx context.Context, key K, value V) error {
	t.m[key] = value
	return ctx.Err()
}

// Split returns wrapped types of other instances.
func (t *Table[K, V]) Split(ctx context.Context) (*Table[K, string], *Table[string, V], error) {
	return NewTable[K, string](), NewTable[string, V](), ctx.Err()
}

// Nums is an alias of a generic type's instance.
type Nums = Table[string, int]

// Lens is used as a value.
type Lens struct{ Name string }

// Load has a receiver that is a value.
func (l Lens) Load(ctx context.Context) (string, error) { return l.Name, ctx.Err() }
