package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"

	driver "github.com/go-sql-driver/mysql"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/cmd/demo/bus"
)

// config is what the flags say, checked.
type config struct {
	once  bool
	addr  string
	data  string // empty: a temporary folder
	mongo string // empty: embedded
	mysql string // empty: embedded
	bus   string // empty: one process
	crowd int    // queries at once, an even number

	listeners int // long-polls at once
}

// errHelp says that the user asked for the flags, which were printed.
var errHelp = errors.New("help")

// usageError is a mistake in the flags.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text + "; -help lists the flags" }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// parseFlags reads and checks the command line. What -help prints goes to
// stderr.
func parseFlags(args []string, stderr io.Writer) (config, error) {
	cfg := config{crowd: crowdSize, listeners: chatListeners}
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.BoolVar(&cfg.once, "once", false, "tell, step by step, what goes on, a scripted chat included, and end")
	fs.StringVar(&cfg.addr, "addr", "127.0.0.1:0", "`host:port` of the chat; port 0 is any free one")
	fs.StringVar(&cfg.data, "data", "", "`folder` where the embedded MongoDB keeps its data (default: a temporary one, removed at the end)")
	fs.StringVar(&cfg.mongo, "mongo", "", "`URI` of a MongoDB to use instead of the embedded one")
	fs.StringVar(&cfg.mysql, "mysql", "", "`DSN` of a MySQL to use instead of the embedded one: user:password@tcp(host:port)/database")
	fs.StringVar(&cfg.bus, "bus", "", "`URL` of a NATS or Redis server that connects several processes: nats://host:port or redis://host:port")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: go run ./cmd/demo [flags]\n       go run ./cmd/demo trace [-o file] [-mysql DSN]")
			fs.SetOutput(stderr)
			fs.PrintDefaults()
			return cfg, errHelp
		}
		return cfg, usagef("%v", err)
	}
	if fs.NArg() > 0 {
		return cfg, usagef("unexpected argument %q: everything is a flag", fs.Arg(0))
	}
	return cfg, cfg.check()
}

func (c config) check() error {
	if _, _, err := net.SplitHostPort(c.addr); err != nil {
		return usagef("-addr %q: must be host:port: %v", c.addr, err)
	}
	if c.data != "" && c.mongo != "" {
		return usagef("-data: only the embedded MongoDB keeps data there, and -mongo replaces it")
	}
	if c.bus != "" {
		err := bus.CheckURL(c.bus)
		switch {
		case err != nil:
			return usagef("-bus: %v", err)
		case c.once:
			return usagef("-bus: the account of -once knows one process only")
		case c.mongo == "" || c.mysql == "":
			return usagef("-bus: processes that share a chat share its databases; name them by -mongo and -mysql")
		}
	}
	if c.mongo != "" {
		// The driver's errors may quote the URI, which may hold a password,
		// but only to whoever has just typed it.
		if err := options.Client().ApplyURI(c.mongo).Validate(); err != nil {
			return usagef("-mongo: %v", err)
		}
	}
	if c.mysql != "" {
		dsn, err := driver.ParseDSN(c.mysql)
		switch {
		case err != nil:
			return usagef("-mysql: %v", err)
		case dsn.DBName == "":
			return usagef("-mysql: the DSN must name a database, as in user:password@tcp(host:port)/database")
		}
	}
	return nil
}
