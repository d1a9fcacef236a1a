package chat

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/cmd/demo/chat/page"
	"github.com/valet-go/valet/loop/httploop"
)

// maxBody is how large a request's body may be, in bytes: a text of four-byte
// characters, each written as two escapes, and some more.
const maxBody = 12*MaxText + 4<<10

const (
	api      = "/api/rooms"
	messages = "/messages"
)

// handle is called with each request, on the loop.
func (c *Chat) handle(x *httploop.Exchange) {
	secure(x)
	path := string(x.Request().URI().Path())
	name, isMessages := strings.CutSuffix(strings.TrimPrefix(path, api+"/"), messages)
	switch {
	case path == api:
		if only(x, http.MethodGet) {
			c.listRooms(x)
		}
	case strings.HasPrefix(path, api+"/") && isMessages:
		room, err := cleanRoom(name)
		switch {
		case err != nil:
			c.fail(x, err)
		case !only(x, http.MethodGet, http.MethodPost):
		case x.Request().Header.IsPost():
			c.take(x, room)
		default:
			c.messages(x, room)
		}
	case path == "/" || page.Has(path[1:]):
		x.SetHeader("Cache-Control", "no-cache")
		c.files.Serve(x, path)
	case c.opts.Fallback != nil:
		c.opts.Fallback(x)
	default:
		c.fail(x, &refusal{http.StatusNotFound, "there is nothing here"})
	}
}

// messages answers with a room's messages: those before a number, or those after
// one, waiting for them if need be, or the newest.
func (c *Chat) messages(x *httploop.Exchange, name string) {
	args := x.Request().URI().QueryArgs()
	var numbers [2]int64
	for i, key := range []string{"before", "after"} {
		if v := args.Peek(key); v != nil {
			n, err := strconv.ParseInt(string(v), 10, 64)
			if err != nil || n < 0 {
				c.fail(x, badRequest("%s is the number of a message", key))
				return
			}
			numbers[i] = n
		}
	}
	if args.Has("before") {
		c.older(x, name, numbers[0])
		return
	}
	w := &waiter{x: x, after: numbers[1], presence: string(args.Peek("presence"))}
	if nick := string(args.Peek("nick")); nick != "" {
		var err error
		if w.nick, err = cleanNick(nick); err != nil {
			c.fail(x, err)
			return
		}
	}
	// Who comes with another history, of a server that was here before, gets
	// this one from its end.
	goesOn := args.Has("after") && string(args.Peek("history")) == c.store.history
	c.room(name, func(r *room, err error) {
		switch {
		case err != nil:
			c.fail(x, err)
		case goesOn:
			r.poll(w)
		default:
			r.begin(w)
		}
	})
}

// take takes a message.
func (c *Chat) take(x *httploop.Exchange, name string) {
	if err := ownPage(x); err != nil {
		c.fail(x, err)
		return
	}
	var m Message
	err := json.Unmarshal(x.Request().Body(), &m)
	if err != nil {
		err = badRequest("the body is a message: {\"nick\": …, \"text\": …, \"id\": …}")
	}
	if err == nil {
		m.Nick, err = cleanNick(m.Nick)
	}
	if err == nil {
		m.Text, err = cleanText(m.Text)
	}
	if err == nil {
		err = checkID(m.ID)
	}
	if err != nil {
		c.fail(x, err)
		return
	}
	m.N, m.At = 0, time.Now().UnixMilli()
	c.room(name, func(r *room, err error) {
		if err != nil {
			c.fail(x, err)
			return
		}
		r.presence.seen(m.Nick, 0, time.Now())
		r.post(x, m)
	})
}

// ownPage refuses what another site's page could have made a browser send. JSON
// is what a form cannot send, and what a script may send elsewhere only if the
// server is asked first, and agrees.
func ownPage(x *httploop.Exchange) error {
	h := &x.Request().Header
	if kind, _, err := mime.ParseMediaType(string(h.ContentType())); err != nil || kind != "application/json" {
		return &refusal{http.StatusUnsupportedMediaType, "send a message as application/json"}
	}
	site := string(h.Peek("Sec-Fetch-Site"))
	foreign := site != "" && site != "same-origin" && site != "none"
	if origin := h.Peek("Origin"); origin != nil {
		u, err := url.Parse(string(origin))
		foreign = foreign || err != nil || u.Host != string(h.Host())
	}
	if foreign {
		return &refusal{http.StatusForbidden, "another site's page may not post here"}
	}
	return nil
}

// roomInfo is a room in the list of rooms.
type roomInfo struct {
	Name     string `json:"name"`
	Messages int64  `json:"messages"`
	People   int    `json:"people"`
}

// listRooms answers with the rooms that have most messages.
func (c *Chat) listRooms(x *httploop.Exchange) {
	ctx, cancel := context.WithTimeout(x.Context(), readTimeout)
	query := "SELECT name, last FROM " + c.store.rooms + " WHERE last > 0 ORDER BY last DESC LIMIT 50"
	type row struct {
		Name string
		Last int64
	}
	mysql.All(ctx, c.store.db.On(x), query, 0, func(rows []row, err error) {
		cancel()
		if err != nil {
			c.fail(x, err)
			return
		}
		list := make([]roomInfo, len(rows))
		for i, row := range rows {
			list[i] = roomInfo{Name: row.Name, Messages: row.Last}
			if r := c.rooms[row.Name]; r != nil {
				list[i].People = r.presence.count
			}
		}
		reply(x, http.StatusOK, list)
	})
}
