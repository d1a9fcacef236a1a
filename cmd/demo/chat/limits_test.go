package chat_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/valet-go/valet/cmd/demo/chat"
	"github.com/valet-go/valet/loop/httploop"
)

func TestWhatIsRefused(t *testing.T) {
	w := newWorld(t, chat.Options{})
	message := func(nick, text, id string) string {
		b, err := json.Marshal(chat.Message{Nick: nick, Text: text, ID: id})
		must(t, err)
		return string(b)
	}
	good := message("Ada", "hello", "id-1")
	of := func(n int) string { return strings.Repeat("é", n) }
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		says                     string
	}{
		{name: "nothing there", path: "/nothing", status: 404, says: "nothing here"},
		{name: "a file's name in a path", path: "/page.go", status: 404},
		{name: "a method that the list of rooms has not", method: "PUT", path: "/api/rooms", status: 405, says: "GET"},
		{name: "a method that messages have not", method: "DELETE", path: "/api/rooms/a/messages", status: 405, says: "GET or POST"},
		{name: "posting to the page", method: "POST", path: "/", body: good, status: 405},
		{name: "a room with a dot", path: "/api/rooms/a.b/messages", status: 400, says: "room"},
		{name: "a room with too long a name", path: "/api/rooms/" + of(33) + "/messages", status: 400, says: "1 to 32"},
		{name: "no room", path: "/api/rooms//messages", status: 404},
		{name: "after nothing", path: "/api/rooms/a/messages?after=x", status: 400, says: "after"},
		{name: "before nothing", path: "/api/rooms/a/messages?before=-1", status: 400, says: "before"},
		{name: "a reader with too long a nickname", path: "/api/rooms/a/messages?nick=" + of(25), status: 400, says: "at most 24 characters; this one has 25"},
		{name: "no nickname", body: message(" ", "hello", "id"), status: 400, says: "choose a nickname"},
		{name: "a nickname with a line's end", body: message("A\x00da", "hello", "id"), status: 400, says: "letters"},
		{name: "a nickname that turns the text around", body: message("Ada\u202e", "hello", "id"), status: 400, says: "letters"},
		{name: "no text", body: message("Ada", " \n ", "id"), status: 400, says: "empty"},
		{name: "too long a text", body: message("Ada", of(2001), "id"), status: 400, says: "at most 2000 characters; this one has 2001"},
		{name: "a text with a control character", body: message("Ada", "ring\a", "id"), status: 400, says: "control"},
		{name: "no id", body: message("Ada", "hello", ""), status: 400, says: "id"},
		{name: "too long an id", body: message("Ada", "hello", of(65)), status: 400, says: "id"},
		{name: "no JSON", body: "hello", status: 400, says: "the body is a message"},
		{name: "too large a body", body: message("Ada", strings.Repeat(".", 40000), "id"), status: 413},
		{name: "a form", body: good, header: http.Header{"Content-Type": {"text/plain"}}, status: 415, says: "application/json"},
		{name: "another origin", body: good, header: http.Header{"Origin": {"https://elsewhere.example"}}, status: 403, says: "another site"},
		{name: "no origin", body: good, header: http.Header{"Origin": {"null"}}, status: 403, says: "another site"},
		{name: "another site", body: good, header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, status: 403, says: "another site"},
		{name: "as much as is allowed", body: message(of(24), of(2000), "id-2"), status: 200},
		{name: "its own page", body: good, header: http.Header{"Origin": {"http://" + w.Addr()}, "Sec-Fetch-Site": {"same-origin"}}, status: 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.body != "" && c.path == "" {
				c.method, c.path = "POST", "/api/rooms/lobby/messages"
			}
			req, err := http.NewRequestWithContext(w.ctx, c.method, "http://"+w.Addr()+c.path, strings.NewReader(c.body))
			must(t, err)
			req.Header.Set("Content-Type", "application/json")
			for name, values := range c.header {
				req.Header[name] = values
			}
			resp, err := client.Do(req)
			must(t, err)
			body, err := io.ReadAll(resp.Body)
			must(t, err)
			must(t, resp.Body.Close())
			if resp.StatusCode != c.status || !strings.Contains(string(body), c.says) {
				t.Errorf("status %d, %s; want %d, %q", resp.StatusCode, body, c.status, c.says)
			}
		})
	}
	if all := w.history("lobby"); len(all) != 2 {
		t.Errorf("%d messages were stored; want 2", len(all))
	}
}

func TestEveryAnswerHasItsHeaders(t *testing.T) {
	w := newWorld(t, chat.Options{Fallback: func(x *httploop.Exchange) { x.JSON(http.StatusOK, string(x.Request().URI().Path())) }})
	client := http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/chat.css": "text/css; charset=utf-8", "/chat.js": "text/javascript; charset=utf-8",
		"/icon.svg": "image/svg+xml", "/api/rooms": "application/json", "/api/rooms/a/messages": "application/json", "/engine": "application/json",
	} {
		resp, err := client.Get("http://" + w.Addr() + path)
		must(t, err)
		must(t, resp.Body.Close())
		for name, want := range map[string]string{
			"Content-Type": kind, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q; want %q", path, name, got, want)
			}
		}
		policy := resp.Header.Get("Content-Security-Policy")
		for _, want := range []string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
			"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
		} {
			if !strings.Contains(policy+";", want+";") {
				t.Errorf("%s: the policy lacks %s: %s", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}

// No markup leaves the server as such, even inside JSON; and it comes back whole.
func TestMarkupIsText(t *testing.T) {
	w := newWorld(t, chat.Options{})
	const text = `<script>alert("1")</script> & <img src=x onerror=alert(2)>` + "\u2028"
	nick := "<b>Ada</b>"
	ada := w.guest("lobby", nick)
	w.say(ada, text+"end")
	resp, err := ada.Client.Get(ada.URL + "?nick=%3Ci%3EGrace")
	must(t, err)
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	must(t, resp.Body.Close())
	if strings.ContainsAny(string(body), "<>&") || strings.Contains(string(body), "\u2028") {
		t.Errorf("there is markup in %s", body)
	}
	var news struct {
		Messages []chat.Message
		People   struct{ Names []string }
	}
	must(t, json.Unmarshal(body, &news))
	if len(news.Messages) != 1 || news.Messages[0].Text != text+"end" || news.Messages[0].Nick != nick {
		t.Errorf("got %+v; want %q by %q", news.Messages, text+"end", nick)
	}
	if strings.Join(news.People.Names, "|") != nick+"|<i>Grace" {
		t.Errorf("%q are there", news.People.Names)
	}
}

func TestRoomsAreListed(t *testing.T) {
	w := newWorld(t, chat.Options{})
	w.say(w.guest("one", "Ada"), "hello")
	ada := w.guest("Two", "Ada") // in any case of letters
	w.say(ada, "hello")
	w.say(ada, "hello again")
	must(t, w.guest("two", "Grace").Poll(w.ctx))
	type room struct {
		Name             string
		Messages, People int
	}
	var got []room
	ada.URL = "http://" + w.Addr() + "/api/rooms"
	must(t, ada.Do(w.ctx, "GET", "", nil, &got))
	if len(got) != 2 || got[0] != (room{"two", 2, 2}) || got[1].Name != "one" || got[1].Messages != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestWrongOptions(t *testing.T) {
	for _, opts := range []chat.Options{{Name: "a`b"}, {Name: strings.Repeat("a", 49)}, {Writers: -1}, {Poll: -1}} {
		if _, err := chat.Open(t.Context(), nil, nil, nil, "", opts); err == nil {
			t.Errorf("%+v is taken", opts)
		}
	}
}
