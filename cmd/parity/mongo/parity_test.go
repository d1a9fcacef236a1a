package mongo

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/cmd/parity/internal/methods"
)

// scenario is a list of steps.
type scenario struct {
	name   string // unique
	run    func(p *program)
	client func(*options.ClientOptions) // changes the client's options, or nil
	needs  ability                      // of the server, or ""
}

// notInNames is what a database's name has not.
var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// database is the name of the scenario's own.
func (s scenario) database() string {
	return "p_" + strings.Trim(notInNames.ReplaceAllString(strings.ToLower(s.name), "_"), "_")
}

// scenarios is all of them.
func scenarios() (all []scenario) {
	for _, some := range [][]scenario{
		clientScenarios, databaseScenarios, collectionScenarios, bulkScenarios, errorScenarios,
		cursorScenarios, bsonScenarios, aggregateScenarios, indexScenarios,
		sessionScenarios, txScenarios, changeScenarios, fileScenarios,
		concernScenarios, faultScenarios, monitorScenarios, ownScenarios,
	} {
		all = append(all, some...)
	}
	return all
}

func TestParity(t *testing.T) {
	all := scenarios()
	seen := methods.NewSeen(callNames())
	ran := 0
	var sums []*counts
	for _, srv := range servers {
		t.Run(srv.name, func(t *testing.T) {
			srv.uri = srv.start(t)
			client, err := mongo.Connect(options.Client().ApplyURI(srv.uri).SetServerMonitoringMode(options.ServerMonitoringModePoll))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { disconnect(t, client.Disconnect) })
			srv.admin = client
			sum := &counts{server: srv.name}
			sums = append(sums, sum)
			for _, s := range all {
				t.Run(s.name, func(t *testing.T) {
					sum.add(compare(t, srv, s, seen))
					ran++
				})
			}
		})
	}
	complete := ran == len(servers)*len(all)
	for _, sum := range sums {
		sum.report(t)
	}
	reportDifferences(t, sums, complete)
	judgeLimits(t, sums, complete)
	if !complete { // a part was chosen by -run
		t.Logf("%d scenarios ran: what they call is not judged", ran)
		return
	}
	judge(t, seen)
}

// counts is what was compared against one server.
type counts struct {
	server           string
	scenarios, steps int
	failing          int             // steps whose outcome is an error, on both sides the same
	known            []known         // steps that differ
	lacking          []string        // what the server cannot do
	outcomes         map[string]step // of each step by the driver, but where the server cannot go on
}

func (c *counts) add(other counts) {
	c.scenarios++
	c.steps += other.steps
	c.failing += other.failing
	c.known = append(c.known, other.known...)
	c.lacking = append(c.lacking, other.lacking...)
	if c.outcomes == nil {
		c.outcomes = map[string]step{}
	}
	maps.Copy(c.outcomes, other.outcomes)
}

func (c *counts) report(t *testing.T) {
	t.Logf("%s: %d scenarios, %d steps compared, %d of them errors; %d differ as is known; %d scenarios end where the server cannot go on",
		c.server, c.scenarios, c.steps, c.failing, len(c.known), len(c.lacking))
	for _, line := range c.lacking {
		t.Log("cannot: " + line)
	}
}

// compare runs the scenario on both sides.
func compare(t *testing.T, srv *server, s scenario, seen *methods.Seen) (c counts) {
	lacks, lacking := srv.lacks[s.needs]
	play := func(side *side) []step {
		p := &program{t: t, side: side, srv: srv, admin: srv.admin, names: &names{}}
		if lacking {
			p.lacks = lacks
		}
		p.clean(s)
		p.play(s.run)
		p.finish()
		p.clean(s)
		return p.steps
	}
	want := play(newRaw(t, srv, s))
	got := play(newCallbacks(t, srv, s, seen))
	if lacking {
		c.lacking = append(c.lacking, fmt.Sprintf("%s: %s", s.name, lacks))
		if err := says(want, lacks); err != nil {
			t.Errorf("the table has it that the server has no %s: %v", s.needs, err)
		}
	}
	if !lacking {
		c.outcomes = outcomes(s, want)
	}
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) {
			t.Fatalf("%d steps by the driver, %d by callbacks", len(want), len(got))
		}
		w, g := want[i], got[i]
		c.steps++
		switch {
		case w.known != "" && w.text() == g.text() && !w.mayBeEqual:
			t.Errorf("step %d, %s\nis equal on both sides, but should differ: %s", i+1, w.text(), w.known)
		case w.known != "" && w.text() != g.text():
			c.known = append(c.known, known{s.name, w.known, w, g})
		case w.text() != g.text():
			t.Errorf("step %d by the driver\n\t%s\nand by callbacks\n\t%s", i+1, w.text(), g.text())
		case w.failed:
			c.failing++
		}
	}
	return c
}

// outcomes has the steps by their names.
func outcomes(s scenario, steps []step) map[string]step {
	of, times := map[string]step{}, map[string]int{}
	for _, step := range steps {
		key := s.name + ": " + step.call
		times[key]++
		of[fmt.Sprintf("%s, no. %d", key, times[key])] = step
	}
	return of
}

// clean removes what a scenario leaves behind.
func (p *program) clean(s scenario) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	if err := p.admin.Database(s.database()).Drop(ctx); err != nil {
		p.t.Fatal(err)
	}
	if _, lacks := p.srv.lacks[failPoints]; !lacks {
		off := bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: "off"}}
		if err := p.admin.Database("admin").RunCommand(ctx, off).Err(); err != nil {
			p.t.Fatal(err)
		}
	}
}
