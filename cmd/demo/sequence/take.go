package sequence

import (
	"bufio"
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/httploop"
)

const (
	request = "GET /hello"
	// query is with one argument, which tells when the driver asks for it. It
	// takes the server some milliseconds, so that there is something to wait for.
	query = "SELECT CONCAT('hello, ', ?), SLEEP(0.005)"
)

// Take asks an HTTP server on a loop, whose handler asks MySQL's unmodified
// driver, and returns what was recorded of that: the request after a first one,
// which has opened the connection. Nothing is left running. It blocks.
func Take(ctx context.Context, dsn string) (_ *Trace, err error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("the MySQL DSN: %w", err)
	}
	l, err := loop.Start(context.Background())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	s := &stage{rec: new(Recorder), loop: l, a: adapter.New(l)}
	defer func() { err = errors.Join(err, s.a.Close(ctx)) }()

	cfg.Logger = &mysql.NopLogger{}
	cfg.InterpolateParams = true // else a statement is prepared first
	dialer := fakesock.Dialer{Loop: l}
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if f, ok := c.(*fakesock.Conn); ok {
			return s.rec.Conn(f), nil
		}
		return nil, fmt.Errorf("the loop cannot wait for a connection to %s %s", network, address)
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("the MySQL DSN: %w", err)
	}
	s.db = sql.OpenDB(connector)
	defer func() { err = errors.Join(err, s.db.Close()) }()

	srv := httploop.Server{Handler: s.handle}
	ln, err := srv.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if err := s.ask(ctx, ln.Addr().String()); err != nil {
		return nil, err
	}
	events, err := Follow(s.rec.Stop())
	if err != nil {
		return nil, err
	}
	return &Trace{Request: request, Call: query, Events: events}, nil
}

// stage is where a request is followed.
type stage struct {
	rec  *Recorder
	loop *loop.Loop
	a    *adapter.Adapter
	db   *sql.DB
}

// ask asks twice over one connection, and records the second time.
func (s *stage) ask(ctx context.Context, addr string) error {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	answers := bufio.NewReader(c)
	for range 2 {
		s.rec.Start()
		s.rec.Note(RequestSent, 0)
		if _, err := io.WriteString(c, request+" HTTP/1.1\r\nHost: "+addr+"\r\n\r\n"); err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		said, err := io.ReadAll(resp.Body)
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		s.rec.Note(AnswerCame, 0)
		if resp.StatusCode != http.StatusOK {
			return errors.New(strings.TrimSpace(string(said)))
		}
		// Its last callback has ended when the next one runs.
		ended := make(chan struct{})
		if err := s.loop.Post(func() { close(ended) }); err != nil {
			return err
		}
		<-ended
	}
	return nil
}

// handle is the handler. On the loop.
func (s *stage) handle(x *httploop.Exchange) {
	s.rec.Note(HandlerStarts, 0)
	// It stands for everything else that the loop does meanwhile. Posted now, it
	// runs when this callback has returned, and before the call's.
	_ = s.loop.Post(func() { s.rec.Note(OtherCallback, 0) }) // the loop that runs this is not closed
	adapter.Go(x.Context(), s.a, func(ctx context.Context) (said string, err error) {
		s.rec.Note(BodyBegins, 0)
		defer s.rec.Note(BodyEnds, 0)
		err = s.db.QueryRowContext(ctx, query, name{s.rec}).Scan(&said, new(int))
		return said, err
	}, func(said string, err error) {
		s.rec.Note(CalledBack, 0)
		defer s.rec.Note(Answered, 0)
		if err != nil {
			x.Error(http.StatusInternalServerError, err.Error())
			return
		}
		x.Text(http.StatusOK, said)
	})
	s.rec.Note(StartReturned, 0)
}

// name is the argument of the query.
type name struct{ rec *Recorder }

// Value is [sqldriver.Valuer]'s: the driver asks for it.
func (n name) Value() (sqldriver.Value, error) {
	n.rec.Note(MessageBuilt, 0)
	return "Ada", nil
}
