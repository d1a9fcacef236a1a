//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package loop

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/sysio"
)

// acceptor is a registered listening descriptor.
type acceptor struct {
	fd     int
	handle *Handle
	addr   net.Addr
	any    bool   // it is not the clients', which have one of those of the system
	unlink string // the path of a unix socket
}

func (a *acceptor) open(l *Loop, ln net.Listener, event func(Readiness)) error {
	a.addr = ln.Addr()
	if t, ok := a.addr.(*net.TCPAddr); ok {
		a.any = t.IP.IsUnspecified()
	}
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // the path shall live as long as the duplicate
		if name := a.addr.String(); name != "" && name[0] != '@' {
			a.unlink = name
		}
	}
	fd, err := sysio.Duplicate(ln.(syscall.Conn))
	ln.Close()
	if err == nil {
		a.fd = fd
		if a.handle, err = l.AddHandler(fd, Readable|Edge, event); err == nil {
			return nil
		}
		unix.Close(fd)
	}
	if a.unlink != "" {
		os.Remove(a.unlink)
	}
	return err
}

func (a *acceptor) close() {
	if a.unlink != "" {
		os.Remove(a.unlink)
	}
	_ = a.handle.Remove()
	unix.Close(a.fd)
}

func (a *acceptor) accept() (link, error) {
	for {
		fd, sa, err := sysio.Accept(a.fd)
		switch err {
		case nil:
			return a.accepted(fd, sa)
		case unix.EAGAIN:
			return link{}, errAgain
		case unix.ECONNABORTED:
			return link{}, errAborted
		case unix.EINTR:
		default:
			return link{}, os.NewSyscallError(sysio.AcceptCall, err)
		}
	}
}

func (a *acceptor) accepted(fd int, remote unix.Sockaddr) (link, error) {
	k := link{native: native(fd), laddr: a.addr}
	if _, tcp := a.addr.(*net.TCPAddr); !tcp {
		k.raddr = address(remote)
		return k, nil
	}
	var err error
	if a.any {
		var local unix.Sockaddr
		if local, err = unix.Getsockname(fd); err == nil {
			k.laddr = address(local)
		}
	}
	if err == nil {
		err = sysio.TCPDefaults(fd)
	}
	if err != nil { // the peer has reset the connection: some systems say EINVAL
		unix.Close(fd)
		return link{}, errAborted
	}
	k.raddr = address(remote)
	return k, nil
}

// address is a socket's address as package net has it.
func address(sa unix.Sockaddr) net.Addr {
	if a := sysio.Addr(sa); a != nil {
		return a
	}
	return &net.UnixAddr{Net: "unix"} // a client's without a name, on some systems
}
