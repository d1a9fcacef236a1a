package main

import (
	"context"
	"fmt"
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// runFloor measures what the system calls cost that no echo can do without: a
// send, a receive and a share of an epoll_wait, on one thread, without
// goroutines that park, without deadlines, and without anything to be closed
// meanwhile. What a path needs beyond that is its own.
func runFloor(ctx context.Context, sp spec) (sample, error) {
	if sp.Target.TLS || sp.Inflight > sp.Conns {
		return sample{}, usagef("-path floor: it knows no TLS, and needs a connection for each operation in flight")
	}
	f, err := newFloor(ctx, sp)
	defer f.close()
	if err != nil {
		return sample{}, err
	}
	m := newMeter(sp.Inflight, value)
	f.meter = m
	go f.run()
	w, err := m.measure(ctx, sp.Warmup, lasting(sp.Duration), func() (func(), error) { return profileCPU(sp.Profile) })
	if err != nil {
		return sample{}, err
	}
	return m.sample(w), nil
}

// floor is an echo client that is nothing but its system calls.
type floor struct {
	epoll int
	conns []net.Conn
	fds   []int // one for each lane; the last ones of conns are idle
	have  []int // bytes of the reply that have come
	meter *meter
}

func newFloor(ctx context.Context, sp spec) (*floor, error) {
	f := &floor{epoll: -1}
	var err error
	if f.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return f, fmt.Errorf("epoll_create1: %w", err)
	}
	for range sp.Conns {
		c, err := (&net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}).DialContext(ctx, "tcp", sp.Target.Addr)
		if err != nil {
			return f, err
		}
		f.conns = append(f.conns, c)
	}
	for lane, c := range f.conns[:sp.Inflight] {
		defer c.Close() // or Go's poller would hear of each reply as well
		raw, err := c.(*net.TCPConn).SyscallConn()
		if err != nil {
			return f, err
		}
		fd := -1
		if err := raw.Control(func(orig uintptr) { fd, err = unix.FcntlInt(orig, unix.F_DUPFD_CLOEXEC, 0) }); err != nil || fd < 0 {
			return f, fmt.Errorf("duplicate a descriptor: %w", err)
		}
		f.fds, f.have = append(f.fds, fd), append(f.have, 0)
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(lane)}
		if err := unix.EpollCtl(f.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			return f, fmt.Errorf("epoll_ctl: %w", err)
		}
	}
	return f, nil
}

func (f *floor) close() {
	for _, fd := range f.fds {
		unix.Close(fd)
	}
	for _, c := range f.conns {
		c.Close()
	}
	unix.Close(f.epoll)
}

// floorWait is how long it waits at most, in milliseconds.
const floorWait = 10

// run serves all lanes until each has ended.
func (f *floor) run() {
	left := len(f.fds)
	for lane := range f.fds {
		if !f.request(lane) {
			left--
		}
	}
	events := make([]unix.EpollEvent, 256)
	buf := make([]byte, 4096)
	for left > 0 {
		// Raw, and so without Go's scheduler, from which it keeps a processor:
		// not for longer than floorWait.
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(f.epoll),
			uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), floorWait, 0, 0)
		if errno != 0 && errno != unix.EINTR {
			f.meter.fail(errno)
			return
		}
		if errno != 0 {
			n = 0
		}
		for _, ev := range events[:n] {
			if !f.reply(int(ev.Fd), buf) {
				left--
			}
		}
	}
}

// request sends the lane's next message.
func (f *floor) request(lane int) (again bool) {
	f.meter.begin(lane)
	msg := echoMessages[lane%keys]
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(f.fds[lane]),
		uintptr(unsafe.Pointer(&msg[0])), uintptr(len(msg)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 || int(n) != len(msg) {
		return f.meter.fail(fmt.Errorf("sent %d of %d bytes: %w", n, len(msg), errno))
	}
	return true
}

// reply receives, and goes on with the next request once the reply is there.
func (f *floor) reply(lane int, buf []byte) (again bool) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(f.fds[lane]),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), unix.MSG_DONTWAIT, 0, 0)
	want := value(lane % keys)
	switch {
	case errno == unix.EAGAIN:
		return true
	case errno != 0 || n == 0:
		return f.meter.fail(fmt.Errorf("received %d bytes: %w", n, errno))
	case f.have[lane]+int(n) < len(want):
		f.have[lane] += int(n)
		return true
	}
	got := want
	if f.have[lane] == 0 && string(buf[:n]) != want {
		got = string(buf[:n])
	}
	f.have[lane] = 0
	return f.meter.end(lane, got, nil) && f.request(lane)
}
