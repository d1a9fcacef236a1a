package gnetloop

import (
	"log/slog"
	"net"
	"testing"

	"go.uber.org/goleak"

	"github.com/valet-go/valet/internal/frontendtest"
	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) {
	// The pool that gnet starts in an init function and never stops.
	leaktest.Main(m,
		goleak.IgnoreTopFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreTopFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"))
}

func echo(c *Conn, in []byte) { _, _ = c.Write(in) }

// serve runs s on a free loopback port and returns where it listens, and what
// stops it and waits.
func serve(t *testing.T, s *Server) (net.Addr, func()) {
	t.Helper()
	s.Logger = slog.New(slog.DiscardHandler)
	ready := make(chan []net.Addr, 1)
	s.Ready = func(addrs []net.Addr) { ready <- addrs }
	return frontendtest.Start(t, s.Serve, ready)
}
