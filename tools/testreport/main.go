// Command testreport turns the output of "go test -json" into a few readable
// lines: one per package, the output of what failed, what was left out and why,
// and last of all the sum.
//
//	go test -json ./... 2>&1 | testreport
//
// It reads standard input, which may be the output of several runs one after
// another, and exits with status 1 if anything failed.
//
//	-no-sum       end after the packages: the sum comes from another call
//	-only-sum     say nothing about the packages, they have been shown
//	-no-skips     count a test that was left out as failed
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	noSum := flag.Bool("no-sum", false, "end after the packages")
	onlySum := flag.Bool("only-sum", false, "leave out the packages")
	noSkips := flag.Bool("no-skips", false, "count a test that was left out as failed")
	flag.Parse()

	packages := io.Writer(os.Stdout)
	if *onlySum {
		packages = io.Discard
	}
	r := newReport(packages)
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(2)
	}
	if *noSkips {
		r.failSkips()
	}
	if !*noSum {
		r.writeSum(os.Stdout)
	}
	if len(r.failed) > 0 {
		os.Exit(1)
	}
}

// read takes in all events of in. Lines that are none, such as those that the
// go command prints while it downloads modules, are passed on.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		switch err {
		case nil:
		case io.EOF:
			r.end()
			return nil
		default:
			return err
		}
	}
}
