//go:build !valetportable

package fakesock

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// sendfileChunk is the most that one call is asked to send, so that a deadline
// or Close is seen in between even if the peer reads as fast as we send.
const sendfileChunk = 4 << 20

// sendFile sends what is left of r if that is a regular file. If it reports
// that it is not done, the caller has to copy the rest.
func (s *sock) sendFile(r io.Reader) (sent int64, done bool, err error) {
	limit := int64(1<<63 - 1)
	lr, ok := r.(*io.LimitedReader)
	if ok {
		limit, r = lr.N, lr.R
		if limit <= 0 {
			return 0, true, nil
		}
	}
	// An interface, because io.Copy passes a file as a private type of os.
	f, ok := r.(syscall.Conn)
	if !ok {
		return 0, false, nil
	}
	raw, err := f.SyscallConn()
	if err != nil || !regular(raw) {
		return 0, false, nil
	}
	var sendErr error
	err = raw.Read(func(fd uintptr) bool {
		sent, done, sendErr = s.sendFD(int(fd), limit)
		return true
	})
	if err == nil {
		err = wrapErrno("sendfile", sendErr)
	}
	if lr != nil {
		lr.N = limit - sent
	}
	return sent, done, err
}

func regular(raw syscall.RawConn) bool {
	var st unix.Stat_t
	err := unix.EINVAL
	_ = raw.Control(func(fd uintptr) { err, _ = unix.Fstat(int(fd), &st).(unix.Errno) })
	return err == 0 && st.Mode&unix.S_IFMT == unix.S_IFREG
}

// sendFD sends up to limit bytes from file's position on. What fails before
// anything was tried is not done: the copying that follows reports it, as in
// package net.
func (s *sock) sendFD(file int, limit int64) (sent int64, done bool, err error) {
	if !s.users.enter() {
		return 0, false, nil
	}
	defer s.leave()
	d := &s.w
	if !d.lock() {
		return 0, false, nil
	}
	defer d.mu.Unlock()
	defer func() {
		if done || sent > 0 {
			d.count(sent)
		}
	}()
	for tried := false; ; {
		w := d.word.Load()
		passed, t := d.expired()
		switch {
		case stateOf(w) == closed:
			return sent, tried, net.ErrClosed
		case passed:
			return sent, tried, os.ErrDeadlineExceeded
		case stateOf(w) == ready:
			// There is no MSG_DONTWAIT for sendfile, and a duplicate of the
			// descriptor may have made it blocking.
			if flags, err := unix.FcntlInt(uintptr(s.fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK == 0 {
				return sent, false, nil
			}
			d.layAside() // the file's disk may be slow
			n, err := unix.Sendfile(int(s.fd), file, nil, int(min(limit-sent, sendfileChunk)))
			d.takeBack()
			tried = true
			if n > 0 {
				sent += int64(n)
			}
			switch err {
			case nil:
				if n == 0 || sent == limit {
					d.yield()
					return sent, true, nil
				}
			case unix.EAGAIN:
				d.drained(w)
			case unix.EINTR:
			case unix.ENOSYS, unix.EOPNOTSUPP, unix.EINVAL: // not from this kind of file
				return sent, sent > 0, err
			default:
				return sent, true, err
			}
		default:
			tried = true
			if out, _, err := d.park(opReadFrom, w, nil, t); out != again {
				return sent, true, errorOf(out, err)
			}
		}
	}
}
