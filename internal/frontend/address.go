package frontend

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// Addr is one of the addresses that a server listens on.
type Addr struct {
	Network string // tcp, tcp4, tcp6 or unix
	Address string
}

func (a Addr) String() string { return a.Network + "://" + a.Address }

// ParseAddrs checks what an engine would accept silently and then do wrong: udp
// and evio's "-net" fallback have no connections, "?" and "#" start something
// else, and whatever a unix path names is deleted.
func ParseAddrs(addrs []string) ([]Addr, error) {
	if len(addrs) == 0 {
		return nil, errors.New("no address to listen on")
	}
	var parsed []Addr
	for _, s := range addrs {
		a, err := parseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("bad address %q: %w", s, err)
		}
		parsed = append(parsed, a)
	}
	return parsed, nil
}

func parseAddr(s string) (Addr, error) {
	network, address, found := strings.Cut(s, "://")
	if !found {
		network, address = "tcp", s
	}
	a := Addr{network, address}
	if strings.ContainsAny(address, "?#") || strings.Contains(address, "://") {
		return a, errors.New("there is more than an address")
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return a, err
		}
		if port == "" {
			return a, errors.New("no port; use :0 for any")
		}
		return a, nil
	case "unix":
		return a, checkUnixPath(address)
	}
	return a, errors.New("the network must be tcp, tcp4, tcp6 or unix")
}

// checkUnixPath makes sure that an engine, which removes the path and all below
// it first, removes nothing but a socket that nobody listens on.
func checkUnixPath(path string) error {
	if path == "" {
		return errors.New("no path")
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("the path exists and is not a socket")
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return syscall.EADDRINUSE
	}
	return nil
}

// Fixed is the address to listen on again after listening on a led to real,
// so that a restart keeps a port that the system chose.
func (a Addr) Fixed(real net.Addr) Addr {
	if t, ok := real.(*net.TCPAddr); ok {
		if host, _, err := net.SplitHostPort(a.Address); err == nil {
			a.Address = net.JoinHostPort(host, fmt.Sprint(t.Port))
		}
	}
	return a
}
