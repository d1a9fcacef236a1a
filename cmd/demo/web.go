package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/loop/evioloop"
)

// web is the front end: an evio server whose handlers ask both databases, and
// answer from the callbacks, which run on evio's own goroutine.
type web struct {
	db   *mysql.DB
	hits *mongo.Collection

	addr   string
	cancel context.CancelFunc
	ended  chan struct{} // closed when the server has ended, with err
	err    error

	callbacks tally
	conns     atomic.Int64 // connections that were opened
	panics    atomic.Int64
}

// startWeb starts the front end and waits until it listens.
func startWeb(addr string, db *mysql.DB, hits *mongo.Collection) (*web, error) {
	ctx, cancel := context.WithCancel(context.Background())
	w := &web{db: db, hits: hits, cancel: cancel, ended: make(chan struct{})}
	ready := make(chan string, 1)
	srv := &evioloop.Server{
		Opened: func(c *evioloop.Conn) {
			w.conns.Add(1)
			c.SetValue(&httpStream{handle: w.handle})
		},
		Data:         func(c *evioloop.Conn, in []byte) { c.Value().(*httpStream).received(c, in) },
		EOF:          func(c *evioloop.Conn) { c.Value().(*httpStream).finished(c) },
		PanicHandler: func(any, []byte) { w.panics.Add(1) },
		Ready:        func(addrs []net.Addr) { ready <- addrs[0].String() },
		Grace:        time.Second,
	}
	go func() {
		defer close(w.ended)
		w.err = srv.Serve(ctx, "tcp://"+addr)
	}()
	select {
	case w.addr = <-ready:
		return w, nil
	case <-w.ended:
		cancel()
		if w.err == nil {
			w.err = errors.New("it ended before it served")
		}
		return nil, w.err
	}
}

// stop ends the front end, and waits for its end.
func (w *web) stop() error {
	w.cancel()
	<-w.ended
	if n := w.panics.Load(); n > 0 && w.err == nil {
		return fmt.Errorf("%d panics in the front end's callbacks", n)
	}
	return w.err
}

// keepServing waits until ctx ends, which is the user's wish, or the front end
// fails.
func (w *web) keepServing(ctx context.Context, out *report) error {
	fmt.Fprintf(out.w, "\nServing http://%s/ until Ctrl-C.\n", w.addr)
	select {
	case <-ctx.Done():
		return nil
	case <-w.ended:
		return fmt.Errorf("the front end ended: %v", w.err)
	}
}

const page = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Valet</title></head>
<body>
<h1>Valet</h1>
<p>The name comes from MySQL, the visit goes to MongoDB; both drivers block, this server does not.</p>
<ul>
<li><a href="/hello?user=ada">/hello?user=ada</a></li>
<li><a href="/hello?user=grace">/hello?user=grace</a></li>
<li><a href="/hello?user=alan">/hello?user=alan</a></li>
<li><a href="/hello?user=barbara">/hello?user=barbara</a></li>
</ul>
</body>
</html>
`

// handle is called with each request, on evio's goroutine, and must not block.
func (w *web) handle(x *exchange) {
	switch x.URL.Path {
	case "/":
		x.text(http.StatusOK, "text/html; charset=utf-8", page)
	case "/hello":
		w.hello(x, x.URL.Query().Get("user"))
	default:
		x.fail(http.StatusNotFound, "nothing here but / and /hello")
	}
}

// hello looks the user's name up in MySQL, stores the visit in MongoDB, counts
// the visits there, and answers: each from the callback of the one before.
func (w *web) hello(x *exchange, user string) {
	if user == "" {
		x.fail(http.StatusBadRequest, "say who you are: /hello?user=ada")
		return
	}
	ctx, here := x.Context(), w.callbacks.here()
	w.db.On(x.conn).QueryRow(ctx, "SELECT name FROM valet_demo_users WHERE id = ?", seen(here, func(row *mysql.Row, err error) {
		var name string
		if err == nil {
			err = row.Scan(&name)
		}
		if err != nil {
			x.failed(err)
			return
		}
		visit := bson.M{"user": user, "at": time.Now()}
		w.hits.On(x.conn).InsertOne(ctx, visit, seen(here, func(_ *mongo.InsertOneResult, err error) {
			if err != nil {
				x.failed(err)
				return
			}
			w.count(x, here, user, func(visits int) {
				x.json(http.StatusOK, map[string]any{"hello": name, "visits": visits})
			})
		}))
	}), user)
}

// count calls then with the number of the user's visits.
func (w *web) count(x *exchange, here witness, user string, then func(visits int)) {
	pipeline := []bson.M{{"$match": bson.M{"user": user}}, {"$count": "visits"}}
	w.hits.On(x.conn).Aggregate(x.Context(), pipeline, seen(here, func(cur *mongo.Cursor, err error) {
		if err != nil {
			x.failed(err)
			return
		}
		cur.Collect(x.Context(), 1, seen(here, func(all []bson.Raw, err error) {
			switch {
			case err != nil:
				x.failed(err)
			case len(all) == 0:
				then(0)
			default:
				then(int(all[0].Lookup("visits").AsInt64()))
			}
		}))
	}))
}

// failed answers with what an error of a database means to the client.
func (x *exchange) failed(err error) {
	switch {
	case errors.Is(err, mysql.ErrNoRows):
		x.fail(http.StatusNotFound, "nobody of that name")
	case errors.Is(err, adapter.ErrOverloaded):
		x.fail(http.StatusServiceUnavailable, "too busy; try again")
	case errors.Is(err, context.DeadlineExceeded):
		x.fail(http.StatusGatewayTimeout, "the databases took too long")
	default:
		x.fail(http.StatusInternalServerError, err.Error())
	}
}

func (x *exchange) fail(status int, why string) {
	x.json(status, map[string]any{"error": why})
}

func (x *exchange) json(status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("demo: %v", err)) // of a map of strings and numbers
	}
	x.text(status, "application/json", string(body)+"\n")
}
