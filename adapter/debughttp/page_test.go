package debughttp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
)

// addr is an address that says what it likes.
type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

const hostile = `"'><script>alert(1)</script><a href="javascript:x">` + "\x00\xff"

func TestHostileNamesAreEscaped(t *testing.T) {
	root := newAdapter(t)
	a := root.Backend(hostile, adapter.WithSlots(1))
	run(t, a, adapter.Name(hostile))
	start(a, adapter.Name(hostile))
	w := get(t, Handler(root), "/", http.StatusOK)
	wantEscaped(t, w.Body.String(), 5) // the backend, and two calls with theirs
	w = get(t, Handler(root), "/?format=json", http.StatusOK)
	if strings.Contains(w.Body.String(), "<") || !json.Valid(w.Body.Bytes()) {
		t.Errorf("JSON:\n%s", w.Body)
	}
}

func TestHostileAddressesAreEscaped(t *testing.T) {
	var out strings.Builder
	if err := page.Execute(&out, view{snapshot: newSnapshot(time.Now(), nil, []adapter.CallInfo{{
		Goroutine: 1, Parked: &adapter.ParkedOn{Op: hostile, Local: addr(hostile), Remote: addr(hostile)},
	}})}); err != nil {
		t.Fatal(err)
	}
	wantEscaped(t, out.String(), 3)
}

func wantEscaped(t *testing.T, page string, times int) {
	t.Helper()
	for _, bad := range []string{"<script", `"javascript:`, "\x00"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q is on the page:\n%s", bad, page)
		}
	}
	if n := strings.Count(page, "&lt;script&gt;alert(1)"); n != times {
		t.Errorf("the name is there %d times, want %d:\n%s", n, times, page)
	}
}

func TestThePolicyAllowsThePagesOwnStyleAndNothingElse(t *testing.T) {
	h := Handler(newAdapter(t))
	w := get(t, h, "/", http.StatusOK)
	_, style, _ := strings.Cut(w.Body.String(), "<style>")
	style, _, found := strings.Cut(style, "</style>")
	if !found {
		t.Fatalf("no style on the page:\n%s", w.Body)
	}
	sum := sha256.Sum256([]byte(style))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for target, status := range map[string]int{"/": 200, "/?format=json": 200, "/?goroutine=1": 404, "/?waiting=x": 400} {
		w := get(t, h, target, status)
		for name, value := range map[string]string{
			"Content-Security-Policy": want, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%s has %s: %s\nwant %s", target, name, got, value)
			}
		}
	}
	for _, bad := range []string{"<script", "<link", "<img", " style=", " src=", "http://", "https://", "url("} {
		if strings.Contains(w.Body.String(), bad) {
			t.Errorf("%q is on the page:\n%s", bad, w.Body)
		}
	}
}
