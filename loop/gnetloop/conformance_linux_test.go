package gnetloop

import (
	"fmt"
	"testing"

	"github.com/valet-go/valet/internal/frontendtest"
)

func TestConformance(t *testing.T) {
	for _, loops := range []int{1, 4} {
		t.Run(fmt.Sprintf("%d loops", loops), func(t *testing.T) { frontendtest.Run(t, host(loops)) })
	}
}

func TestWithoutDescriptors(t *testing.T) { frontendtest.WithoutDescriptors(t, host(1)) }

// host makes servers with that many loops.
func host(loops int) frontendtest.Host {
	return frontendtest.Host{
		Name:          "gnetloop",
		Loops:         loops,
		ErrBufferFull: ErrBufferFull,
		ErrGoexit:     ErrGoexit,
		Held:          func(c frontendtest.Conn) int { return c.(*Conn).conn().Held() },
		New: func(f *frontendtest.Server) frontendtest.Running {
			s := &Server{
				Loops: loops, Ready: f.Ready, PanicHandler: f.PanicHandler, Logger: f.Logger,
				Grace: f.Grace, MaxBuffered: f.MaxBuffered,
			}
			if f.Data != nil {
				s.Data = func(c *Conn, in []byte) { f.Data(c, in) }
			}
			if f.Opened != nil {
				s.Opened = func(c *Conn) { f.Opened(c) }
			}
			if f.EOF != nil {
				s.EOF = func(c *Conn) { f.EOF(c) }
			}
			if f.Closed != nil {
				s.Closed = func(c *Conn, err error) { f.Closed(c, err) }
			}
			return s
		},
	}
}
