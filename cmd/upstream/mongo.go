package main

import (
	"context"
	"fmt"

	"github.com/valet-go/valet/cmd/internal/mongowire"
)

// mongoSuite is the part of the driver's tests that makes connections: its rules
// for servers and pools, clients, and the integration tests, among them those that
// the specifications of all drivers have as files.
var mongoSuite = suite{
	name:   "mongo",
	module: "go.mongodb.org/mongo-driver/v2",
	packages: []string{
		"./mongo", "./x/mongo/driver/topology", "./internal/integration", "./internal/integration/unified",
	},
	// Of these all but connection_options.go belong to tests. There is the dialer of
	// a client that was given none: DefaultDialer is documented to be it, but v2.10.0
	// does not use that.
	netDialer: []string{
		"internal/integration/client_options_test.go",
		"internal/integration/client_test.go",
		"internal/integration/mtest/proxy_dialer.go",
		"x/mongo/driver/topology/connection_options.go",
		"x/mongo/driver/topology/pool_test.go",
		"x/mongo/driver/topology/server_test.go",
	},
	specs: mongoSpecs,
	variants: []variant{
		{
			name: "a replica set", start: func(context.Context) (*server, error) { return startWire(3) },
			unserved: mongoUnserved,
		},
	},
	leftOut: mongoLeftOut,
	skipsay: mongoSkips,
	atLeast: 2000,
}

// mongoSpecs are the files of the specifications, which are a git submodule of the
// driver's now: its module does not contain them. v2.2.3 is the last whose module
// does.
var mongoSpecs = specs{
	module: "go.mongodb.org/mongo-driver/v2", version: "v2.2.3", sum: "h1:72uiGYXeSnUEQk37xvV9r067xzFQod4SOeAoOuq3+GM=",
	from: "testdata", to: "testdata/specifications/source",
	folders: map[string]string{
		"client-side-operations-timeout/tests":                "client-side-operations-timeout",
		"collection-management/tests":                         "collection-management",
		"command-logging-and-monitoring/tests/logging":        "command-monitoring/logging",
		"command-logging-and-monitoring/tests/monitoring":     "command-monitoring",
		"connection-monitoring-and-pooling/tests/cmap-format": "connection-monitoring-and-pooling",
		"connection-monitoring-and-pooling/tests/logging":     "connection-monitoring-and-pooling/logging",
		"crud/tests/unified":                                  "crud/unified",
		"gridfs/tests":                                        "gridfs",
		"index-management/tests":                              "index-management",
		"load-balancers/tests":                                "load-balancers",
		"read-write-concern/tests":                            "read-write-concern",
		"retryable-reads/tests/unified":                       "retryable-reads/unified",
		"retryable-writes/tests/unified":                      "retryable-writes/unified",
		"run-command/tests/unified":                           "run-command",
		"server-discovery-and-monitoring/tests":               "server-discovery-and-monitoring",
		"server-selection/tests":                              "server-selection",
		"sessions/tests":                                      "sessions",
		"transactions/tests/unified":                          "transactions/unified",
		"unified-test-format/tests":                           "unified-test-format",
		"versioned-api/tests":                                 "versioned-api",
	},
}

// startWire starts a replica set of so many members.
func startWire(members int) (*server, error) {
	d, err := mongowire.Start(mongowire.Options{Members: members})
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	return &server{
		env: []string{"MONGODB_URI=" + d.URI(), "DOCKER_RUNNING=1"}, // without: the container that this may be must be known to the driver
		// Everything in the namespace, so that tests that listen themselves count.
		connections: func(context.Context) (int, error) { return accepted() },
		close:       func() { d.Close() },
	}, nil
}
