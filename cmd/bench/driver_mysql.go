package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/adapter"
	vsql "github.com/valet-go/valet/backends/sql"
)

// mysqlDriver reads 64-byte values by primary key, with a prepared statement
// through database/sql.
type mysqlDriver struct{}

// mysqlDatabase is created and dropped.
const mysqlDatabase = "valet_bench"

// mysqlQuery reads the value of a key.
const mysqlQuery = "SELECT v FROM kv WHERE id = ?"

// config reads -addr: a DSN of the driver, or host:port for root without a
// password.
func (mysqlDriver) config(at target) (*mysql.Config, error) {
	if !strings.ContainsAny(at.Addr, "@/") {
		at.Addr = "root@tcp(" + at.Addr + ")/"
	}
	cfg, err := mysql.ParseDSN(at.Addr)
	if err != nil {
		return nil, fmt.Errorf("%q is neither host:port nor a DSN: %w", at.Addr, err)
	}
	if cfg.TLS, err = at.tlsConfig(hostOf(cfg.Addr)); err != nil {
		return nil, err
	}
	return cfg, nil
}

// pool opens a database with conns connections, none of which is closed for
// being idle.
func (d mysqlDriver) pool(at target, database string, conns int, dial dialFunc) (*sql.DB, error) {
	cfg, err := d.config(at)
	if err != nil {
		return nil, err
	}
	cfg.DBName = database
	cfg.DialFunc = dial
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

func (d mysqlDriver) open(ctx context.Context, at target, sp spec, dial dialFunc) (*session, error) {
	db, err := d.pool(at, mysqlDatabase, sp.Conns, dial)
	if err != nil {
		return nil, err
	}
	stmt, err := db.PrepareContext(ctx, mysqlQuery)
	if err != nil {
		db.Close()
		return nil, err
	}
	return &session{
		read: func(ctx context.Context, key int) (v string, err error) {
			err = stmt.QueryRowContext(ctx, key).Scan(&v)
			return v, err
		},
		calls: func(a *adapter.Adapter) func(context.Context, int, func(string, error)) {
			wrapped := vsql.NewStmt(a, stmt)
			return func(ctx context.Context, key int, cb func(string, error)) {
				wrapped.QueryRow(ctx, func(row *vsql.Row, err error) {
					var v string
					if err == nil {
						err = row.Scan(&v)
					}
					cb(v, err)
				}, key)
			}
		},
		close: func() error {
			stmt.Close()
			return db.Close()
		},
	}, nil
}

func (d mysqlDriver) prepare(ctx context.Context, at target) (func(), error) {
	db, err := d.pool(at, "", 1, nil)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	fill := []string{
		"DROP DATABASE IF EXISTS " + mysqlDatabase,
		"CREATE DATABASE " + mysqlDatabase,
		"CREATE TABLE " + mysqlDatabase + ".kv (id INT PRIMARY KEY, v VARCHAR(64) NOT NULL)",
	}
	for i := range keys {
		fill = append(fill, fmt.Sprintf("INSERT INTO %s.kv VALUES (%d, '%s')", mysqlDatabase, i, value(i)))
	}
	for _, query := range fill {
		if _, err := db.ExecContext(ctx, query); err != nil {
			return nil, fmt.Errorf("mysql: %s: %w", query, err)
		}
	}
	return func() { d.remove(at) }, nil
}

func (d mysqlDriver) remove(at target) {
	db, err := d.pool(at, "", 1, nil)
	if err != nil {
		return
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
	defer cancel()
	db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+mysqlDatabase)
}
