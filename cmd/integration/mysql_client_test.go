package integration

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/loop/evioloop"
)

// A client of an evio server asks for a slow query, and another that waits for
// the one connection, and leaves: nobody works for it any more.
func testClientLeaves(t *testing.T, e *mysqlEnv, _ *faultyServer) {
	e = e.with(mysql.WithMaxConns(1))
	ended := make(chan error, 2)
	started := make(chan struct{})
	srv := evioloop.Server{Data: func(c *evioloop.Conn, _ []byte) {
		ask := func(query string) {
			e.db.On(c).QueryRow(bg, query, func(_ *mysql.Row, err error) { ended <- err })
		}
		ask(fmt.Sprintf("SELECT SLEEP(%d) /* client leaves */", endless))
		ask("SELECT 'never'")
		close(started)
	}}
	addr := freeAddr(t)
	ctx, cancel := context.WithCancel(bg)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ctx, "tcp://"+addr) }()
	defer func() { cancel(); await(t, served) }()

	conn := dialUntilUp(t, ctx, addr)
	if _, err := conn.Write([]byte("go\n")); err != nil {
		t.Fatal(err)
	}
	await(t, started)
	e.waitsForServer("client leaves")
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	for range 2 {
		if err := await(t, ended); !errors.Is(err, context.Canceled) {
			t.Errorf("the callback got %v, want %v", err, context.Canceled)
		}
	}
	eventually(t, "no connection in use", func() bool { return e.inUse() == 0 })
	e.number("SELECT 1")
}

// waitsForServer waits until the server runs a query with that comment.
func (e *mysqlEnv) waitsForServer(comment string) {
	e.t.Helper()
	watcher := e.raw(e.dsn)
	defer watcher.Close()
	eventually(e.t, "the server runs the query", func() bool {
		var n int
		err := watcher.QueryRowContext(bg,
			"SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User sleep' AND info LIKE ?", "%/* "+comment+" */%").Scan(&n)
		if err != nil {
			e.t.Fatal(err)
		}
		return n > 0
	})
}
