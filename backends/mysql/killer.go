package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"

	"github.com/go-sql-driver/mysql"
)

// killConns is how many connections a connector may make at once to send KILL
// QUERY. They do not count among the pool's.
const killConns = 8

// killer makes connections that send KILL QUERY, each for one.
type killer struct {
	connector driver.Connector
	slots     chan struct{}
}

func newKiller(cfg *Config) (*killer, error) {
	cfg = cfg.Clone()
	cfg.Params = nil                // are for the program's statements
	cfg.Logger = &mysql.NopLogger{} // errors become those of the calls
	if cfg.MaxAllowedPacket == 0 {  // would cost a question
		cfg.MaxAllowedPacket = 1 << 20
	}
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	return &killer{c, make(chan struct{}, killConns)}, nil
}

// connect waits for its turn and dials peer, or what is configured if peer is
// nil. The connection must be given to done.
func (k *killer) connect(ctx context.Context, peer net.Addr) (driver.Conn, error) {
	select {
	case k.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if peer != nil {
		ctx = context.WithValue(ctx, peerKey{}, peer)
	}
	c, err := k.connector.Connect(ctx)
	if err != nil {
		<-k.slots
		return nil, err
	}
	return c, nil
}

func (k *killer) done(c driver.Conn) {
	c.Close()
	<-k.slots
}

// send makes the server stop what connection id is asked for. An error that is
// not the server's leaves open whether it will.
func (k *killer) send(ctx context.Context, c driver.Conn, id uint64) error {
	e, ok := c.(driver.ExecerContext)
	if !ok {
		return driver.ErrSkip
	}
	_, err := e.ExecContext(ctx, fmt.Sprintf("KILL QUERY %d", id), nil)
	return err
}
