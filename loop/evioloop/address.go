package evioloop

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// listenAddr is one of Serve's addresses.
type listenAddr struct {
	network string // tcp, tcp4, tcp6 or unix
	address string
}

func (a listenAddr) String() string { return a.network + "://" + a.address }

// parseAddrs checks what evio would accept silently and then do wrong: udp and
// the "-net" fallback have no descriptor to duplicate, "?" starts options, and
// whatever a unix path names is deleted.
func parseAddrs(addrs []string) ([]listenAddr, error) {
	if len(addrs) == 0 {
		return nil, errors.New("evioloop: no address to listen on")
	}
	var parsed []listenAddr
	for _, s := range addrs {
		a, err := parseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("evioloop: bad address %q: %w", s, err)
		}
		parsed = append(parsed, a)
	}
	return parsed, nil
}

func parseAddr(s string) (listenAddr, error) {
	network, address, found := strings.Cut(s, "://")
	if !found {
		network, address = "tcp", s
	}
	a := listenAddr{network, address}
	if strings.Contains(address, "?") || strings.Contains(address, "://") {
		return a, errors.New("evio's address options are not supported")
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

// checkUnixPath makes sure that evio, which removes the path and all below it
// first, removes nothing but a socket that nobody listens on.
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

// fixed is the address to listen on again after listening on a led to real,
// so that a restart keeps a port that the system chose.
func (a listenAddr) fixed(real net.Addr) listenAddr {
	if t, ok := real.(*net.TCPAddr); ok {
		if host, _, err := net.SplitHostPort(a.address); err == nil {
			a.address = net.JoinHostPort(host, fmt.Sprint(t.Port))
		}
	}
	return a
}
