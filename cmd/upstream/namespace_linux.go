package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// enter runs this program again, with args, in a network namespace of its own
// (man 7 network_namespaces). Errors: errNoNamespace; an [exec.ExitError].
func enter(ctx context.Context, args []string) error {
	err := start(ctx, asRoot(), args)
	if errors.Is(err, errRefused) {
		err = start(ctx, asUser(), args)
	}
	return err
}

func asRoot() *syscall.SysProcAttr { return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET} }

// asUser makes a user namespace too, in which everybody may set up the network,
// and keeps the user: there are servers that refuse to run as root.
func asUser() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_NET_ADMIN},
	}
}

// errRefused means that the namespace could not even be made.
var errRefused = fmt.Errorf("%w: refused", errNoNamespace)

func start(ctx context.Context, attr *syscall.SysProcAttr, args []string) error {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = attr
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	err := cmd.Wait()
	if cmd.ProcessState.ExitCode() == noNamespaceStatus {
		return errNoNamespace // it has said why
	}
	return err
}

// setUp makes the namespace that this process is alone in usable: the loopback
// interface is up, and what is sent to the addresses nowhere vanishes.
func setUp(nowhere []string) error {
	if err := checkAlone(); err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%w: socket: %w", errNoNamespace, err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq(loopback)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoNamespace, err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("%w: bring %s up: %w", errNoNamespace, loopback, err)
	}
	for _, addr := range nowhere {
		if err := swallow(fd, netip.MustParseAddr(addr)); err != nil {
			return fmt.Errorf("%w: route to %s: %w", errNoNamespace, addr, err)
		}
	}
	return nil
}

const loopback = "lo"

// swallow routes an address to the loopback interface. The kernel receives the
// packets there, finds that they are for somebody else, and drops them.
func swallow(fd int, addr netip.Addr) error {
	device, err := unix.BytePtrFromString(loopback)
	if err != nil {
		return err
	}
	route := rtentry{flags: unix.RTF_UP | unix.RTF_HOST, device: device}
	route.dst.Family, route.dst.Addr = unix.AF_INET, addr.As4()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCADDRT, uintptr(unsafe.Pointer(&route))); errno != 0 && errno != unix.EEXIST {
		return errno
	}
	return nil
}

// rtentry is struct rtentry of linux/route.h (man 7 rtnetlink names its successor).
type rtentry struct {
	_                     uintptr
	dst, gateway, genmask unix.RawSockaddrInet4
	flags                 uint16
	_                     int16
	_, _                  uintptr
	_                     int16
	device                *byte
	_, _                  uintptr
	_                     uint16
}

// group makes the end of a command the end of all that it has started.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
