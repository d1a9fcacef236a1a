package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// config is what the flags say, checked. What the driver does not use is zero,
// but for the durations.
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
	contexts string
	json     string
	chart    string
	profiles string

	bytes  int64 // of a bulk transfer
	buffer int

	producers []int // of hand-overs
	backlog   int
	funcs     int

	rows int // of a result
}

// mostConns is the most connections that a process will have.
func (c config) mostConns() int { return slices.Max(append([]int{1}, c.conns...)) }

// errHelp says that the user asked for the flags, which were printed.
var errHelp = errors.New("bench: help")

// usageError is a mistake in the flags.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// texts are the flags that are parsed once the driver is known.
type texts struct {
	paths, conns, inflight, procs, bytes, buffer, producers string
}

// completeChart gives -chart its value if it was left out, which the flag package
// does not allow: an empty one.
func completeChart(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		bare := arg == "-chart" || arg == "--chart"
		if last := i == len(args)-1; bare && (last || strings.HasPrefix(args[i+1], "-")) {
			args[i] += "="
		}
	}
	return args
}

// chartFile is what -chart without a file draws into.
func chartFile(driver string) string {
	if driver == "state" {
		return "ways-to-store-state.svg"
	}
	return driver + ".svg"
}

func newFlagSet(cfg *config, t *texts) *flag.FlagSet {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&cfg.driver, "driver", "redis", "`driver`: "+strings.Join(driverNames, ", "))
	fs.StringVar(&t.paths, "path", "", "`paths` to compare: "+strings.Join(pathNames, ", ")+"; channel and post for post; control and valet for lag; typed for docs; evio for front; nethttp, gnet and evioloop for http"+defaultsOf("path"))
	fs.StringVar(&t.conns, "conns", "", "connections of the driver's pool, or open ones, or slots, a `list`"+defaultsOf("conns"))
	fs.StringVar(&t.inflight, "inflight", "", "operations in flight all the time, or calls that wait, a `list`"+defaultsOf("inflight"))
	fs.IntVar(&cfg.pairs, "pairs", 5, "`rounds`; in each one every path runs once")
	fs.DurationVar(&cfg.duration, "duration", 2*time.Second, "how long one path is measured in one round")
	fs.DurationVar(&cfg.warmup, "warmup", 500*time.Millisecond, "how long it runs before it is measured")
	fs.StringVar(&t.bytes, "bytes", "", "`size` of a bulk transfer, such as 256MiB"+defaultsOf("bytes"))
	fs.StringVar(&t.buffer, "buffer", "", "`size` of the pieces in which a bulk transfer is read and written"+defaultsOf("buffer"))
	fs.StringVar(&t.producers, "producers", "", "goroutines that hand functions over, a `list`"+defaultsOf("producers"))
	fs.IntVar(&cfg.backlog, "backlog", 0, "the most `functions` that are handed over and have not run yet"+defaultsOf("backlog"))
	fs.IntVar(&cfg.funcs, "funcs", 0, "`functions` that are handed over"+defaultsOf("funcs"))
	fs.IntVar(&cfg.rows, "rows", 0, "`rows` or documents that are read while the lag is measured"+defaultsOf("rows"))
	fs.StringVar(&cfg.addr, "addr", "", "`address` of a server to use instead of a private one (host:port, a mysql DSN, a mongodb:// URI)")
	fs.StringVar(&cfg.contexts, "context", "", "what operations get: a context that is endless, or one for each request"+defaultsOf("context"))
	fs.BoolVar(&cfg.tls, "tls", false, "run over TLS")
	fs.StringVar(&cfg.tlsCA, "tls-ca", "", "PEM `file` with the certificate authority of the server at -addr")
	fs.StringVar(&t.procs, "procs", "", "`list` of GOMAXPROCS values to repeat the run with")
	fs.StringVar(&cfg.json, "json", "", "write medians and ratios to this `file`")
	fs.StringVar(&cfg.chart, "chart", "", "draw the medians into this `file`, as SVG; without one, those of state if there is no -driver, into "+chartFile("state"))
	fs.StringVar(&cfg.profiles, "cpuprofile", "", "write CPU profiles into this `directory`")
	return fs
}

// defaultsOf tells the values that a flag has if it is not given: each with the
// drivers that it is for.
func defaultsOf(name string) string {
	of := map[string][]string{}
	for _, driver := range driverNames {
		if value, ok := measures[driver].defaults[name]; ok {
			of[value] = append(of[value], driver)
		}
	}
	var parts []string
	for _, value := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, value+" for "+strings.Join(of[value], " "))
	}
	return " (default " + strings.Join(parts, "; ") + ")"
}

// parseFlags reads and checks the command line. What the flag package prints
// goes to stderr.
func parseFlags(args []string, stderr io.Writer) (config, error) {
	var cfg config
	var t texts
	fs := newFlagSet(&cfg, &t)
	if err := fs.Parse(completeChart(args)); err != nil {
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
	if given := givenOf(fs); given["chart"] {
		if !given["driver"] {
			cfg.driver = "state"
		}
		cfg.chart = cmp.Or(cfg.chart, chartFile(cfg.driver))
	}
	if err := applyDefaults(fs, cfg.driver); err != nil {
		return cfg, err
	}
	if err := t.parse(&cfg); err != nil {
		return cfg, err
	}
	return cfg, cfg.check()
}

// applyDefaults sets what was not given to the driver's defaults, and reports
// what was given and means nothing to it.
func applyDefaults(fs *flag.FlagSet, driver string) error {
	m, ok := measures[driver]
	if !ok {
		return usagef("-driver %q: must be one of %s", driver, strings.Join(driverNames, ", "))
	}
	given := givenOf(fs)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(commonFlags, name) && !slices.Contains(m.uses, name) {
			return usagef("-%s means nothing to -driver %s: leave it out; this driver takes %s", name, driver, m.used())
		}
	}
	for name, value := range m.defaults {
		if given[name] {
			continue
		}
		if err := fs.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// givenOf tells which flags were given.
func givenOf(fs *flag.FlagSet) map[string]bool {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	return given
}

// parse puts the lists and sizes into the config; one that is empty is one that
// the driver does not use.
func (t *texts) parse(cfg *config) (err error) {
	if cfg.paths, err = parseNames("path", t.paths, measures[cfg.driver].paths); err != nil {
		return err
	}
	uses := append([]string{"procs"}, measures[cfg.driver].uses...)
	for _, list := range []struct {
		name, text string
		into       *[]int
	}{
		{"conns", t.conns, &cfg.conns},
		{"inflight", t.inflight, &cfg.inflight},
		{"producers", t.producers, &cfg.producers},
		{"procs", t.procs, &cfg.procs},
	} {
		if !slices.Contains(uses, list.name) || list.name == "procs" && list.text == "" {
			continue
		}
		if *list.into, err = parseCounts(list.name, list.text); err != nil {
			return err
		}
	}
	if !slices.Contains(uses, "bytes") {
		return nil
	}
	if cfg.bytes, err = parseSize("bytes", t.bytes, maxBytes); err != nil {
		return err
	}
	buffer, err := parseSize("buffer", t.buffer, maxBuffer)
	cfg.buffer = int(buffer)
	return err
}

// check validates what is not a list, and what must fit together.
func (c config) check() error {
	switch {
	case c.pairs < 1:
		return usagef("-pairs %d: must be at least 1", c.pairs)
	case c.duration < time.Millisecond:
		return usagef("-duration %v: must be at least 1ms", c.duration)
	case c.warmup < 0:
		return usagef("-warmup %v: must not be negative", c.warmup)
	case !slices.Contains([]string{"", "endless", "request"}, c.contexts):
		return usagef("-context %q: must be endless or request", c.contexts)
	case c.tlsCA != "" && !c.tls:
		return usagef("-tls-ca: only with -tls")
	case c.tlsCA != "" && c.addr == "":
		return usagef("-tls-ca: only with -addr; a private server has its own certificate")
	}
	if measures[c.driver].together != nil || measures[c.driver].draw != nil {
		for _, path := range c.paths {
			if strings.Contains(path, "@") {
				return usagef("-path %q: -driver %s cannot set GOMAXPROCS for one path; -procs sets it for all", path, c.driver)
			}
		}
	}
	if measures[c.driver].open && slices.Max(c.inflight) > slices.Min(c.conns) {
		return usagef("-inflight %d: must be at most the %d of -conns, because each active operation has an open connection of its own",
			slices.Max(c.inflight), slices.Min(c.conns))
	}
	if slices.Contains(measures[c.driver].uses, "rows") && (c.rows < 1 || c.rows > maxRows) {
		return usagef("-rows %d: must be from 1 to %d", c.rows, maxRows)
	}
	if len(c.producers) == 0 {
		return nil
	}
	switch most := slices.Max(c.producers); {
	case c.backlog < most || c.backlog > maxCount:
		return usagef("-backlog %d: must be from the %d of -producers, each of which has a function under way, to %d", c.backlog, most, maxCount)
	case c.funcs < most || c.funcs > maxFuncs:
		return usagef("-funcs %d: must be from the %d of -producers, each of which has one to hand over, to %d", c.funcs, most, maxFuncs)
	}
	return nil
}
