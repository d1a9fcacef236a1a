package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	vitesslog "github.com/dolthub/vitess/go/vt/log"
	driver "github.com/go-sql-driver/mysql"
	"github.com/sirupsen/logrus"
)

// MySQL is a running server that speaks the MySQL wire protocol and keeps its
// data in memory.
type MySQL struct {
	cfg    mysqlConfig
	addr   string
	closed func() error
}

// MySQLOption is an option of [StartMySQL].
type MySQLOption func(*mysqlConfig)

type mysqlConfig struct {
	user, password string
	database       string
}

// WithUser names the one account, which may do everything. Default: root
// without a password. Another password is refused with error 1045, another name
// with 2012.
func WithUser(name, password string) MySQLOption {
	return func(c *mysqlConfig) { c.user, c.password = name, password }
}

// WithDatabase names the one database. Default: valet.
func WithDatabase(name string) MySQLOption {
	return func(c *mysqlConfig) { c.database = name }
}

// StartMySQL starts go-mysql-server with one empty database.
func StartMySQL(opts ...MySQLOption) (*MySQL, error) {
	silence()
	cfg := mysqlConfig{user: "root", database: "valet"}
	for _, opt := range opts {
		opt(&cfg)
	}

	db := memory.NewDatabase(cfg.database)
	db.EnablePrimaryKeyIndexes()
	provider := memory.NewDBProvider(db)
	engine := sqle.NewDefault(provider)

	accounts := engine.Analyzer.Catalog.MySQLDb
	editor := accounts.Editor()
	accounts.AddSuperUser(editor, cfg.user, "localhost", cfg.password)
	editor.Close()

	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("embedded: listen for MySQL: %w", err)
	}
	ln := newTracker(inner)
	srv, err := server.NewServer(server.Config{Protocol: "tcp", Listener: ln}, engine,
		sql.NewContext, memory.NewSessionBuilder(provider), nil)
	if err != nil {
		inner.Close()
		engine.Close()
		return nil, fmt.Errorf("embedded: start go-mysql-server: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Start() }()
	return &MySQL{
		cfg:  cfg,
		addr: inner.Addr().String(),
		closed: sync.OnceValue(func() error {
			srv.Close()
			err := <-done
			ln.hangUp()
			// The engine reports the end of its background threads, which is
			// what was asked for, as the cancellation of their context.
			if engineErr := engine.Close(); !errors.Is(engineErr, context.Canceled) {
				err = errors.Join(err, engineErr)
			}
			return err
		}),
	}, nil
}

// DSN is the data source name for go-sql-driver/mysql, such as
// root@tcp(127.0.0.1:40123)/valet. Any goroutine may call it.
func (m *MySQL) DSN() string { return m.DSNFor(m.cfg.user, m.cfg.password) }

// DSNFor is the [MySQL.DSN] of another account, right or wrong.
func (m *MySQL) DSNFor(user, password string) string {
	c := driver.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", m.addr, m.cfg.database
	c.User, c.Passwd = user, password
	return c.FormatDSN()
}

// Addr is the host and port that the server listens on.
func (m *MySQL) Addr() string { return m.addr }

// Close stops the server, hangs up on its clients and waits until all of its
// goroutines have ended. Any goroutine may call it, more than once.
func (m *MySQL) Close() error { return m.closed() }

// silence turns off two loggers that are global to the process and that have
// no other user here: go-mysql-server reports every connection to the first,
// its wire protocol every failed login to the second.
var silence = sync.OnceFunc(func() {
	logrus.SetLevel(logrus.PanicLevel)
	drop, dropf := func(...any) {}, func(string, ...any) {}
	vitesslog.Info, vitesslog.Infof = drop, dropf
	vitesslog.Warning, vitesslog.Warningf = drop, dropf
	vitesslog.Error, vitesslog.Errorf = drop, dropf
})
