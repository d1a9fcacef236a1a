package debughttp

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/valet-go/valet/adapter"
)

func TestTheStackOfACallInFlightIsServed(t *testing.T) {
	a := newAdapter(t)
	run(t, a, adapter.Name("a\nname"))
	h := Handler(a)
	c := getJSON(t, h, "/?format=json").named("a\nname")
	w := get(t, h, fmt.Sprintf("/?goroutine=%d", c.Goroutine), http.StatusOK)
	if kind := w.Header().Get("Content-Type"); kind != "text/plain; charset=utf-8" {
		t.Errorf("Content-Type %q", kind)
	}
	for _, want := range []string{
		`call "a\nname" of backend "default", started `,
		" ago, running\n",
		fmt.Sprintf("\n\ngoroutine %d [", c.Goroutine),
		"debughttp.run",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, w.Body)
		}
	}
}

func TestNoOtherGoroutinesStackIsServed(t *testing.T) {
	a := newAdapter(t)
	run(t, a)
	h := Handler(a)
	buf := make([]byte, 64)
	mine := strings.Fields(string(buf[:runtime.Stack(buf, false)]))[1]
	for _, goroutine := range []string{mine, "1", "0", strconv.FormatUint(1<<64-1, 10)} {
		w := get(t, h, "/?goroutine="+goroutine, http.StatusNotFound)
		if !strings.Contains(w.Body.String(), "no call in flight runs on goroutine "+goroutine) {
			t.Errorf("goroutine %s: %s", goroutine, w.Body)
		}
	}
}

func TestAQueryThatMakesNoSenseIsRefused(t *testing.T) {
	h := Handler(newAdapter(t))
	for _, q := range []string{
		"goroutine=", "goroutine=x", "goroutine=-1", "waiting=-1", "waiting=10001", "waiting=", "refresh=3601",
		"refresh=1.5", "format=xml", "format=%3Cscript%3E",
	} {
		w := get(t, h, "/?"+q, http.StatusBadRequest)
		if kind := w.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") || !strings.HasPrefix(w.Body.String(), "debughttp: ") {
			t.Errorf("%s: %s: %s", q, kind, w.Body)
		}
	}
}

func TestOnlyGetAndHeadAreServed(t *testing.T) {
	srv := httptest.NewServer(Handler(newAdapter(t)))
	defer srv.Close()
	for method, status := range map[string]int{
		http.MethodGet: 200, http.MethodHead: 200, http.MethodPost: 405, http.MethodPut: 405, http.MethodDelete: 405,
		http.MethodOptions: 405, http.MethodTrace: 405,
	} {
		req, err := http.NewRequest(method, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status || (status == 405) != (resp.Header.Get("Allow") == "GET, HEAD") {
			t.Errorf("%s = %d, Allow: %q", method, resp.StatusCode, resp.Header.Get("Allow"))
		}
		if method == http.MethodHead && resp.ContentLength < 500 {
			t.Errorf("HEAD has Content-Length %d", resp.ContentLength)
		}
	}
}

func TestAHeadHasNoBody(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(newAdapter(t)).ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/", nil))
	if w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("%d, with %d bytes", w.Code, w.Body.Len())
	}
}

func TestItCanBeMountedAnywhere(t *testing.T) {
	h := Handler(newAdapter(t))
	mux := http.NewServeMux()
	mux.Handle("/exact", h)
	mux.Handle("/below/", h)
	mux.Handle("/stripped/", http.StripPrefix("/stripped", h))
	for _, path := range []string{"/exact", "/below/", "/below/it", "/stripped/"} {
		page := get(t, mux, path, http.StatusOK).Body.String()
		for _, link := range strings.Split(page, "href=")[1:] {
			if !strings.HasPrefix(link, `"?`) {
				t.Errorf("%s has a link that is no query: %.40s", path, link)
			}
		}
	}
}

func TestRefreshingCanBeSwitched(t *testing.T) {
	h := Handler(newAdapter(t))
	const meta = `http-equiv="refresh"`
	off := get(t, h, "/?waiting=7", http.StatusOK).Body.String()
	if strings.Contains(off, meta) || !strings.Contains(off, `href="?refresh=5&amp;waiting=7">refresh every 5 s<`) {
		t.Errorf("switched off:\n%s", off)
	}
	on := get(t, h, "/?refresh=9&waiting=7", http.StatusOK).Body.String()
	if !strings.Contains(on, meta+` content="9"`) || !strings.Contains(on, `href="?waiting=7">stop refreshing every 9 s<`) {
		t.Errorf("switched on:\n%s", on)
	}
}

func TestAHandlerNeedsAdapters(t *testing.T) {
	for what, adapters := range map[string][]*adapter.Adapter{"none": nil, "nil": {nil}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Handler with %s did not panic", what)
				}
			}()
			Handler(adapters...)
		}()
	}
}

func TestSeveralAdaptersAreShownTogetherAndAfterClose(t *testing.T) {
	a, b := newAdapter(t), newAdapter(t)
	run(t, a, adapter.Name("of a"))
	run(t, b, adapter.Name("of b"))
	a.Refuse()
	s := getJSON(t, Handler(a, b), "/?format=json")
	if len(s.Backends) != 2 || s.named("of a") == nil || s.named("of b") == nil {
		t.Errorf("%+v", s)
	}
	get(t, Handler(a, b), fmt.Sprintf("/?goroutine=%d", s.named("of b").Goroutine), http.StatusOK)

	closed := newAdapter(t)
	if err := closed.Close(bg); err != nil {
		t.Fatal(err)
	}
	closed.Loop().Close()
	get(t, Handler(closed), "/", http.StatusOK)
}
