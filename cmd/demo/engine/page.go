package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/cmd/demo/sequence"
	"github.com/valet-go/valet/loop/httploop"
)

// Path is where the page is; everything that belongs to it is below.
const Path = "/engine"

// traceLimit is how long a traced request may take.
const traceLimit = 10 * time.Second

//go:embed web
var files embed.FS

// web has the page's files.
var web = func() fs.FS {
	sub, err := fs.Sub(files, "web")
	if err != nil {
		panic(err) // the name above is no path
	}
	return sub
}()

// Policies: the page has its own script and style sheet and nothing else, the
// picture its own style, by its hash.
var (
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'" +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	picturePolicy = "default-src 'none'; style-src 'sha256-" + digest(sequence.Style()) + "'; frame-ancestors 'none'"
)

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Serve answers x if its path is [Path] or below, and reports whether it is. On
// the goroutine of x, in its handler.
func (e *Engine) Serve(x *httploop.Exchange) bool {
	rest, ok := strings.CutPrefix(string(x.Request().URI().Path()), Path)
	if !ok || rest != "" && rest[0] != '/' {
		return false
	}
	x.SetHeader("Content-Security-Policy", pagePolicy)
	x.SetHeader("Cross-Origin-Resource-Policy", "same-origin")
	x.SetHeader("Referrer-Policy", "no-referrer")
	x.SetHeader("X-Content-Type-Options", "nosniff")
	x.SetHeader("Cache-Control", "no-store")
	switch name := strings.TrimPrefix(rest, "/"); name {
	case "", "engine.css", "engine.js":
		x.SetHeader("Cache-Control", "no-cache") // there is a tag to ask with
		e.files.Serve(x, name)
	case "state":
		if allow(x, http.MethodGet) {
			e.state(x)
		}
	case "switches":
		if allow(x, http.MethodPost) {
			e.turn(x)
		}
	case "trace.svg":
		if allow(x, http.MethodGet) {
			e.trace(x)
		}
	default:
		x.Error(http.StatusNotFound, "nothing here; the page is "+Path)
	}
	return true
}

// allow reports whether the method is that one, and answers if not.
func allow(x *httploop.Exchange, method string) bool {
	if string(x.Request().Header.Method()) == method {
		return true
	}
	x.SetHeader("Allow", method)
	x.Error(http.StatusMethodNotAllowed, "only "+method+" is served here")
	return false
}

// state is what the page polls for.
type state struct {
	Switches switches `json:"switches"`
	Samples  []sample `json:"samples"` // after the one that was asked with
	Calls    []call   `json:"calls"`
}

// state answers ?since=N with what came after sample N. It is what keeps the
// load running.
func (e *Engine) state(x *httploop.Exchange) {
	since, err := strconv.Atoi(string(x.Request().URI().QueryArgs().Peek("since")))
	if err != nil || since < 0 {
		x.Error(http.StatusBadRequest, "say which sample you have, 0 for none: "+Path+"/state?since=0")
		return
	}
	e.visit(x, func() any {
		l := e.load
		l.look()
		s := state{Switches: l.switches, Samples: []sample{}, Calls: e.valet.calls()}
		for i, have := range l.samples {
			if have.N > since {
				s.Samples = slices.Clone(l.samples[i:])
				break
			}
		}
		return s
	})
}

// turn sets the switches. It wants JSON, said to be that: so another site's page
// cannot ask for it without the browser's asking first.
func (e *Engine) turn(x *httploop.Exchange) {
	const want = `send both switches as application/json: {"slow": true, "overload": false}`
	kind, _, _ := strings.Cut(string(x.Request().Header.ContentType()), ";")
	if strings.TrimSpace(kind) != "application/json" {
		x.Error(http.StatusBadRequest, want)
		return
	}
	var to struct{ Slow, Overload *bool }
	d := json.NewDecoder(bytes.NewReader(x.Request().Body()))
	d.DisallowUnknownFields()
	if err := d.Decode(&to); err != nil || to.Slow == nil || to.Overload == nil {
		x.Error(http.StatusBadRequest, want)
		return
	}
	if _, err := d.Token(); err != io.EOF {
		x.Error(http.StatusBadRequest, want)
		return
	}
	e.visit(x, func() any {
		e.load.turn(switches{*to.Slow, *to.Overload})
		return e.load.switches
	})
}

// visit runs f on the load's loop, and answers x, on its own, with what f
// returns.
func (e *Engine) visit(x *httploop.Exchange, f func() any) {
	err := e.loop.Post(func() {
		v := f()
		_ = x.Post(func() { x.JSON(http.StatusOK, v) }) // else the server has ended
	})
	if err != nil {
		x.Error(http.StatusServiceUnavailable, "the engine room is closed")
	}
}

// trace makes a request, and answers with the picture of it.
func (e *Engine) trace(x *httploop.Exchange) {
	adapter.Go(x.Context(), e.traces.On(x), func(ctx context.Context) ([]byte, error) {
		t, err := sequence.Take(ctx, e.dsn)
		if err != nil {
			return nil, err
		}
		var picture bytes.Buffer
		err = sequence.Write(&picture, t)
		return picture.Bytes(), err
	}, func(picture []byte, err error) {
		switch {
		case errors.Is(err, adapter.ErrOverloaded):
			x.Error(http.StatusServiceUnavailable, "too many want a trace; try again")
		case err != nil:
			x.Error(http.StatusInternalServerError, "the traced request failed: "+err.Error())
		default:
			x.SetHeader("Content-Security-Policy", picturePolicy)
			x.Send(http.StatusOK, "image/svg+xml", picture)
		}
	})
}
