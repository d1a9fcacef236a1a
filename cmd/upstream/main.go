// Command upstream runs the own test suites of database drivers twice, natively
// and over the fake socket, each time against a fresh real server and with the race
// detector, and compares them test by test. Of MySQL's there is a second suite, which
// asks through callbacks what its tests ask of database/sql; see package sql.
//
//	go run ./cmd/upstream [-suite mysql,mongo]
//
// Of mongo-driver's tests those run that make connections and are quick: the packages
// mongo, topology, internal/integration and its subpackage unified, against package
// mongowire, which lacks some of what MongoDB has. A test that fails natively for
// that, as suite.go's tables say it may, is counted and not compared; a test that
// passes natively is, and none is run again. Tests of seconds each are left out, so
// that all of it takes some minutes; mongo_exceptions.go names them.
//
// A driver's module is copied from the module cache to a temporary folder, where
// a file is added that makes it dial with package dialer, and tests may get another
// import for database/sql; nothing of it is part of this repository. Servers and tests
// run in a network namespace of their own, in which there is nothing but a loopback
// interface, because such tests dial public addresses. For that Linux is needed, and
// root or user namespaces.
//
// # Flags
//
//	-suite   which drivers, separated by commas (default all); see suite.go for how to add one
//	-events  append the results to this file, for testreport
//
// It exits with status 1 if anything was different or did not work. What this
// machine cannot run is left out, unless VALET_REQUIRE_ALL is 1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/valet-go/valet/cmd/internal/private"
)

func main() {
	runtime.LockOSThread() // on Linux, children end with the thread that started them (man 2 prctl)
	names := flag.String("suite", "", "which drivers, separated by commas (default all)")
	events := flag.String("events", "", "append the results to this file, for testreport")
	inside := flag.String("inside", "", "set by the program itself: the folder of the workspaces, in the namespace")
	flag.Parse()

	chosen, err := choose(*names)
	if err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(2)
	}
	r := &report{out: os.Stdout, events: io.Discard, requireAll: os.Getenv("VALET_REQUIRE_ALL") == "1"}
	if *events != "" {
		file, err := os.OpenFile(*events, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			fmt.Fprintln(os.Stderr, "upstream:", err)
			os.Exit(2)
		}
		defer file.Close()
		r.events = file
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *inside != "" {
		runInside(ctx, r, *inside, chosen)
	} else {
		runOutside(ctx, r, *events, chosen)
	}
	if r.bad {
		os.Exit(1)
	}
}

// runOutside prepares what needs the network, and has the rest done inside.
func runOutside(ctx context.Context, r *report, events string, chosen []suite) {
	dir, err := os.MkdirTemp("", "valet-upstream-")
	if err != nil {
		r.failed("upstream", err)
		return
	}
	defer os.RemoveAll(dir)
	var ready []string
	for _, s := range chosen {
		w := workspace{filepath.Join(dir, s.name)}
		version, err := w.prepare(ctx, s)
		if err != nil {
			r.failed(s.name, err)
			continue
		}
		fmt.Fprintf(r.out, "%s: the tests of %s %s\n", s.name, s.module, version)
		r.exceptions(s)
		ready = append(ready, s.name)
	}
	if ready == nil {
		return
	}
	err = enter(ctx, []string{"-inside", dir, "-suite", strings.Join(ready, ","), "-events", events})
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.Is(err, errNoNamespace):
		for _, name := range ready {
			r.left("the own tests of "+name, err)
		}
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		r.bad = true // it has said why
	default:
		r.failed("upstream", err)
	}
}

// runInside runs the suites in the namespace.
func runInside(ctx context.Context, r *report, dir string, chosen []suite) {
	var nowhere []string
	for _, s := range chosen {
		nowhere = append(nowhere, s.nowhere...)
	}
	if err := setUp(nowhere); err != nil {
		fmt.Fprintln(r.out, "upstream:", err)
		os.Exit(noNamespaceStatus)
	}
	for _, s := range chosen {
		for _, v := range s.variants {
			began := time.Now()
			p, err := s.run(ctx, workspace{filepath.Join(dir, s.name)}, v)
			name := s.name + " over " + v.name
			switch {
			case errors.Is(err, private.ErrNotInstalled):
				r.left("the own tests of "+name, err)
			case err != nil:
				r.failed(name, err)
			default:
				r.compared(s, v, p, time.Since(began))
			}
		}
	}
}
