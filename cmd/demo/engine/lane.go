package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop/evioloop"
	"github.com/valet-go/valet/loop/httploop"
)

const (
	// conns is the size of each lane's pool of connections.
	conns = 8
	// maxDelay is how long a query may be asked to take, in milliseconds.
	maxDelay = 1000
	// stopPatience bounds the end of what has been told to end.
	stopPatience = 10 * time.Second
)

// lane is a server: what is behind it is up to ask.
type lane struct {
	sleep func(ms int) string // the query that takes so long

	// ask makes the query, and answers x by reply. On the goroutine of x.
	ask func(x *httploop.Exchange, query string)
	// busy is how many goroutines are in queries. Any goroutine.
	busy func() int
	// release gives up what ask uses, once the server has ended.
	release func(context.Context) error

	ctx    context.Context // ends with the server
	cancel context.CancelFunc
	addr   string
	ended  chan struct{} // closed when the server has ended, with err
	err    error
}

func newLane(sleep func(int) string) *lane {
	s := &lane{sleep: sleep, ended: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// start serves, and waits until it does.
func (s *lane) start() error {
	web := &httploop.Server{Handler: s.handle}
	ready := make(chan string, 1)
	srv := &evioloop.Server{
		Opened: func(c *evioloop.Conn) { web.Opened(c) },
		Data:   func(c *evioloop.Conn, in []byte) { web.Data(c, in) },
		EOF:    func(c *evioloop.Conn) { web.EOF(c) },
		Closed: func(c *evioloop.Conn, _ error) { web.Closed(c) },
		Ready:  func(addrs []net.Addr) { ready <- addrs[0].String() },
		Grace:  time.Second,
	}
	go func() {
		defer close(s.ended)
		s.err = srv.Serve(s.ctx, "tcp://127.0.0.1:0")
	}()
	select {
	case s.addr = <-ready:
		return nil
	case <-s.ended:
		return errors.Join(errors.New("a lane's server has ended before it served"), s.err)
	}
}

// stop ends the server, after start, and everything behind it, and waits for
// that.
func (s *lane) stop(ctx context.Context) error {
	s.cancel()
	<-s.ended
	return errors.Join(s.err, s.release(ctx))
}

// handle is called with each request, on evio's goroutine: /beat asks nobody,
// /query?ms=100 asks the database, which takes so long.
func (s *lane) handle(x *httploop.Exchange) {
	switch string(x.Request().URI().Path()) {
	case "/beat":
		x.Text(http.StatusOK, "here")
	case "/query":
		ms, err := x.Request().URI().QueryArgs().GetUint("ms")
		if err != nil || ms > maxDelay {
			x.Error(http.StatusBadRequest, fmt.Sprintf("say how long the query is to take, in milliseconds, up to %d: /query?ms=100", maxDelay))
			return
		}
		s.ask(x, s.sleep(ms))
	default:
		x.Error(http.StatusNotFound, "nothing here but /beat and /query?ms=100")
	}
}

// reply answers with what came of the query.
func reply(x *httploop.Exchange, err error) {
	switch {
	case err == nil:
		x.Text(http.StatusOK, "done")
	case errors.Is(err, adapter.ErrOverloaded):
		x.Error(http.StatusServiceUnavailable, "too busy; try again")
	default:
		x.Error(http.StatusInternalServerError, err.Error())
	}
}

// sleep is a query that takes the server so long.
func sleep(ms int) string { return fmt.Sprintf("SELECT SLEEP(%d.%03d)", ms/1000, ms%1000) }

// native is the driver as anybody uses it: on Go's own sockets, blocking.
type native struct {
	db    *sql.DB
	ctx   context.Context // ends every query
	count atomic.Int64    // goroutines in query
}

// openNative connects once, which opening bounds.
func openNative(opening, life context.Context, cfg *mysql.Config) (*native, error) {
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	n := &native{db: sql.OpenDB(connector), ctx: life}
	n.db.SetMaxOpenConns(conns)
	n.db.SetMaxIdleConns(conns)
	if err := n.db.PingContext(opening); err != nil {
		return nil, errors.Join(err, n.db.Close())
	}
	return n, nil
}

// query blocks until the answer is there.
func (n *native) query(query string) error {
	n.count.Add(1)
	defer n.count.Add(-1)
	return n.db.QueryRowContext(n.ctx, query).Scan(new(int))
}

func (n *native) busy() int { return int(n.count.Load()) }
