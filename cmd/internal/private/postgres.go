package private

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

// Postgres is a running PostgreSQL server. [User] has [Password], owns
// [Database] and may do everything; over TCP, whoever connects has to prove the
// password (SCRAM). TLS is offered and not demanded.
//
// Each connection is served by a process of its own. They are paused, resumed
// and killed together with the first one, which is [Server.Pid]; outside Linux
// they end by themselves after a Kill, and cannot be paused. If this program is
// killed while they are paused, they stay.
type Postgres struct{ *Server }

// StartPostgres starts a PostgreSQL with an empty database and returns when it
// answers, about a second later. ctx bounds the start, not the server's life.
//
// PostgreSQL refuses to run as root: then it is run as the user postgres, who
// must be able to reach the folder for temporary files.
func StartPostgres(ctx context.Context) (*Postgres, error) {
	s, err := newServer(postgresKind)
	if err != nil {
		return nil, err
	}
	p := &Postgres{s}
	if err := p.start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return p, nil
}

func (p *Postgres) start(ctx context.Context) error {
	if err := writeCertificate(p.Server); err != nil {
		return err
	}
	if err := p.as.give(certFile(p.Server), keyFile(p.Server)); err != nil {
		return err
	}
	// Beside the server is the initdb of its version. Over the socket file, which
	// is in a folder that nobody else can enter, everybody is trusted.
	initdb := exec.CommandContext(ctx, filepath.Join(filepath.Dir(p.path), "initdb"),
		"--pgdata="+dataDir(p.Server), "--username="+superuser, "--auth-local=trust",
		"--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	initdb.Dir = p.dir
	p.as.run(initdb)
	if out, err := initdb.CombinedOutput(); errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("private: initdb, run as the user %s: %w. Can it reach %s? TMPDIR decides", postgresKind.notRoot, err, p.dir)
	} else if err != nil {
		return fmt.Errorf("private: initdb: %w. It said:\n%s", err, out)
	}
	if err := p.startAnywhere(ctx); err != nil {
		return err
	}
	conn, err := connectPostgres(ctx, p.Server)
	if err != nil {
		return fmt.Errorf("private: PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	for _, statement := range []string{
		"CREATE ROLE " + User + " SUPERUSER LOGIN PASSWORD '" + Password + "'",
		"CREATE DATABASE " + Database + " OWNER " + User,
	} {
		if _, err := conn.Exec(ctx, statement).ReadAll(); err != nil {
			return fmt.Errorf("private: PostgreSQL: %s: %w", statement, err)
		}
	}
	return nil
}

// DSN is the connection string for [User], without TLS.
func (p *Postgres) DSN() string {
	return p.dsn(Password, url.Values{"sslmode": {"disable"}})
}

// DSNFor is [Postgres.DSN] with another password than the right one.
func (p *Postgres) DSNFor(password string) string {
	return p.dsn(password, url.Values{"sslmode": {"disable"}})
}

// DSNWithTLS is [Postgres.DSN] with TLS, and with the file of the authority that
// vouches for the server.
func (p *Postgres) DSNWithTLS() string {
	return p.dsn(Password, url.Values{"sslmode": {"verify-full"}, "sslrootcert": {certFile(p.Server)}})
}

func (p *Postgres) dsn(password string, options url.Values) string {
	dsn := url.URL{
		Scheme: "postgres", User: url.UserPassword(User, password),
		Host: p.Addr(), Path: Database, RawQuery: options.Encode(),
	}
	return dsn.String()
}

// superuser is the one that initdb makes. It has no password.
const superuser = "postgres"

var postgresKind = kind{
	program: "postgres",
	debian:  "postgresql",
	notRoot: "postgres",
	family:  true,
	args: func(s *Server) []string {
		args := []string{"-D", dataDir(s), "-p", strconv.Itoa(s.port)}
		for _, setting := range []string{
			"listen_addresses=127.0.0.1",
			`unix_socket_directories="` + s.dir + `"`, // a list, whose commas are not ours
			"max_connections=200",
			"shared_buffers=16MB",
			"dynamic_shared_memory_type=mmap", // in the data folder, and removed with it
			"fsync=off",                       // survives kill -9, and spares the disk
			"authentication_timeout=10s",      // or clients that say nothing keep it alive for longer
			"ssl=on",
			"ssl_cert_file=" + certFile(s),
			"ssl_key_file=" + keyFile(s),
		} {
			args = append(args, "-c", setting)
		}
		return args
	},
	ready: func(ctx context.Context, s *Server) error {
		conn, err := connectPostgres(ctx, s)
		if err != nil {
			return err
		}
		return conn.Close(ctx)
	},
}

func dataDir(s *Server) string { return filepath.Join(s.dir, "data") }

// connectPostgres connects over the server's own socket file, so that whoever
// answers is the server that we started.
func connectPostgres(ctx context.Context, s *Server) (*pgconn.PgConn, error) {
	// Its parser also reads the environment (PGPASSFILE and the like).
	return pgconn.Connect(ctx, fmt.Sprintf("host='%s' port=%d user=%s dbname=postgres sslmode=disable passfile=%s",
		s.dir, s.port, superuser, os.DevNull))
}
