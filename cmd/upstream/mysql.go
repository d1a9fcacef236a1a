package main

import (
	"context"
	"database/sql"
	"fmt"

	_ "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/cmd/internal/private"
)

var mysqlSuite = suite{
	name:     "mysql",
	module:   "github.com/go-sql-driver/mysql",
	packages: []string{"."},
	files: map[string]string{"valet_test.go": `package mysql

import (
	"context"
	"net"

	"github.com/valet-go/valet/cmd/upstream/dialer"
)

func init() {
	for _, network := range []string{"tcp", "unix"} {
		RegisterDialContext(network, func(ctx context.Context, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, addr)
		})
	}
}
`},
	flags:   []string{"-parallel=10"}, // as the driver's own CI has it
	nowhere: []string{"1.1.1.1"},      // TestConnectorReturnsTimeout wants a timeout there
	atLeast: 420,                      // v1.10.1 has 421, of which 203 pass without a server
	variants: []variant{
		{name: "tcp", start: func(ctx context.Context) (*server, error) { return startMariaDB(ctx, "tcp") }},
		{name: "unix", start: func(ctx context.Context) (*server, error) { return startMariaDB(ctx, "unix") }},
	},
	mayskip: []exception{
		{"FuzzFormatDSN/seed#[0-9]+", "seeds that are no DSN say so; they need no server"},
	},
}

// mysqlCallbacks has the same tests, which ask what they ask through callbacks.
var mysqlCallbacks = func() suite {
	s := mysqlSuite
	s.name = "mysql-callbacks"
	s.callbacks = true
	s.variants = s.variants[:1]
	return s
}()

// startMariaDB starts a server with the settings of the driver's own CI, without
// which several tests skip themselves or fail: packets of up to 48 MB, local
// infiles, the performance schema, and few connections, since TestConcurrent
// takes them all.
func startMariaDB(ctx context.Context, network string) (*server, error) {
	m, err := private.StartMariaDB(ctx,
		"--max-allowed-packet=48M", "--innodb-log-file-size=256M", "--innodb-buffer-pool-size=256M",
		"--max-connections=50", "--local-infile=1", "--performance-schema=on")
	if err != nil {
		return nil, err
	}
	addr := m.Addr()
	if network == "unix" {
		addr = m.SocketFile()
	}
	asked := 0 // each time takes a connection, which is not the tests'
	return &server{
		env: []string{
			"MYSQL_TEST_PROT=" + network,
			"MYSQL_TEST_ADDR=" + addr,
			"MYSQL_TEST_USER=" + private.User,
			"MYSQL_TEST_PASS=" + private.Password,
			"MYSQL_TEST_DBNAME=" + private.Database,
			"MYSQL_TEST_CONCURRENT=1",
		},
		connections: func(ctx context.Context) (int, error) {
			n, err := mariadbConnections(ctx, m.DSN())
			asked++
			return n - asked, err
		},
		close: func() { m.Close() },
	}, nil
}

// mariadbConnections is how many connections the server has seen. It makes one
// itself, and leaves none.
func mariadbConnections(ctx context.Context, dsn string) (int, error) {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return 0, fmt.Errorf("upstream: %w", err)
	}
	defer db.Close()
	var name string
	var n int
	if err := db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Connections'").Scan(&name, &n); err != nil {
		return 0, fmt.Errorf("upstream: count the connections: %w", err)
	}
	return n, nil
}
