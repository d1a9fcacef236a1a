// Command demo serves a chat by HTTP long-polling from one event loop, with two
// unmodified, blocking database drivers, MongoDB's and MySQL's, under callbacks
// behind it. It brings the databases along:
//
//	go run ./cmd/demo                       # the chat and the engine room, until Ctrl-C
//	go run ./cmd/demo -once                 # an account, step by step, of what the library does
//	go run ./cmd/demo trace -o trace.svg    # one request through loop, worker and driver, drawn
//
// The account ends with a chat without a browser. The engine room is a page beside the
// chat: three servers with the same driver under the same load, live. -addr :8080 lets
// others in the network into both.
//
// Flags: -once; -addr HOST:PORT of the chat, by default any free port of 127.0.0.1;
// -data DIR for the embedded MongoDB's data; -mongo URI and -mysql DSN to use real
// servers instead; -bus URL of a NATS or Redis server by which several processes with
// the same real databases serve one chat. Of trace: -o FILE and -mysql DSN.
//
//	go run ./cmd/demo -addr :8001 -bus nats://127.0.0.1:4222 -mongo … -mysql …
//	go run ./cmd/demo -addr :8002 -bus nats://127.0.0.1:4222 -mongo … -mysql …
//
// In real servers the chat has the database valet_demo_chat (MongoDB), and the tables
// valet_demo_chat_users and valet_demo_chat_rooms in the database of the DSN. They
// stay: whoever starts the demo again finds the chat as it was. So it is with -data,
// from which the counts that the embedded MySQL has forgotten are made anew. The
// account uses the databases valet_demo_story and valet_demo_once, and the tables
// valet_demo_users, valet_demo_accounts, valet_demo_once_users and
// valet_demo_once_rooms, and drops them at the end.
//
// It exits with 0 if everything held that the account says, or if the chat was
// interrupted; with 1 if something did not hold, with 2 if the flags are wrong.
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
	if len(args) > 0 && args[0] == "trace" {
		return runTrace(ctx, args[1:], stdout, stderr)
	}
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
