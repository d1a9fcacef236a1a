package chat

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/loop/httploop"
)

// policy lets the page load what this server has, and send to it, and nothing
// else: no script or style inside the HTML, no frame, no form.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secure sets the headers that all answers have.
func secure(x *httploop.Exchange) {
	x.SetHeader("Content-Security-Policy", policy)
	x.SetHeader("X-Content-Type-Options", "nosniff")
	x.SetHeader("Referrer-Policy", "no-referrer")
	x.SetHeader("Cross-Origin-Opener-Policy", "same-origin")
	x.SetHeader("Cross-Origin-Resource-Policy", "same-origin")
	x.SetHeader("Cache-Control", "no-store")
}

// only reports that the method is one of these; else the client gets 405.
func only(x *httploop.Exchange, methods ...string) bool {
	if slices.Contains(methods, string(x.Request().Header.Method())) {
		return true
	}
	x.SetHeader("Allow", strings.Join(methods, ", "))
	reply(x, http.StatusMethodNotAllowed, failure{"this takes " + strings.Join(methods, " or ")})
	return false
}

// failure is an answer that says what is wrong.
type failure struct {
	Error string `json:"error"`
}

func reply(x *httploop.Exchange, status int, v any) { send(x, status, encode(v)) }

func send(x *httploop.Exchange, status int, body []byte) {
	x.Send(status, "application/json", body)
}

// fail answers with what an error means to the client. That it is ours is
// logged, and not told.
func (c *Chat) fail(x *httploop.Exchange, err error) {
	var r *refusal
	switch {
	case errors.As(err, &r):
	case errors.Is(err, adapter.ErrOverloaded):
		r = errBusy
	case errors.Is(err, context.DeadlineExceeded), mongo.IsTimeout(err):
		r = &refusal{http.StatusGatewayTimeout, "the databases take too long; try again"}
	case errors.Is(err, context.Canceled): // the client has left
		r = errClosing
	default:
		r = &refusal{http.StatusServiceUnavailable, "a database cannot be reached; try again"}
	}
	if r.status == http.StatusServiceUnavailable {
		x.SetHeader("Retry-After", "1")
	}
	if r.status >= 500 && r != errBusy && r != errClosing {
		c.opts.Logger.Warn("chat: a request failed", "err", err)
	}
	reply(x, r.status, failure{r.text})
}
