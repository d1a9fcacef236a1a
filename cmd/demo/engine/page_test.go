package engine

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/valet-go/valet/cmd/demo/sequence"
)

func TestPageIsServedUnderAStrictPolicy(t *testing.T) {
	url := served(t, opened(t, startMySQL(t), sleep))
	client := asking(t)
	for path, kind := range map[string]string{
		"/engine": "text/html", "/engine/": "text/html", "/engine/engine.css": "text/css", "/engine/engine.js": "javascript",
		"/engine/state?since=0": "application/json",
	} {
		a := get(client, url+path)
		a.want(t, path, http.StatusOK, "")
		if !strings.Contains(a.header.Get("Content-Type"), kind) {
			t.Errorf("%s is %s", path, a.header.Get("Content-Type"))
		}
		policy := a.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: the policy is %s", path, policy)
		}
		if a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Cache-Control") == "" {
			t.Errorf("%s: %v", path, a.header)
		}
	}
	// What the policy forbids is not there.
	page := get(client, url+"/engine").body
	for _, forbidden := range []string{`<style`, `<script[^>]*>[^<]`, `\sstyle=`, `\son\w+=`, `javascript:`, `https?://`} {
		if found := regexp.MustCompile(forbidden).FindString(page); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
	script := get(client, url+"/engine/engine.js").body
	for _, forbidden := range []string{`innerHTML`, `outerHTML`, `insertAdjacentHTML`, `document\.write`, `eval\(`, `"style"`} {
		if found := regexp.MustCompile(forbidden).FindString(script); found != "" {
			t.Errorf("the script has %q", found)
		}
	}
	// Everything that the script looks for is there.
	for _, m := range regexp.MustCompile(`\$\("#([\w-]+)"`).FindAllStringSubmatch(script, -1) {
		if !strings.Contains(page, `id="`+m[1]+`"`) {
			t.Errorf("the page has no element %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`figure\("(\w+)"\)`).FindAllStringSubmatch(script, -1) {
		if !strings.Contains(page, `data-figure="`+m[1]+`"`) {
			t.Errorf("the page has no figure %s", m[1])
		}
	}
}

func TestPageSaysWhatTheLoadIs(t *testing.T) {
	read := func(name string) string {
		b, err := fs.ReadFile(web, name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	page, script := read("index.html"), read("engine.js")
	for _, c := range []struct{ in, want string }{
		{page, fmt.Sprintf("each takes the database %d ms", slowQuery)},
		{page, fmt.Sprintf("%d clients of each server, instead of %d", overClients, calmClients)},
		{page, fmt.Sprintf("a request every %d ms", beatEvery.Milliseconds())},
		{page, fmt.Sprintf("Each client asks every %d ms, and each server has %d connections", askEvery.Milliseconds(), conns)},
		{page, fmt.Sprintf("The load ends %.0f seconds after the last look", Patience.Seconds())},
		{script, fmt.Sprintf("kept = %d;", kept)},
		{script, fmt.Sprintf("connections = %d, queue = %d;", conns, queue)},
		{script, fmt.Sprintf("At most %d calls queue", queue)},
	} {
		if !strings.Contains(c.in, c.want) {
			t.Errorf("it is not said: %s", c.want)
		}
	}
}

func TestRequestsThatAreNoneOfThePages(t *testing.T) {
	url := served(t, opened(t, startMySQL(t), sleep))
	client := asking(t)
	for _, c := range []struct {
		method, path string
		status       int
		says         string
	}{
		{"GET", "/", http.StatusTeapot, "not the engine's"},
		{"GET", "/engines", http.StatusTeapot, "not the engine's"},
		{"GET", "/engine/doc.go", http.StatusNotFound, "/engine"},
		{"GET", "/engine/..%2fengine.go", http.StatusTeapot, "not the engine's"},
		{"DELETE", "/engine", http.StatusMethodNotAllowed, ""},
		{"POST", "/engine/state?since=0", http.StatusMethodNotAllowed, "only GET"},
		{"GET", "/engine/switches", http.StatusMethodNotAllowed, "only POST"},
		{"POST", "/engine/trace.svg", http.StatusMethodNotAllowed, "only GET"},
		{"GET", "/engine/state", http.StatusBadRequest, "since=0"},
		{"GET", "/engine/state?since=-1", http.StatusBadRequest, "since=0"},
		{"GET", "/engine/state?since=now", http.StatusBadRequest, "since=0"},
	} {
		do(client, c.method, url+c.path, "", "").want(t, c.method+" "+c.path, c.status, c.says)
	}
}

func TestSwitchesAreValidated(t *testing.T) {
	url := served(t, opened(t, startMySQL(t), sleep))
	client := asking(t)
	turn := func(kind, body string) answer { return do(client, http.MethodPost, url+"/engine/switches", kind, body) }
	const typ = "application/json"
	turn(typ+"; charset=utf-8", ` {"slow": true, "overload": false} `).want(t, "what is right", http.StatusOK, `{"slow":true,"overload":false}`)
	for _, wrong := range []struct{ kind, body string }{
		{typ, ``},
		{typ, `{}`},
		{typ, `{"slow": false}`},
		{typ, `{"slow": false, "overload": null}`},
		{typ, `{"slow": 1, "overload": 0}`},
		{typ, `{"slow": false, "overload": false, "clients": 1000000}`},
		{typ, `{"slow": false, "overload": false} {}`},
		{typ, `[false, false]`},
		{"text/plain", `{"slow": false, "overload": false}`},
		{"", `{"slow": false, "overload": false}`},
		{"application/x-www-form-urlencoded", `slow=false&overload=false`},
	} {
		turn(wrong.kind, wrong.body).want(t, wrong.kind+" "+wrong.body, http.StatusBadRequest, `{"slow": true, "overload": false}`)
	}
	var s state
	if err := json.Unmarshal([]byte(get(client, url+"/engine/state?since=0").body), &s); err != nil || !s.Switches.Slow || s.Switches.Overload {
		t.Errorf("the switches are %+v, %v", s.Switches, err)
	}
}

func TestTraceIsAPictureOfARealRequest(t *testing.T) {
	url := served(t, opened(t, startMySQL(t), sleep))
	client := asking(t)
	var before string
	for range 2 {
		a := get(client, url+"/engine/trace.svg")
		a.want(t, "the picture", http.StatusOK, "SELECT CONCAT(")
		if a.header.Get("Content-Type") != "image/svg+xml" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", a.header)
		}
		if a.body == before {
			t.Error("it is the same as before")
		}
		before = a.body
		var svg struct {
			Style string `xml:"style"`
		}
		d := xml.NewDecoder(strings.NewReader(a.body))
		if err := d.Decode(&svg); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Token(); err != io.EOF {
			t.Errorf("behind the picture: %v", err)
		}
		if svg.Style != sequence.Style() || !strings.Contains(a.header.Get("Content-Security-Policy"), "'sha256-"+digest(svg.Style)+"'") {
			t.Errorf("its style is not allowed by %s", a.header.Get("Content-Security-Policy"))
		}
	}
}

func TestTraceTellsWhatIsWrong(t *testing.T) {
	my := startMySQL(t)
	e := opened(t, my, sleep)
	e.dsn = my.DSNFor("root", "wrong")
	get(asking(t), served(t, e)+"/engine/trace.svg").want(t, "a wrong password", http.StatusInternalServerError, "the traced request failed")
}

func TestClosedEngineSaysSo(t *testing.T) {
	e, err := Open(t.Context(), Config{MySQL: startMySQL(t).DSN()})
	if err != nil {
		t.Fatal(err)
	}
	url := served(t, e)
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	get(asking(t), url+"/engine/state?since=0").want(t, "the state", http.StatusServiceUnavailable, "closed")
}
