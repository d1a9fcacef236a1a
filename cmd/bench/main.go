// Command bench compares ways to run one unmodified blocking driver: on plain
// goroutines, behind a worker pool, and on Valet's loop. It also measures the
// pieces that these are made of.
//
//	go run ./cmd/bench -driver redis -path native,pool,adapter,sock,valet -conns 64 -inflight 64,1000 -pairs 5
//	go run ./cmd/bench -driver echo -path native,sock -conns 1000 -inflight 1000
//	go run ./cmd/bench -driver open
//	go run ./cmd/bench -driver bulk-in
//	go run ./cmd/bench -driver memory
//	go run ./cmd/bench -driver post
//	go run ./cmd/bench -driver queued
//	go run ./cmd/bench -driver lag
//	go run ./cmd/bench -driver rows
//	go run ./cmd/bench -driver mongo -inflight 256
//	go run ./cmd/bench -driver docs
//	go run ./cmd/bench -driver front
//	go run ./cmd/bench -driver http -path nethttp,gnet,valet,evioloop
//	go run ./cmd/bench -driver poll
//	go run ./cmd/bench -driver poll -path native,evio -conns 9900
//	go run ./cmd/bench -driver front -chart docs/front.svg
//	go run ./cmd/bench -chart
//
// # Drivers
//
//	redis     GET of 64 bytes (go-redis)
//	mysql     a prepared SELECT by primary key (database/sql)
//	mongo     a find by _id of a document of 200 bytes among 1,000, decoded into a struct
//	echo      64 bytes written and read back on a raw connection
//	open      the same on -inflight of -conns open connections: what the idle ones cost the others
//	bulk-in   -bytes from the server to the client on one raw connection
//	bulk-out  -bytes from the client to the server on one raw connection
//	memory    what an idle connection holds
//	post      functions handed over to a goroutine that runs them
//	queued    what a call holds that waits for a slot
//	lag       how late a loop is that serves redis and reads a large result at once
//	rows      how fast a large result of MySQL's is read, and how late a loop is that does it
//	docs      the same of a large result of MongoDB's
//	front     a server that answers each line of its clients with a row of MySQL's
//	http      the same over HTTP
//	poll      what an HTTP client holds that waits for its answer, and how long a message to all of them takes
//	state     what a client holds that waits, and how much code it takes to serve it, by the way in which its state is stored
//
// # Paths
//
//	native   a goroutine per request on plain net.Conns
//	pool     callbacks on our loop, blocking calls in a panjf2000/ants pool on plain net.Conns
//	adapter  callbacks through our adapter, driver on plain net.Conns
//	sock     a goroutine per request, driver on the fake socket
//	valet    callbacks through our adapter, driver on the fake socket
//	stream   callbacks on our loop's own streams (echo only)
//	floor    system calls on one thread and nothing else (echo on Linux only)
//
// native against sock, and adapter against valet, show what the fake socket
// itself is worth; pool against adapter shows what the adapter is worth. open,
// bulk-in, bulk-out and memory know native and sock alone. The paths of post are
//
//	channel  a buffered channel of functions with a goroutine at its end
//	post     Loop.Post
//
// and those of queued
//
//	native   a goroutine per call, which waits for a place in a buffered channel
//	adapter  a call of our adapter, which waits in its backend's queue
//
// and those of lag
//
//	control  goroutines on plain net.Conns: what the machine alone makes of the same load
//	valet    callbacks on one loop, drivers on fake sockets
//
// and those of docs
//
//	native   a loop over Cursor.Next on a goroutine, plain net.Conns
//	sock     the same on fake sockets
//	valet    Cursor.Each, documents decoded in its callback on the loop, fake sockets
//	typed    mongo.Each, which decodes them on another goroutine, fake sockets
//
// and those of front
//
//	evio   evio, an ants pool of blocking calls, driver on plain net.Conns
//	valet  evioloop, callbacks through our adapter, driver on the fake socket
//
// and those of http
//
//	nethttp   net/http, driver on plain net.Conns
//	gnet      gnet, an ants pool of blocking calls, driver on plain net.Conns
//	valet     httploop, callbacks through our adapter, driver on the fake socket, all on one loop
//	evioloop  the same with evio's loop for the clients
//
// and those of poll, servers all of them,
//
//	native   net/http, a goroutine for each client
//	loop     httploop on our loop
//	evio     httploop on evio
//	gnet     httploop on gnet
//
// and those of state, each a file style_*.go,
//
//	thread     a thread for each client, system calls that block it
//	nethttp    path native of poll
//	goroutine  a goroutine for each client, which reads and writes its net.Conn
//	stream     callbacks on our loop's streams
//	evioloop   callbacks on evioloop
//	httploop   path loop of poll
//
// In mysql and mongo the calls of adapter and valet are those of the typed
// wrappers in package backends. In mongo and docs the connections of valet and
// typed read ahead, as those of mongo.Open do; see mongo.ReadAhead.
//
// # Flags
//
//	-driver    one of the above (default redis)
//	-path      the paths to compare, separated by commas (default native,valet; native,sock; channel,post; native,adapter; control,valet; native,valet,typed; evio,valet; nethttp,gnet,valet; native,loop,gnet; for state all)
//	           (path@N runs with GOMAXPROCS=N, as in evio,evio@1,valet,valet@1)
//	-conns     connections of the driver's pool, a list (default 64); for open 100,10000; for memory and state 5000; for queued the slots; for front and http to the database (16); for poll the clients (20000, or what the limit of descriptors allows)
//	-inflight  operations in flight all the time, a list (default 64; for open 100; for lag 1000); for queued the calls that wait (1000000); for front and http the clients (256)
//	-pairs     rounds; in each round every path runs once (default 5)
//	-duration  how long one path is measured in one round (default 2s)
//	-warmup    how long it runs before that (default 500ms)
//	-bytes     what bulk-in and bulk-out transfer (default 1GiB)
//	-buffer    the size of the pieces that they read and write (default 128KiB)
//	-producers goroutines of post that hand functions over, a list (default 1,64)
//	-backlog   the most functions of post that have not run yet (default 1024)
//	-funcs     how many functions post hands over (default 5000000)
//	-rows      how many rows lag and rows read, or documents docs (default 1000000)
//	-addr      server to use instead of a private one: host:port, or a DSN for mysql, a URI for mongo
//	-tls       run over TLS
//	-tls-ca    PEM file with the certificate authority of the server at -addr (default: the system's)
//	-context   what operations get: endless, a context that never ends, or request, one that can be cancelled for each (default endless)
//	-procs     repeat with each of these values of GOMAXPROCS, as far as the machine has cores
//	-json      write the medians and ratios to this file
//	-chart     draw the medians into this file, as SVG; without -driver, those of state;
//	           without a file, into one in the current folder that is named after the driver
//	-cpuprofile  write a CPU profile of each measured window into this directory
//
// A flag that means nothing to the driver is an error.
//
// # Method
//
// Every path of every round runs in a process of its own, one after another,
// so that no path inherits another's heap or threads; only the two sides of
// post share one. The order rotates from round to round (A B C, B C A, …).
// Ratios are taken within a round and the median of those is reported, because
// a machine that is slow for a minute is slow for both sides of a pair. Beside
// it, in brackets, are the least and the greatest ratio of all rounds: what lies
// between them is noise. The server is a process of its own as well, and stays
// the same for the whole run.
//
// Paths differ in nothing else: same driver, same options, same dialer
// settings, the same kind of context for every operation, and the same code that
// counts and times. Every reply is compared with the value that
// belongs to its key, and a single error makes the run fail.
//
//   - ops/s: operations completed in the window.
//   - CPU: user and system time of the client process in the window, per operation.
//   - p50, p99: from the start of a request to its completion, waiting for a
//     connection included; one operation in eight is timed.
//   - allocs/op: runtime.MemStats.Mallocs, read just outside of the window.
//   - peak RSS: of the client process.
//
// # Load: redis, mysql, mongo, echo, open
//
// The load is a closed loop: exactly -inflight operations are in flight at any
// time, and each one that ends starts the next. With a goroutine per request
// the next one is a new goroutine, as in a server. With callbacks it is
// started from the callback, on the loop.
//
// With -context endless every driver gets a context that cannot end: on
// goroutines [context.Background], and by the policy Abandon in the adapter. With
// request it gets one that can be cancelled, as it does in a server whose
// requests can be: a [context.WithCancel] for each request; in the adapter, whose
// calls can be cancelled as they are, the policy Close.
//
// In pool, the ants pool has two workers per operation in flight, so that
// handing it work never holds the loop; the workers wait for the driver's own
// pool of -conns connections, which is what people do. In adapter and valet
// the adapter has -conns slots and a queue of -inflight. In echo and open, the
// paths with a goroutine per request keep one goroutine per operation in
// flight, each with a connection of its own if there are enough; these are
// spread over all connections in the order of dialling.
//
// In open the numbers of -conns are sides of one comparison, as the paths are:
// "sock 10000 open" relative to "sock 100 open" is what 9,900 idle connections
// cost those that are active. Each of the idle ones has done its three
// exchanges before the measurement, and no goroutine waits on it.
//
// # Bulk: bulk-in, bulk-out
//
// One transfer of -bytes on one connection from the client's request until the
// receiver has everything, which in bulk-out the server confirms; MiB/s and CPU
// per MiB are of this time. An eighth of -bytes goes through the connection
// before, so that the kernel's buffers have found their size. The peer is a
// process of this program with plain net.Conns and buffers of the same size.
// The receiver checks the first and the last byte of what each Read returned;
// the sender makes no copies.
//
// # Memory
//
// Heap and stack in bytes for each idle connection that a process has opened:
// one exchange of 64 bytes lies behind it, its deadlines are set an hour ahead,
// and no goroutine is parked on it. They are differences of runtime.MemStats
// with -conns connections open and before, each after four collections, divided
// by -conns. The loop, and a hundred connections that were closed again, were
// there before.
//
//   - heap, stack: HeapAlloc, StackInuse. Their sum is compared.
//   - heap in use: HeapInuse, with the gaps between objects.
//   - runtime: OtherSys, MSpanInuse, MCacheInuse and GCSys: what the runtime
//     holds outside of the heap. A net.Conn's place in Go's poller, with its
//     deadline timers, is there; a fake socket has no such place and pays for
//     its waiting on the heap. So the sum of all three is compared as well.
//   - allocs/conn: Mallocs, from dialling to the end of the exchange.
//
// What the kernel holds for a socket is not counted.
//
// # Memory of calls that wait: queued
//
// The same figures for each of -inflight calls that wait for one of -conns slots,
// all of which are taken by calls that block. A call is a body and a callback,
// closures of its own that hold its key, and its context is
// context.Background(). Nothing ends before the second reading; then all are let
// go, and unless each call has called back once, with its own result, the run
// fails.
//
// # Waiting clients: poll
//
// The measured process is an HTTP server. Its -conns clients, on streams of one of
// our loops in another process, connect to four addresses of the loopback
// interface; each has had one message, has asked for the next, and waits. Heap and
// stack for each of them are read as in memory; a hundred clients came and went
// before. What the program itself keeps of a waiting client is counted too: with
// httploop a place in a map and the function of OnGone. In native the handler
// selects on a channel, the same for all, and on its request's context.
//
// Then come five broadcasts of a message of 256 bytes. Each is timed from the call
// until the other process says that the last client has it, and begins when all
// clients wait again; a client asks again as soon as it has the message, and checks
// status, length and content of every answer. Broadcast ms is the median of the
// five, CPU the server's from the call to that moment, per answer. With httploop the
// call posts one function that answers all clients; in native it closes the
// channel.
//
// In evio a client takes two descriptors in the server, in the other paths one.
//
// # Ways to store state: state
//
// The measured process is a server that lets its -conns clients, which are those of
// poll, wait for a message, each style of it written as its users would. In nethttp
// and httploop they ask by HTTP, in the others by a line, which a line answers.
// Bytes for each client are by how much these grew, from when a hundred clients had
// come and gone until all waited, each time after garbage was collected and given
// back to the system:
//
//   - resident: RssAnon, the pages of memory that are the process's own: heap,
//     stacks, and what the runtime keeps, with what lies unused between.
//   - page tables: VmPTE, for these pages.
//   - kernel stacks: those of the process's threads. The size of one is the
//     system's KernelStack divided by the number of its threads.
//
// memory is their sum. What the kernel holds beside that, for a socket in all
// styles, for a second descriptor in evioloop and for a thread, is not counted, nor
// is the address space that a thread reserves. It runs on Linux only.
//
// tokens is how many tokens of Go the style's source has, by go/scanner, without
// package clause, imports, comments and the semicolons that nobody writes. They
// stand in for how hard it is to write, which has no unit. The source is all that
// is done for a client once there is a connection; who waits for the next message
// is kept by what the styles share, files topic.go for those that block and hub.go
// for callbacks.
//
// # Charts
//
// With -chart the medians are drawn: for state memory against tokens, for the
// others a bar for each path and figure whose ratios the tables show. The ratio in
// brackets is the median of those to the first path.
//
// # Hand-overs: post
//
// -producers goroutines hand over -funcs functions together, without a pause; a
// function adds one to a counter. The time ends when all have run; a tenth as
// many go before. At most -backlog functions are under way: for each batch, of
// -backlog/16 functions or -backlog/-producers if that is less, a producer takes
// a token, which the batch's last function gives back. The channel's buffer
// has room for -backlog. So neither side's sending ever blocks, both pay the
// same for the bound, and its price, one channel operation for each batch and
// sometimes a wait, is in the figures of both and draws the ratio towards 1.
// What runs the functions is meant to have work all the time; the column under
// way shows whether it had: it is the average number of functions, in whole
// batches, that were handed over, or about to be, and had not run. CPU is of the
// whole process, producers included.
//
// # Lag
//
// One loop has -inflight redis operations in flight on -conns connections, as
// path valet of redis has, and at the same time gets -rows rows of a number and
// 64 bytes from MariaDB, which it scans one by one in the callback of Rows.Each.
// The window lasts from the query to the last row. In it the loop's lag is
// measured in two ways, each once per millisecond:
//
//   - timer: from when a timer was due until it ran. Beats that it left out
//     because the loop was busy count too, each as late as the next one found it:
//     a stall of 10 ms is ten late beats.
//   - post: from just before another goroutine posted a function until it ran.
//
// redis op/s and rows/s are of the same time. In control, whose rows are read by
// a loop over rows.Next, the timer is a goroutine with a time.Ticker, and the
// posts go to a goroutine at the end of a channel, which Go's scheduler likes to
// run as soon as the sender waits: compare the timers. CPU, allocations and
// latencies in the JSON file are per redis operation, but CPU and allocations
// are of the rows as well.
//
// rows and docs measure the timer in the same way while nothing else is done. In
// docs the documents are a number and 64 bytes, and the server's batches are as
// large as it sends them unasked: 101 documents at first, then up to 16 MiB.
//
// # Front ends: front, http
//
// What is measured is a server, in a process of its own: CPU, allocations and peak
// RSS are the server's. Its -inflight clients are streams on one loop in another
// process, the same for all paths: each has a connection, kept alive, sends the
// next request when the reply to the one before is there, and compares that with
// the value. Requests per second and latencies are what they see. Each request
// makes the server select one row by its key, with a prepared statement, on one of
// -conns connections to MariaDB, a third process.
//
// Each side is written as its users would. In evio and gnet a worker of an ants
// pool calls database/sql. The pool has two workers for each client, as in path pool.
// The reply goes back by evio's Wake and by gnet's AsyncWrite; gnet's handler parses
// no more of HTTP than the request line and the end of the header. In nethttp the
// handler calls database/sql itself. In valet and evioloop the database is
// mysql.Open's, and calls end with the client's connection. Evio and gnet have one
// loop, which is their default. The driver's contexts are those of the other drivers,
// by -context; that of net/http's request is its own.
//
// # Servers
//
// Without -addr, a private server on a loopback port is used: Debian's
// redis-server; MariaDB if it is installed, else (not for lag) an embedded go-mysql-server;
// servers of our own for mongo and docs, package mongowire, and for echo, open and
// memory. The embedded one is program dbserver, built when needed. It is slow: it
// compares CPU per operation well and throughput badly.
//
// On a server named with -addr, the keys valet:bench:00 to 63 (redis) or the
// database valet_bench (mysql, mongo) are replaced, and removed at the end.
//
// A connection takes a descriptor in the client and one in the server, each of
// which may have as many as the hard limit says: programs in Go raise the soft
// limit to it when they start, and redis-server and MariaDB do when they need
// to. If -conns needs more than that, the run ends before it starts and says
// what to raise.
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
