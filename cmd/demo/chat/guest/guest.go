// Package guest is a client of the chat without a browser: for the demo's account
// and for tests. It blocks, as Go's own HTTP client does.
package guest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/valet-go/valet/cmd/demo/chat"
)

// Guest is somebody in a room, with connections of its own. One goroutine at a
// time may poll; others may use Say and Do meanwhile.
type Guest struct {
	URL    string // of the room's messages
	Nick   string // empty: is not seen
	Client http.Client

	// What the last polls have told:
	Messages []chat.Message // by the last one
	Older    bool           // by the first one: there are more before its messages
	Present  []string
	Last     int64 // the greatest number

	history  string
	presence string
}

// New returns a guest, who is in the room from its first poll on.
func New(addr, room, nick string) *Guest {
	return &Guest{
		URL: "http://" + addr + "/api/rooms/" + url.PathEscape(room) + "/messages", Nick: nick,
		Client: http.Client{Transport: &http.Transport{}}, // and no proxy
	}
}

// Beside returns another guest for the same room.
func (g *Guest) Beside(nick string) *Guest {
	return &Guest{URL: g.URL, Nick: nick, Client: http.Client{Transport: &http.Transport{}}}
}

// Leave closes the connections that are not in use.
func (g *Guest) Leave() { g.Client.CloseIdleConnections() }

// refused is an answer that is not 200.
type refused struct {
	status int
	body   string
}

func (r *refused) Error() string { return fmt.Sprint(r.status, " ", r.body) }

// Status is the status of the answer that is the error, or 0 for other errors.
func Status(err error) int {
	var r *refused
	if errors.As(err, &r) {
		return r.status
	}
	return 0
}

// Do sends a request, with a body if that is not nil, and decodes the answer.
func (g *Guest) Do(ctx context.Context, method, query string, body, answer any) error {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, g.URL+query, in)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := g.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return &refused{resp.StatusCode, string(bytes.TrimSpace(got))}
	}
	return json.Unmarshal(got, answer)
}

// Poll gets what is new; but for the first one it waits for that, as long as the
// server does.
func (g *Guest) Poll(ctx context.Context) error {
	query := url.Values{"nick": {g.Nick}}
	if g.history != "" {
		query.Set("after", fmt.Sprint(g.Last))
		query.Set("history", g.history)
		query.Set("presence", g.presence)
	}
	var news struct {
		History, Presence string
		Messages          []chat.Message
		Older             *bool
		People            *struct{ Names []string }
	}
	if err := g.Do(ctx, http.MethodGet, "?"+query.Encode(), nil, &news); err != nil {
		return fmt.Errorf("%q polls: %w", g.Nick, err)
	}
	if news.Older != nil {
		g.Older, g.Last = *news.Older, 0
	}
	g.history, g.presence, g.Messages = news.History, news.Presence, news.Messages
	if news.People != nil {
		g.Present = news.People.Names
	}
	if n := len(g.Messages); n > 0 {
		g.Last = g.Messages[n-1].N
	}
	return nil
}

// See polls until those, and nobody else, are in the room. Messages that come
// meanwhile are lost.
func (g *Guest) See(ctx context.Context, names ...string) error {
	for !slices.Equal(g.Present, names) {
		if err := g.Poll(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Hear polls until there is a message, and returns the first.
func (g *Guest) Hear(ctx context.Context) (chat.Message, error) {
	for {
		if err := g.Poll(ctx); err != nil {
			return chat.Message{}, err
		}
		if len(g.Messages) > 0 {
			return g.Messages[0], nil
		}
	}
}

// Say posts a message and returns its number.
func (g *Guest) Say(ctx context.Context, id, text string) (n int64, err error) {
	var answer struct{ N int64 }
	err = g.Do(ctx, http.MethodPost, "", chat.Message{Nick: g.Nick, Text: text, ID: id}, &answer)
	return answer.N, err
}
