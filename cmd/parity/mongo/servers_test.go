package mongo

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/cmd/internal/embedded"
	"github.com/valet-go/valet/cmd/internal/mongowire"
)

// ability is what a server may not have.
type ability string

const (
	transactions     ability = "transactions"
	changeStreams    ability = "change streams"
	clientBulk       ability = "bulk writes of clients"
	failPoints       ability = "fail points"
	searchIndexes    ability = "search indexes"
	lookups          ability = "$lookup"
	distinctDeadline ability = "distinct with a deadline"
)

// server is what both sides are connected to.
type server struct {
	name string
	// lacks is what the server cannot do, with an expression that the error
	// matches by which it says so.
	lacks map[ability]string
	// slow says that megabytes take seconds, with the race detector many.
	slow bool
	// tailsEnd says that a tailable cursor ends with its first batch, unless
	// that is full.
	tailsEnd bool
	// limits are the other errors that it alone has.
	limits []limit
	start  func(t *testing.T) (uri string)

	uri   string
	admin *mongo.Client
}

// limit is an error of a step that another server does not fail.
type limit struct{ expression, why string }

// A server that is not a member of a set, or that is, has these.
var (
	notRetryable = limit{`code 91|codes \[91\]|closed unexpectedly`, "a standalone server's writes are not tried again"}
	concerns     = limit{`UnknownReplWriteConcern|UnsatisfiableWriteConcern`, "a standalone server has no members to wait for, and FerretDB does not look"}
	noNamespace  = limit{`ns does not exist`, "FerretDB drops indexes of nothing"}
)

var servers = []*server{
	{name: "FerretDB", start: startFerretDB, tailsEnd: true, slow: true, lacks: map[ability]string{
		transactions:     `unknown field .*(startTransaction|readConcern)`,
		changeStreams:    `changeStream.. is not implemented yet|field must specify a collection name or 1`,
		clientBulk:       "no such command: 'bulkWrite'",
		failPoints:       `no such command: 'configureFailPoint'`,
		searchIndexes:    "no such command: 'createSearchIndexes'",
		lookups:          `stage ..\$lookup.. is not implemented yet`,
		distinctDeadline: `unknown field ..maxTimeMS`,
	}, limits: []limit{
		{`is not implemented yet`, "FerretDB cannot do all"},
		{`wrong type 'array', expected type 'object`, "FerretDB cannot update by a pipeline"},
		{`field must specify a collection name or 1`, "FerretDB has no $documents"},
		{`topology.ConnectionError|no documents in result`, "FerretDB hangs up when it is sent a symbol"},
		{`Location40323`, "mongowire takes stages with several fields"},
		{`Invalid namespace specified|Invalid collection name|collection name has invalid type`, "mongowire takes any collection's name"},
		{`can't find index with key`, "mongowire takes any type of an index"},
		{`Must specify at least one index`, "mongowire creates no index gladly"},
	}},
	{name: "mongowire, standalone", start: func(t *testing.T) string { return startWire(t, 0) }, lacks: map[ability]string{
		transactions:  "Transaction numbers are only allowed on a replica set member",
		changeStreams: `only supported on replica sets`,
	}, limits: []limit{notRetryable, noNamespace}},
	{name: "mongowire, replica set", start: func(t *testing.T) string { return startWire(t, 3) }, slow: true, limits: []limit{concerns, noNamespace}},
}

func startFerretDB(t *testing.T) string {
	srv, err := embedded.StartMongo(bg, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv.URI()
}

func startWire(t *testing.T, members int) string {
	d, err := mongowire.Start(mongowire.Options{Members: members})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d.URI()
}

// says reports whether one of the steps has failed with the error by which the
// server says that it cannot do something.
func says(steps []step, expression string) error {
	says := regexp.MustCompile(expression)
	var failed []string
	for _, s := range steps {
		if !s.failed {
			continue
		}
		if says.MatchString(s.outcome) {
			return nil
		}
		failed = append(failed, s.text())
	}
	return fmt.Errorf("no step says %q; those that failed:\n%s", expression, strings.Join(failed, "\n"))
}

// judgeLimits reports steps that one server fails and another does not, unless
// they are known; and, after a complete run, limits that are none.
func judgeLimits(t *testing.T, sums []*counts, complete bool) {
	for i, sum := range sums {
		srv := servers[i]
		if srv.name != sum.server { // some were chosen by -run
			return
		}
		met := make([]int, len(srv.limits))
		for name, s := range sum.outcomes {
			if !s.failed || !anotherSucceeds(sums, name) {
				continue
			}
			n := slices.IndexFunc(srv.limits, func(l limit) bool { return regexp.MustCompile(l.expression).MatchString(s.outcome) })
			if n < 0 {
				t.Errorf("%s alone fails here: %s = %s", srv.name, name, s.outcome)
				continue
			}
			met[n]++
		}
		for n, l := range srv.limits {
			if t.Logf("%s: %d steps fail as is known: %s", srv.name, met[n], l.why); complete && met[n] == 0 {
				t.Errorf("%s has not the limit that %s", srv.name, l.why)
			}
		}
	}
}

func anotherSucceeds(sums []*counts, name string) bool {
	return slices.ContainsFunc(sums, func(sum *counts) bool {
		s, there := sum.outcomes[name]
		return there && !s.failed
	})
}
