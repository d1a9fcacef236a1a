package parity

import (
	"fmt"
	"testing"

	"github.com/valet-go/valet/cmd/internal/embedded"
	"github.com/valet-go/valet/cmd/internal/private"
	"github.com/valet-go/valet/cmd/parity/internal/methods"
)

// scenario is a list of steps.
type scenario struct {
	name     string // unique
	params   string // of the DSN
	run      func(p *program)
	embedded string // why go-mysql-server cannot run it; empty: it can
}

// scenarios is all of them.
func scenarios() (all []scenario) {
	for _, some := range [][]scenario{
		dbScenarios, connScenarios, txScenarios, stmtScenarios, rowsScenarios, rowScenarios,
		valueScenarios, errorScenarios, lockScenarios, contextScenarios, genericScenarios,
	} {
		all = append(all, some...)
	}
	return all
}

// server is what both sides are connected to.
type server struct {
	name, dsn string
	real      bool
}

func TestParity(t *testing.T) {
	all := scenarios()
	seen := methods.NewSeen(callNames())
	ran := 0
	run := func(t *testing.T, srv server) {
		var sum counts
		for _, s := range all {
			if s.embedded != "" && !srv.real {
				sum.left = append(sum.left, fmt.Sprintf("%s: %s", s.name, s.embedded))
				continue
			}
			t.Run(s.name, func(t *testing.T) {
				sum.add(compare(t, srv, s, seen))
				ran++
			})
		}
		sum.report(t, srv.name)
	}
	t.Run("go-mysql-server", func(t *testing.T) {
		srv, err := embedded.StartMySQL()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { srv.Close() })
		run(t, server{name: "go-mysql-server", dsn: srv.DSN()})
	})
	before := ran
	t.Run("MariaDB", func(t *testing.T) {
		m := private.RequireMariaDB(t, "--local-infile=1", "--innodb-print-all-deadlocks=0")
		run(t, server{name: "MariaDB", dsn: m.DSN(), real: true})
	})
	if before == 0 || ran-before < len(all) { // a part was chosen by -run, or no MariaDB is installed
		t.Logf("%d scenarios ran: what they call is not judged", ran)
		return
	}
	judge(t, seen)
}

// counts is what was compared against one server.
type counts struct {
	scenarios, steps int
	failing          int      // steps whose outcome is an error, on both sides the same
	known            []string // steps that differ, and why they may
	left             []string // what the server cannot run, and why
}

func (c *counts) add(other counts) {
	c.scenarios++
	c.steps += other.steps
	c.failing += other.failing
	c.known = append(c.known, other.known...)
	c.left = append(c.left, other.left...)
}

func (c *counts) report(t *testing.T, server string) {
	t.Logf("%s: %d scenarios, %d steps compared, %d of them errors; %d differ as is known, %d things left out",
		server, c.scenarios, c.steps, c.failing, len(c.known), len(c.left))
	for _, line := range c.known {
		t.Log("differs: " + line)
	}
	for _, line := range c.left {
		t.Log("left out: " + line)
	}
}

// compare runs the scenario on both sides.
func compare(t *testing.T, srv server, s scenario, seen *methods.Seen) (c counts) {
	want := &program{t: t, srv: srv, side: newRaw(t, srv, s.params)}
	s.run(want)
	want.finish()
	got := &program{t: t, srv: srv, side: newCallbacks(t, srv, s.params, seen)}
	s.run(got)
	got.finish()
	for i := range max(len(want.steps), len(got.steps)) {
		if i >= len(want.steps) || i >= len(got.steps) {
			t.Fatalf("%d steps by database/sql, %d by callbacks", len(want.steps), len(got.steps))
		}
		w, g := want.steps[i], got.steps[i]
		c.steps++
		switch {
		case w.known != "" && w.text == g.text:
			t.Errorf("step %d, %s\nis equal on both sides, but should differ: %s", i+1, w.text, w.known)
		case w.known != "":
			c.known = append(c.known, fmt.Sprintf("%s: %s\nby database/sql\n\t%s\nby callbacks\n\t%s", s.name, w.known, w.text, g.text))
		case w.text != g.text:
			t.Errorf("step %d by database/sql\n\t%s\nand by callbacks\n\t%s", i+1, w.text, g.text)
		case w.failed:
			c.failing++
		}
	}
	return c
}
