package fakesock

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// tcpConn is what both kinds of TCP connection have.
type tcpConn interface {
	duplex
	io.ReaderFrom
	SetNoDelay(bool) error
	SetLinger(int) error
	SetKeepAlive(bool) error
	SetKeepAlivePeriod(time.Duration) error
	SetKeepAliveConfig(net.KeepAliveConfig) error
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
}

// asText writes an error with L and R in place of the addresses, which differ
// between connections.
func asText(c net.Conn, err error) string {
	s := fmt.Sprint(err)
	s = strings.ReplaceAll(s, c.LocalAddr().String(), "L")
	return strings.ReplaceAll(s, c.RemoteAddr().String(), "R")
}

// Every method, on connections in various states, against one of package net.
func TestErrorsReadLikeThoseOfNet(t *testing.T) {
	buf := make([]byte, 1)
	past := time.Unix(1, 0)
	methods := []struct {
		name string
		do   func(tcpConn) error
	}{
		{"Read", func(c tcpConn) error { _, err := c.Read(buf); return err }},
		{"Read(nil)", func(c tcpConn) error { _, err := c.Read(nil); return err }},
		{"Write", func(c tcpConn) error { _, err := c.Write(buf); return err }},
		{"Write(nil)", func(c tcpConn) error { _, err := c.Write(nil); return err }},
		{"ReadFrom", func(c tcpConn) error { _, err := c.ReadFrom(strings.NewReader("x")); return err }},
		{"ReadFrom a bad reader", func(c tcpConn) error { _, err := c.ReadFrom(badReader{}); return err }},
		{"CloseRead", tcpConn.CloseRead},
		{"CloseWrite", tcpConn.CloseWrite},
		{"SetDeadline", func(c tcpConn) error { return c.SetDeadline(past) }},
		{"SetReadDeadline", func(c tcpConn) error { return c.SetReadDeadline(past) }},
		{"SetWriteDeadline", func(c tcpConn) error { return c.SetWriteDeadline(past) }},
		{"SetNoDelay", func(c tcpConn) error { return c.SetNoDelay(true) }},
		{"SetLinger", func(c tcpConn) error { return c.SetLinger(-1) }},
		{"SetKeepAlive", func(c tcpConn) error { return c.SetKeepAlive(true) }},
		{"SetKeepAlivePeriod", func(c tcpConn) error { return c.SetKeepAlivePeriod(time.Second) }},
		{"SetKeepAliveConfig", func(c tcpConn) error { return c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true}) }},
		{"SetKeepAlivePeriod(0)", func(c tcpConn) error { return c.SetKeepAlivePeriod(0) }},
		{"SetKeepAlivePeriod(-1)", func(c tcpConn) error { return c.SetKeepAlivePeriod(-1) }},
		{"SetKeepAlivePeriod beyond reason", func(c tcpConn) error { return c.SetKeepAlivePeriod(1 << 60) }},
		{"SetReadBuffer", func(c tcpConn) error { return c.SetReadBuffer(4096) }},
		{"SetWriteBuffer", func(c tcpConn) error { return c.SetWriteBuffer(4096) }},
		{"Control", func(c tcpConn) error { return rawOf(c).Control(func(uintptr) {}) }},
		{"RawConn.Read", func(c tcpConn) error { return rawOf(c).Read(func(uintptr) bool { return true }) }},
		{"RawConn.Write", func(c tcpConn) error { return rawOf(c).Write(func(uintptr) bool { return true }) }},
		{"File", func(c tcpConn) error {
			f, err := c.(filer).File()
			f.Close()
			return err
		}},
		{"Close", tcpConn.Close},
	}
	states := []struct {
		name    string
		prepare func(c tcpConn, peer net.Conn)
	}{
		{"closed", func(c tcpConn, _ net.Conn) { c.Close() }},
		{"past its deadline", func(c tcpConn, _ net.Conn) { c.SetDeadline(past) }},
		{"closed past its deadline", func(c tcpConn, _ net.Conn) { c.SetDeadline(past); c.Close() }},
		{"with its writing side shut", func(c tcpConn, peer net.Conn) { c.CloseWrite(); peer.Close() }},
		{"with its reading side shut", func(c tcpConn, _ net.Conn) { c.CloseRead() }},
		{"reset", func(c tcpConn, peer net.Conn) {
			peer.(*net.TCPConn).SetLinger(0)
			peer.Close()
			// The reset arrives before this sees it, and stays unseen.
			rawOf(c).Read(func(fd uintptr) bool { return hungUp(fd) })
		}},
	}
	l := startLoop(t)
	for _, network := range []string{"tcp", "tcp4", "tcp6"} {
		for _, s := range states {
			for _, m := range methods {
				fake, peer := dialPair(t, l, network)
				s.prepare(fake, peer)
				got := asText(fake, m.do(fake))
				native, nativePeer := nativePair(t, network)
				s.prepare(native.(tcpConn), nativePeer)
				want := asText(native, m.do(native.(tcpConn)))
				if got != want {
					t.Errorf("%s: %s on a connection %s: %q, with package net %q", network, m.name, s.name, got, want)
				}
				fake.Close()
				native.Close()
			}
		}
	}
}

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
