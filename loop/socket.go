package loop

import (
	"errors"
	"net"
)

// What every platform supplies below streams and listeners, in socket_unix.go
// for descriptors and in socket_other.go over package net:
//
//	native                                   // a connection that is on no loop yet
//	takeConn(net.Conn) (native, error)       // any goroutine: takes it over; closes it on failure
//	closeNative(native)                      // any goroutine
//
//	(*socket).open(l *Loop, k link, event func(Readiness)) error // takes k over, unless it fails
//	(*socket).note(r Readiness)              // before an event is acted upon
//	(*socket).watch()                        // report a hang-up even if nothing is received
//	(*socket).recv(p []byte) (n int, more bool, err error)
//	(*socket).send(p []byte) (n int, err error)
//	(*socket).closeWrite() error
//	(*socket).close()                        // once; there are no events afterwards
//
//	(*acceptor).open(l *Loop, ln net.Listener, event func(Readiness)) error // takes ln over, also on failure; any goroutine
//	(*acceptor).accept() (link, error)
//	(*acceptor).close()                      // once; there are no events afterwards
//
// Unless it says otherwise this is called on the loop, and nothing waits:
// where it would, recv, send and accept report errAgain, and an event follows
// when it is worth another try. recv and send report a nil error with n > 0,
// or, for the end of the file, recv with 0. more says whether another recv may
// give something before the next event. After errAgain the next send must
// begin with the same bytes.

// errAgain says that an operation would wait.
var errAgain = errors.New("loop: nothing to be had; an event will come")

// errAborted says that a connection was gone before it was accepted.
var errAborted = errors.New("loop: the connection was aborted before it was accepted")

// link is a connection that has been taken over, with its addresses.
type link struct {
	native
	laddr, raddr net.Addr
}

// streamNetwork reports whether package loop has streams on the network.
func streamNetwork(network string) bool {
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
		return true
	}
	return false
}
