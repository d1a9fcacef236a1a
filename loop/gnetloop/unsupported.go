//go:build !(linux || darwin || freebsd)

package gnetloop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"

	"github.com/valet-go/valet/internal/frontend"
)

func (s *Server) serve(context.Context, []frontend.Addr) error {
	return fmt.Errorf("gnetloop: gnet is not used on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Conn is a connection. There are none on this system.
type Conn struct{}

// Post reports errors.ErrUnsupported.
func (c *Conn) Post(func()) error { return errors.ErrUnsupported }

// Write reports errors.ErrUnsupported.
func (c *Conn) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

// WriteString reports errors.ErrUnsupported.
func (c *Conn) WriteString(string) (int, error) { return 0, errors.ErrUnsupported }

// Buffered is 0.
func (c *Conn) Buffered() int { return 0 }

// SetHighWater does nothing.
func (c *Conn) SetHighWater(int, func(above bool)) {}

// PauseReading does nothing.
func (c *Conn) PauseReading() {}

// ResumeReading does nothing.
func (c *Conn) ResumeReading() {}

// Close reports errors.ErrUnsupported.
func (c *Conn) Close() error { return errors.ErrUnsupported }

// CloseNow does nothing.
func (c *Conn) CloseNow() {}

// Context is a background context.
func (c *Conn) Context() context.Context { return context.Background() }

// LocalAddr is nil.
func (c *Conn) LocalAddr() net.Addr { return nil }

// RemoteAddr is nil.
func (c *Conn) RemoteAddr() net.Addr { return nil }

// SetValue does nothing.
func (c *Conn) SetValue(any) {}

// Value is nil.
func (c *Conn) Value() any { return nil }
