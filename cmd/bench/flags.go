package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// config is what the flags say, checked.
type config struct {
	driver   string
	paths    []string
	conns    []int
	inflight []int
	procs    []int // empty: GOMAXPROCS as it is
	pairs    int
	duration time.Duration
	warmup   time.Duration
	addr     string
	tls      bool
	tlsCA    string
	json     string
	profiles string
}

// errHelp says that the user asked for the flags, which were printed.
var errHelp = errors.New("bench: help")

// usageError is a mistake in the flags.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// parseFlags reads and checks the command line. What the flag package prints
// goes to stderr.
func parseFlags(args []string, stderr io.Writer) (config, error) {
	var cfg config
	var paths, conns, inflight, procs string
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&cfg.driver, "driver", "redis", "`driver`: "+strings.Join(driverNames, ", "))
	fs.StringVar(&paths, "path", "native,valet", "`paths` to compare: "+strings.Join(pathNames, ", "))
	fs.StringVar(&conns, "conns", "64", "connections of the driver's pool, a `list`")
	fs.StringVar(&inflight, "inflight", "64", "operations in flight all the time, a `list`")
	fs.IntVar(&cfg.pairs, "pairs", 5, "`rounds`; in each one every path runs once")
	fs.DurationVar(&cfg.duration, "duration", 2*time.Second, "how long one path is measured in one round")
	fs.DurationVar(&cfg.warmup, "warmup", 500*time.Millisecond, "how long it runs before it is measured")
	fs.StringVar(&cfg.addr, "addr", "", "`address` of a server to use instead of a private one (host:port, a mysql DSN, a mongodb:// URI)")
	fs.BoolVar(&cfg.tls, "tls", false, "run over TLS")
	fs.StringVar(&cfg.tlsCA, "tls-ca", "", "PEM `file` with the certificate authority of the server at -addr")
	fs.StringVar(&procs, "procs", "", "`list` of GOMAXPROCS values to repeat the run with")
	fs.StringVar(&cfg.json, "json", "", "write medians and ratios to this `file`")
	fs.StringVar(&cfg.profiles, "cpuprofile", "", "write CPU profiles into this `directory`")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "usage: go run ./cmd/bench [flags]")
			fs.SetOutput(stderr)
			fs.PrintDefaults()
			return cfg, errHelp
		}
		return cfg, usagef("%v; -help lists the flags", err)
	}
	if fs.NArg() > 0 {
		return cfg, usagef("unexpected argument %q: everything is a flag; -help lists them", fs.Arg(0))
	}
	var err error
	if cfg.paths, err = parseNames("path", paths, pathNames); err != nil {
		return cfg, err
	}
	if cfg.conns, err = parseCounts("conns", conns); err != nil {
		return cfg, err
	}
	if cfg.inflight, err = parseCounts("inflight", inflight); err != nil {
		return cfg, err
	}
	if procs != "" {
		if cfg.procs, err = parseCounts("procs", procs); err != nil {
			return cfg, err
		}
	}
	return cfg, cfg.check()
}

// check validates what is not a list.
func (c config) check() error {
	switch {
	case !slices.Contains(driverNames, c.driver):
		return usagef("-driver %q: must be one of %s", c.driver, strings.Join(driverNames, ", "))
	case c.pairs < 1:
		return usagef("-pairs %d: must be at least 1", c.pairs)
	case c.duration < time.Millisecond:
		return usagef("-duration %v: must be at least 1ms", c.duration)
	case c.warmup < 0:
		return usagef("-warmup %v: must not be negative", c.warmup)
	case c.tlsCA != "" && !c.tls:
		return usagef("-tls-ca: only with -tls")
	case c.tlsCA != "" && c.addr == "":
		return usagef("-tls-ca: only with -addr; a private server has its own certificate")
	}
	return nil
}

// parseNames splits a list of names, each of which must be known and occur
// once.
func parseNames(name, list string, known []string) ([]string, error) {
	var names []string
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		if !slices.Contains(known, item) {
			return nil, usagef("-%s %q: must be a list of %s", name, item, strings.Join(known, ", "))
		}
		if slices.Contains(names, item) {
			return nil, usagef("-%s: %s is there twice", name, item)
		}
		names = append(names, item)
	}
	return names, nil
}

// maxCount bounds what a list may ask for: more connections than a loopback
// address has ports, or more goroutines than memory, are a typing mistake.
const maxCount = 1_000_000

// parseCounts splits a list of positive numbers, each of which must occur
// once.
func parseCounts(name, list string) ([]int, error) {
	var counts []int
	for item := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(item))
		if err != nil || n < 1 || n > maxCount {
			return nil, usagef("-%s %q: must be a list of numbers from 1 to %d, such as 64,1000", name, item, maxCount)
		}
		if slices.Contains(counts, n) {
			return nil, usagef("-%s: %d is there twice", name, n)
		}
		counts = append(counts, n)
	}
	return counts, nil
}
