package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/cmd/internal/embedded"
)

// servers is where the databases are, and the embedded ones themselves.
type servers struct {
	mongoURI string
	mysqlDSN string

	mongo *embedded.Mongo // nil: somebody else's
	mysql *embedded.MySQL // nil: somebody else's
	temp  string          // folder to remove, or empty
}

// startServers starts what is not given by flags, and says what is used.
func startServers(cfg config, out *report) (_ *servers, err error) {
	s := &servers{mongoURI: cfg.mongo, mysqlDSN: cfg.mysql}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	var rows [][]string
	if s.mongoURI == "" {
		began := time.Now()
		if err := s.startMongo(cfg.data); err != nil {
			return nil, err
		}
		rows = append(rows, []string{"MongoDB", "embedded FerretDB " + version("github.com/FerretDB/FerretDB"), s.mongoURI, "up in " + ms(time.Since(began))})
	} else {
		rows = append(rows, []string{"MongoDB", "yours", strings.Join(options.Client().ApplyURI(s.mongoURI).Hosts, ",")})
	}
	if s.mysqlDSN == "" {
		began := time.Now()
		if s.mysql, err = embedded.StartMySQL(embedded.WithUser("valet", "secret")); err != nil {
			return nil, err
		}
		s.mysqlDSN = s.mysql.DSN()
		rows = append(rows, []string{"MySQL", "embedded go-mysql-server " + version("github.com/dolthub/go-mysql-server"), s.mysql.Addr(), "up in " + ms(time.Since(began))})
	} else {
		dsn, err := driver.ParseDSN(s.mysqlDSN)
		if err != nil {
			return nil, fmt.Errorf("the MySQL DSN: %w", err)
		}
		rows = append(rows, []string{"MySQL", "yours", dsn.Addr})
	}
	out.table(rows)
	if s.mongo != nil && s.temp == "" {
		out.line("MongoDB's data stays in %s", cfg.data)
	}
	return s, nil
}

// startMongo starts the embedded one, with its data in dir, or in a temporary
// folder if that is empty.
func (s *servers) startMongo(dir string) (err error) {
	if dir == "" {
		dir, err = os.MkdirTemp("", "valet-demo-")
		s.temp = dir
	} else if dir, err = filepath.Abs(dir); err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("the folder for MongoDB's data: %w", err)
	}
	// It has to outlive the context that ends the story: it is stopped last.
	if s.mongo, err = embedded.StartMongo(context.Background(), dir); err != nil {
		return err
	}
	s.mongoURI = s.mongo.URI()
	return nil
}

// stop stops the embedded servers and removes the temporary folder. It waits
// for them.
func (s *servers) stop() error {
	var errs []error
	if s.mysql != nil {
		errs = append(errs, s.mysql.Close())
	}
	if s.mongo != nil {
		errs = append(errs, s.mongo.Close())
	}
	if s.temp != "" {
		errs = append(errs, os.RemoveAll(s.temp))
	}
	return errors.Join(errs...)
}

// module returns what this program was built with, or nil.
func module(path string) *debug.Module {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m
		}
	}
	return nil
}

func version(path string) string {
	if m := module(path); m != nil {
		return m.Version
	}
	return "(of unknown version)"
}
