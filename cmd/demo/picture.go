package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/valet-go/valet/cmd/demo/sequence"
	"github.com/valet-go/valet/cmd/internal/embedded"
)

// runTrace is the subcommand trace, which draws one request. It returns the exit
// code.
func runTrace(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var file, dsn string
	fs := flag.NewFlagSet("demo trace", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&file, "o", "trace.svg", "`file` to write")
	fs.StringVar(&dsn, "mysql", "", "`DSN` of a MySQL to use instead of the embedded one")
	if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if fs.NArg() > 0 {
		fmt.Fprintf(stderr, "demo: unexpected argument %q: everything behind trace is a flag\n", fs.Arg(0))
		return 2
	}
	if err := drawTrace(ctx, file, dsn); err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	fmt.Fprintf(stdout, "%s: a request just made, step by step\n", file)
	return 0
}

func drawTrace(ctx context.Context, file, dsn string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, storyLimit)
	defer cancel()
	if dsn == "" {
		s, err := embedded.StartMySQL(embedded.WithUser("valet", "secret"))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		dsn = s.DSN()
	}
	t, err := sequence.Take(ctx, dsn)
	if err != nil {
		return err
	}
	var svg bytes.Buffer
	if err := sequence.Write(&svg, t); err != nil {
		return err
	}
	return os.WriteFile(file, svg.Bytes(), 0o644)
}
