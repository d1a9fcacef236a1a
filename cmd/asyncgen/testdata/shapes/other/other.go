// Package other has a type that is embedded elsewhere.
package other

import "context"

// Embedded is embedded.
type Embedded struct{}

// Reset comes in through embedding, from another package.
//
// Deprecated: start anew.
func (*Embedded) Reset(ctx context.Context) error { return ctx.Err() }

// Window does not block.
func (Embedded) Window() Size { return Size{} }

// Size is a type of another package.
type Size struct{ W, H int }
