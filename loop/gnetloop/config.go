//go:build linux || darwin || freebsd

package gnetloop

import (
	"log/slog"
	"time"

	"github.com/valet-go/valet/internal/frontend"
)

const (
	defaultGrace       = 5 * time.Second
	defaultMaxBuffered = 64 << 20
)

// config translates the fields for package frontend.
func (s *Server) config() frontend.Config {
	c := frontend.Config{
		Name: "gnetloop", EngineName: "gnet", ErrBufferFull: ErrBufferFull,
		Data:  func(c *frontend.Conn, in []byte) { s.Data((*Conn)(c), in) },
		Ready: s.Ready, PanicHandler: s.PanicHandler, Logger: s.logger(),
		Grace: s.Grace, MaxBuffered: s.MaxBuffered, Restarts: &s.restarts,
	}
	if s.Opened != nil {
		c.Opened = func(c *frontend.Conn) { s.Opened((*Conn)(c)) }
	}
	if s.EOF != nil {
		c.EOF = func(c *frontend.Conn) { s.EOF((*Conn)(c)) }
	}
	if s.Closed != nil {
		c.Closed = func(c *frontend.Conn, err error) { s.Closed((*Conn)(c), err) }
	}
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	if c.MaxBuffered == 0 {
		c.MaxBuffered = defaultMaxBuffered
	}
	return c
}

func (s *Server) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.Default()
	}
	return s.Logger
}
