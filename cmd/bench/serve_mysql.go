package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
)

func (d mysqlDriver) serve(ctx context.Context, env *environment) (*server, error) {
	program, err := findProgram("mariadbd")
	if err == nil {
		return d.serveMariaDB(ctx, env, program)
	}
	if env.cert != nil {
		return nil, errors.New("-tls: the embedded MySQL server is started without TLS; install MariaDB (apt-get install -y --no-install-recommends mariadb-server), or name a server with -addr")
	}
	return serveEmbedded(ctx, env, "mysql", nil)
}

// serveMariaDB starts a MariaDB with a fresh data directory, in which root has
// no password.
func (d mysqlDriver) serveMariaDB(ctx context.Context, env *environment, program string) (*server, error) {
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(env.dir, "data")
	install := exec.CommandContext(ctx, "mariadb-install-db", "--no-defaults", "--user="+me.Username,
		"--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db")
	install.SysProcAttr = endWithParent()
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mariadb-install-db: %w: %s", err, out)
	}
	args := func(port string) []string {
		args := []string{
			"--no-defaults", "--user=" + me.Username, "--datadir=" + data, "--socket=" + filepath.Join(env.dir, "s"),
			"--port=" + port, "--bind-address=127.0.0.1", "--skip-name-resolve", "--back-log=512",
			"--skip-log-bin", "--innodb-buffer-pool-size=32M", "--max-connections=" + strconv.Itoa(env.conns+spareDescriptors),
		}
		if env.cert != nil {
			args = append(args, "--ssl-cert="+env.cert.certFile, "--ssl-key="+env.cert.keyFile, "--ssl-ca="+env.cert.certFile)
		}
		return args
	}
	addr, stop, err := startExternal(ctx, program, args, func(ctx context.Context, addr string) error {
		db, err := d.pool(env.at(addr), "", 1, nil)
		if err != nil {
			return err
		}
		defer db.Close()
		return db.PingContext(ctx)
	})
	if err != nil {
		return nil, err
	}
	return &server{at: env.at(addr), stop: stop}, nil
}
