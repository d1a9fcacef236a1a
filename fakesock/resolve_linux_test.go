package fakesock

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// resolver answers every name with these addresses.
func resolver(t testing.TB, v4, v6 []string) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply, err := answer(buf[:n], v4, v6); err != nil {
				t.Error(err)
			} else {
				pc.WriteTo(reply, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", pc.LocalAddr().String())
	}}
}

func answer(query []byte, v4, v6 []string) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	q := m.Questions[0]
	add := func(body dnsmessage.ResourceBody) {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: body,
		})
	}
	switch q.Type {
	case dnsmessage.TypeA:
		for _, a := range v4 {
			add(&dnsmessage.AResource{A: [4]byte(net.ParseIP(a).To4())})
		}
	case dnsmessage.TypeAAAA:
		for _, a := range v6 {
			add(&dnsmessage.AAAAResource{AAAA: [16]byte(net.ParseIP(a).To16())})
		}
	}
	return m.Pack()
}

// blackHole listens on the address, and answers no connection: its queue is
// full, and Linux drops what does not fit in.
func blackHole(t testing.TB, ip string, port int) {
	t.Helper()
	family, sa := unix.AF_INET, unix.Sockaddr(nil)
	if parsed := net.ParseIP(ip); parsed.To4() != nil {
		sa = &unix.SockaddrInet4{Port: port, Addr: [4]byte(parsed.To4())}
	} else {
		family, sa = unix.AF_INET6, &unix.SockaddrInet6{Port: port, Addr: [16]byte(parsed)}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	for _, err := range []error{
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1), unix.Bind(fd, sa), unix.Listen(fd, 0),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // one more than fits
		c, err := unix.Socket(family, unix.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(c) })
		unix.SetNonblock(c, true)
		unix.Connect(c, sa)
	}
}

func TestHappyEyeballsFallBack(t *testing.T) {
	l := startLoop(t)
	ln := listen(t, "tcp4")
	port := ln.Addr().(*net.TCPAddr).Port
	blackHole(t, "::1", port)
	d := &Dialer{Loop: l, Dialer: net.Dialer{
		Resolver: resolver(t, []string{"127.0.0.1"}, []string{"::1"}), FallbackDelay: 10 * time.Millisecond, Timeout: 20 * time.Second,
	}}
	start := time.Now()
	c, err := d.Dial("tcp", fmt.Sprintf("both.example:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.RemoteAddr().String() != ln.Addr().String() || time.Since(start) > 10*time.Second {
		t.Errorf("connected to %v after %v", c.RemoteAddr(), time.Since(start))
	}
}

func TestOneFamilyOfAName(t *testing.T) {
	l := startLoop(t)
	for _, network := range []string{"tcp4", "tcp6"} {
		ln := listen(t, network)
		d := &Dialer{Loop: l, Dialer: net.Dialer{Resolver: resolver(t, []string{"127.0.0.1"}, []string{"::1"})}}
		c, err := d.Dial("tcp", fmt.Sprintf("both.example:%d", ln.Addr().(*net.TCPAddr).Port))
		if err != nil {
			t.Errorf("only %s listens: %v", network, err)
			continue
		}
		c.Close()
	}
}

// The first address must not use up the time of the second.
func TestADeadlineIsSharedOutOverAddresses(t *testing.T) {
	if testing.Short() {
		t.Log("takes the 2 s that package net grants an address at least; not with -short")
		return
	}
	t.Parallel()
	l := startLoop(t)
	ln, err := net.Listen("tcp4", "127.0.0.3:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).Port
	blackHole(t, "127.0.0.2", port)
	d := &Dialer{Loop: l, Dialer: net.Dialer{
		Resolver: resolver(t, []string{"127.0.0.2", "127.0.0.3"}, nil), Timeout: 4 * time.Second,
	}}
	c, err := d.Dial("tcp4", fmt.Sprintf("two.example:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.RemoteAddr().String() != ln.Addr().String() {
		t.Errorf("connected to %v", c.RemoteAddr())
	}
}
