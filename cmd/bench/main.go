// Command bench compares ways to run one unmodified blocking driver: on plain
// goroutines, behind a worker pool, and on Valet's loop.
//
//	go run ./cmd/bench -driver redis -path native,pool,adapter,sock,valet -conns 64 -inflight 64,1000 -pairs 5
//
// # Paths
//
//	native   a goroutine per request on plain net.Conns
//	pool     callbacks on our loop, blocking calls in a panjf2000/ants pool on plain net.Conns
//	adapter  callbacks through our adapter, driver on plain net.Conns
//	sock     a goroutine per request, driver on the fake socket
//	valet    callbacks through our adapter, driver on the fake socket
//
// native against sock, and adapter against valet, show what the fake socket
// itself is worth; pool against adapter shows what the adapter is worth.
//
// # Flags
//
//	-driver    redis, mysql, mongo or echo (default redis)
//	-path      the paths to compare, separated by commas (default native,valet)
//	-conns     connections of the driver's pool, a list (default 64)
//	-inflight  operations in flight all the time, a list (default 64)
//	-pairs     rounds; in each round every path runs once (default 5)
//	-duration  how long one path is measured in one round (default 2s)
//	-warmup    how long it runs before that (default 500ms)
//	-addr      server to use instead of a private one: host:port, or a DSN for mysql, a URI for mongo
//	-tls       run over TLS
//	-tls-ca    PEM file with the certificate authority of the server at -addr (default: the system's)
//	-procs     repeat with each of these values of GOMAXPROCS, as far as the machine has cores
//	-json      write the medians and ratios to this file
//	-cpuprofile  write a CPU profile of each measured window into this directory
//
// # Method
//
// The load is a closed loop: exactly -inflight operations are in flight at any
// time, and each one that ends starts the next. With a goroutine per request
// the next one is a new goroutine, as in a server. With callbacks it is
// started from the callback, on the loop.
//
// Every path of every round runs in a process of its own, one after another,
// so that no path inherits another's heap or threads. The order rotates from
// round to round (A B C, B C A, …). Ratios are taken within a round and the
// median of those is reported, because a machine that is slow for a minute is
// slow for both sides of a pair. The server is a process of its own as well,
// and stays the same for the whole run.
//
// Paths differ in nothing else: same driver, same options, same dialer
// settings, context.Background() as every operation's context, and the same
// code that counts and times. Every reply is compared with the value that
// belongs to its key, and a single error makes the run fail.
//
//   - ops/s: operations completed in the window.
//   - CPU: user and system time of the client process in the window, per operation.
//   - p50, p99: from the start of a request to its completion, waiting for a
//     connection included; one operation in eight is timed.
//   - allocs/op: runtime.MemStats.Mallocs, read just outside of the window.
//   - peak RSS: of the client process.
//
// In pool, the ants pool has two workers per operation in flight, so that
// handing it work never holds the loop; the workers wait for the driver's own
// pool of -conns connections, which is what people do. In adapter and valet
// the adapter has -conns slots and a queue of -inflight.
//
// The operations are: redis, GET of 64 bytes (go-redis); mysql, a prepared
// SELECT by primary key (database/sql); mongo, a find by _id; echo, 64 bytes
// written and read back on a raw connection. In echo, the paths with a
// goroutine per request keep one goroutine per operation in flight, each with
// a connection of its own if there are enough.
//
// On a server named with -addr, the keys valet:bench:00 to 63 (redis) or the
// database valet_bench (mysql, mongo) are replaced, and removed at the end.
//
// Without -addr, a private server on a loopback port is used: Debian's
// redis-server; MariaDB if it is installed, else an embedded go-mysql-server;
// an embedded FerretDB; an echo server of our own. The two embedded ones are
// program dbserver, built when needed. They are slow: they compare CPU per
// operation well and throughput badly.
//
// It exits with 0 if all went well, 1 if the run failed, 2 if the flags are
// wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/valet-go/valet/cmd/bench/internal/role"
)

func main() {
	os.Exit(dispatch(os.Args[1:], os.Stdout, os.Stderr))
}

// dispatch runs what the arguments ask for: a benchmark, or one of the child
// processes that a benchmark starts.
func dispatch(args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		if do, ok := roles[args[0]]; ok {
			return role.Run(do, os.Stdin, stdout, stderr)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := parseFlags(args, stderr)
	if err == nil {
		err = bench(ctx, cfg, stdout, stderr)
	}
	return exitCode(ctx, err, stderr)
}

func exitCode(ctx context.Context, err error, stderr io.Writer) int {
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, errHelp):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "bench: interrupted")
		return 1
	default:
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
}
