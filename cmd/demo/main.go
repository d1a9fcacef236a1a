// Command demo runs two unmodified, blocking database drivers, MongoDB's and
// MySQL's, under callbacks on one event loop, tells what it sees there, and
// then serves HTTP from an evio front end whose handler asks both databases.
// It brings the databases along:
//
//	go run ./cmd/demo          # the account, then a server, until Ctrl-C
//	go run ./cmd/demo -once    # the account, which includes a few requests
//
// Flags: -once; -addr HOST:PORT of the front end; -data DIR for the embedded
// servers' data; -mongo URI and -mysql DSN to use real servers instead. In
// those it uses the databases valet_demo and valet_demo_story (MongoDB), and
// the tables valet_demo_users and valet_demo_accounts in the database of the
// DSN, and drops them at the end.
//
// It exits with 0 if everything held that the account says, or if a server,
// that is without -once, was interrupted; with 1 if something did not hold,
// with 2 if the flags are wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	// storyLimit bounds everything up to the end of the account.
	storyLimit = 2 * time.Minute
	// stopLimit bounds the stopping of everything.
	stopLimit = time.Minute
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole command. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parseFlags(args, stderr)
	var usage *usageError
	switch {
	case errors.Is(err, errHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "demo:", err)
		return 2
	}
	return execute(ctx, cfg, stdout, stderr)
}

// execute does what the flags say.
func execute(ctx context.Context, cfg config, stdout, stderr io.Writer) int {
	g := newGuard()
	ended := make(chan error, 1)
	go func() { ended <- demonstrate(ctx, cfg, g, &report{w: stdout}) }()
	var err error
	select {
	case err = <-ended:
	case step := <-g.hung: // no cleaning up: that may be what hangs
		fmt.Fprintf(stderr, "demo: hangs in this step: %s\n", step)
		return 1
	}
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	return 0
}
