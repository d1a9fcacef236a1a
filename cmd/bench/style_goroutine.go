package main

import (
	"bufio"
	"net"
)

// serveGoroutine serves a client on a goroutine of its own: the state is on its
// stack.
func (t *topic) serveGoroutine(c net.Conn) {
	defer c.Close()
	for in := bufio.NewScanner(c); in.Scan(); {
		text, _ := t.wait(nil)
		if _, err := c.Write(text); err != nil {
			return
		}
	}
}
