package private

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/go-sql-driver/mysql"
)

// The account and the database of every MariaDB and PostgreSQL started here. User
// may do everything, and so may MariaDB's root, who has no password.
const (
	Database = "valet"
	User     = "valet"
	Password = "secret"
)

// MariaDB is a running MariaDB server. TLS is offered and not demanded.
type MariaDB struct{ *Server }

// StartMariaDB starts a MariaDB with an empty database and returns when it
// answers, about a second later. ctx bounds the start, not the server's life.
// The settings, such as "--max-connections=50", come after ours, and so win.
func StartMariaDB(ctx context.Context, settings ...string) (*MariaDB, error) {
	k := mariadbKind
	k.args = func(s *Server) []string { return append(mariadbKind.args(s), settings...) }
	s, err := newServer(k)
	if err != nil {
		return nil, err
	}
	m := &MariaDB{s}
	if err := m.start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return m, nil
}

func (m *MariaDB) start(ctx context.Context) error {
	install, err := find("mariadb-install-db", mariadbKind.debian)
	if err != nil {
		return err
	}
	if err := writeCertificate(m.Server); err != nil {
		return err
	}
	args := append(commonArgs(m.Server), "--auth-root-authentication-method=normal", "--skip-test-db")
	out, err := exec.CommandContext(ctx, install, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("private: mariadb-install-db: %w. It said:\n%s", err, out)
	}
	if err := m.startAnywhere(ctx); err != nil {
		return err
	}
	db := sql.OpenDB(connector(m.Server))
	defer db.Close()
	statements := []string{"CREATE DATABASE " + Database}
	for _, account := range []string{"'" + User + "'@'127.0.0.1'", "'" + User + "'@'localhost'"} { // TCP, and the socket file
		statements = append(statements,
			"CREATE USER "+account+" IDENTIFIED BY '"+Password+"'",
			"GRANT ALL ON *.* TO "+account+" WITH GRANT OPTION")
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("private: MariaDB: %s: %w", statement, err)
		}
	}
	return nil
}

// DSN is the data source name for go-sql-driver/mysql, with root and
// [Database].
func (m *MariaDB) DSN() string { return m.DSNFor("root", "") }

// DSNFor is the [MariaDB.DSN] of another account, right or wrong.
func (m *MariaDB) DSNFor(user, password string) string {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", m.Addr(), Database
	c.User, c.Passwd = user, password
	return c.FormatDSN()
}

// SocketFile is where the server can be reached as well, as a "unix" address.
func (m *MariaDB) SocketFile() string { return socket(m.Server) }

var mariadbKind = kind{
	program: "mariadbd",
	debian:  "mariadb-server",
	args: func(s *Server) []string {
		return append(commonArgs(s),
			"--socket="+socket(s),
			"--pid-file="+filepath.Join(s.dir, "mariadbd.pid"),
			"--port="+strconv.Itoa(s.port),
			"--bind-address=127.0.0.1",
			"--skip-name-resolve",
			"--skip-log-bin",
			"--ssl-cert="+certFile(s),
			"--ssl-key="+keyFile(s),
			"--back-log=512",
			"--max-connections=1000",
			"--innodb-buffer-pool-size=32M",
			"--innodb-flush-log-at-trx-commit=2", // survives kill -9, and spares the disk
		)
	},
	ready: func(ctx context.Context, s *Server) error {
		db := sql.OpenDB(connector(s))
		defer db.Close()
		return db.PingContext(ctx)
	},
}

// commonArgs comes first: --no-defaults has to be the first argument of all.
func commonArgs(s *Server) []string {
	args := []string{
		"--no-defaults",
		"--datadir=" + filepath.Join(s.dir, "data"),
		"--tmpdir=" + s.dir, // in a shared one, servers remove each other's tables
	}
	if os.Getuid() == 0 {
		args = append(args, "--user=root") // which it refuses to assume
	}
	return args
}

func socket(s *Server) string { return filepath.Join(s.dir, "mysql.sock") }

// connector connects over the server's own socket file, so that whoever answers
// is the server that we started.
func connector(s *Server) driver.Connector {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User = "unix", socket(s), "root"
	c.Logger = &mysql.NopLogger{} // it reports every attempt that came too early
	conn, err := mysql.NewConnector(c)
	if err != nil {
		panic("private: " + err.Error()) // the configuration is constant
	}
	return conn
}
