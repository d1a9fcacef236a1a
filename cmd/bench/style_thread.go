package main

import (
	"bufio"
	"net"
	"runtime"
)

// serveThread serves a client on a thread of its own, by system calls that block
// it: the state is on the thread's stacks.
func (t *topic) serveThread(c net.Conn) {
	runtime.LockOSThread() // and do not unlock: the thread ends with the client
	f, err := c.(*net.TCPConn).File()
	c.Close()
	if err != nil {
		return
	}
	defer f.Close()
	f.Fd() // which makes the descriptor block
	for in := bufio.NewScanner(f); in.Scan(); {
		text, _ := t.wait(nil)
		if _, err := f.Write(text); err != nil {
			return
		}
	}
}
