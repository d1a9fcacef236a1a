package main

import "github.com/valet-go/valet/loop"

// streams serves clients by callbacks on a loop: the state is in the hub, and in
// which callback comes next.
type streams struct {
	*hub[*loop.Stream]
	loop *loop.Loop
}

// serve waits for a client to ask.
func (h *streams) serve(s *loop.Stream) {
	s.ReadUntil(newline, mostLine, func(_ []byte, err error) {
		if err != nil {
			s.Close()
			return
		}
		h.join(s, h.loop)
		s.OnHangUp(func() {
			h.leave(s)
			s.Close()
		})
	})
}

func (h *streams) answer(s *loop.Stream, message []byte) {
	s.Write(message, nil) // an error is that of the next read as well
	h.serve(s)
}
