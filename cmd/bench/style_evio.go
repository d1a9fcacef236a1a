package main

import (
	"bytes"

	"github.com/valet-go/valet/loop/evioloop"
)

// evioClients serves clients by callbacks of evio's: the state is in the hub, and
// in the value of the connection, which says how many answers it is to get.
type evioClients struct{ *hub[*evioloop.Conn] }

func (h *evioClients) data(c *evioloop.Conn, in []byte) {
	h.owe(c, bytes.Count(in, newline))
}

// owe lets a client wait if it has asked n times more than it got answers.
func (h *evioClients) owe(c *evioloop.Conn, n int) {
	owed, _ := c.Value().(int)
	c.SetValue(owed + n)
	if owed+n > 0 {
		h.join(c, c)
	}
}

func (h *evioClients) answer(c *evioloop.Conn, message []byte) {
	c.Write(message)
	h.owe(c, -1)
}

func (h *evioClients) closed(c *evioloop.Conn, _ error) { h.leave(c) }
