package main

import (
	"context"
	"errors"
	"fmt"
)

// lagPeer is a Redis and a MariaDB beside each other.
type lagPeer struct{}

func (lagPeer) serve(ctx context.Context, env *environment) (*server, error) {
	program, err := findProgram("mariadbd")
	if err != nil {
		return nil, errNoRows
	}
	srv, err := redisDriver{}.serve(ctx, env)
	if err != nil {
		return nil, err
	}
	db, err := mysqlDriver{}.serveMariaDB(ctx, env, program)
	if err != nil {
		srv.stop()
		return nil, err
	}
	at := srv.at
	at.Rows = db.at.Addr
	return &server{at: at, stop: func() { db.stop(); srv.stop() }}, nil
}

func (lagPeer) prepare(ctx context.Context, at target) (func(), error) {
	removeKeys, err := redisDriver{}.prepare(ctx, at)
	if err != nil {
		return nil, err
	}
	removeRows, err := mysqlDriver{}.prepare(ctx, target{Addr: at.Rows})
	if err != nil {
		removeKeys()
		return nil, err
	}
	remove := func() { removeRows(); removeKeys() }
	if err := checkRows(ctx, target{Addr: at.Rows}); err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}

var errNoRows = errors.New("no mariadbd is installed, and the embedded MySQL server cannot make up the rows: apt-get install -y --no-install-recommends mariadb-server")

// checkRows reads a few.
func checkRows(ctx context.Context, at target) error {
	rows, err := rowsOnGoroutine(at, nil)
	if err == nil {
		err = rows.read(ctx, 10)
		rows.close()
	}
	if err != nil {
		return fmt.Errorf("this MariaDB makes up no rows, for which it needs its SEQUENCE engine: %w", err)
	}
	return nil
}
