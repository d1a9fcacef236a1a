package main

import (
	"net/http"

	"github.com/valet-go/valet/loop/httploop"
)

// exchanges answers requests by callbacks: the state is in the hub.
type exchanges struct{ *hub[*httploop.Exchange] }

func (h *exchanges) serve(x *httploop.Exchange) {
	if string(x.Request().URI().Path()) != pollPath {
		x.Error(http.StatusNotFound, "")
		return
	}
	h.join(x, x)
	x.OnGone(func() { h.leave(x) })
}

func (h *exchanges) answer(x *httploop.Exchange, message []byte) {
	x.Send(http.StatusOK, plainText, message)
}
