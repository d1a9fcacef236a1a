package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"time"
)

// waitingClients is what an HTTP client costs that waits for its answer, a
// long-poll, and how fast all of them get one. What is done is in the doc comment
// of main.go.
func waitingClients() measure {
	return measure{
		peer:     nobody{},
		paths:    []string{"native", "loop", "evio", "gnet"},
		uses:     []string{"conns", "cpuprofile"},
		defaults: map[string]string{"path": "native,loop,gnet", "conns": strconv.Itoa(mostClients(descriptorLimit()))},
		unit:     "client",
		columns:  append([]figure{broadcastTime, cpuPer("answer", "%.2f")}, memoryOf("client")...),
		ratios:   []figure{broadcastTime, cpuPer("answer", "%.2f"), heapAndStack, allMemory},
		about: func(_ config, c cell) string {
			return fmt.Sprintf("%d waiting clients, bytes for each, and broadcasts to all of them", c.conns)
		},
		descriptors: twoForEvio,
		run:         runPoll,
	}
}

// twoForEvio is how many descriptors a connection takes: evioloop makes a
// duplicate.
func twoForEvio(path string) int {
	if path == "evio" || path == "evioloop" {
		return 2
	}
	return 1
}

var broadcastTime = always("broadcast ms", "%.1f", func(s sample) float64 { return s.P50 / 1000 })

// mostClients is how many clients poll has if nothing is said, under a limit of
// descriptors: those that fit, and not more than 20,000.
func mostClients(limit uint64) int {
	const most = 20_000
	if limit == 0 || limit > most+spareDescriptors {
		return most
	}
	return max(int(limit)-spareDescriptors, 1)
}

// broadcasts are measured in each process, after one that is not.
const broadcasts = 5

// runPoll measures a server in this process, whose clients are in another one.
func runPoll(ctx context.Context, sp spec) (sample, error) {
	srv, err := pollServers[sp.Path](ctx)
	if err != nil {
		return sample{}, err
	}
	defer srv.close()
	if err := comeAndGo(ctx, srv); err != nil {
		return sample{}, fmt.Errorf("before the measurement: %w", err)
	}
	before := settled()
	clients, err := startPollers(ctx, srv, sp.Conns)
	if err != nil {
		return sample{}, err
	}
	defer clients.stop()
	s := grown(before, settled(), sp.Conns)
	stop, err := profileCPU(sp.Profile)
	if err != nil {
		return sample{}, err
	}
	defer stop()
	var times []float64
	cpu := time.Duration(0)
	for range broadcasts {
		took, used, err := clients.broadcast(ctx)
		if err != nil {
			return sample{}, err
		}
		times, cpu = append(times, float64(took.Microseconds())), cpu+used
	}
	s.P50 = median(times)
	s.OpsPerSec = float64(sp.Conns) / (s.P50 / 1e6)
	s.CPU = float64(cpu.Nanoseconds()) / 1000 / float64(broadcasts*sp.Conns)
	return s, nil
}

// comeAndGo lets the first clients come, and leave, for what comes once.
func comeAndGo(ctx context.Context, srv *pollServer) error {
	first, err := startPollers(ctx, srv, firstConns)
	if err != nil {
		return err
	}
	first.stop()
	if srv.lines {
		srv.broadcast([]byte(pollMessage(srv.next))) // some servers see only then that they are gone
	}
	return reach(ctx, "clients have left", firstConns, func() int { return firstConns - srv.waiting() })
}

// pollers are clients of a server, in a process of their own.
type pollers struct {
	*process
	srv *pollServer
	n   int
}

// startPollers returns when n clients have had one message, and wait for another.
func startPollers(ctx context.Context, srv *pollServer, n int) (_ *pollers, err error) {
	child, err := startSelf(ctx, rolePollers, pollSetup{Addrs: srv.addrs, Clients: n, Next: srv.next, Lines: srv.lines}, nil)
	if err != nil {
		return nil, err
	}
	p := &pollers{child, srv, n}
	if _, _, err = p.broadcast(ctx); err == nil {
		err = p.wait(ctx)
	}
	if err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// wait waits until all clients wait.
func (p *pollers) wait(ctx context.Context) error {
	return reach(ctx, "clients wait", p.n, p.srv.waiting)
}

// broadcast sends the next message to all clients, and reports how long it took
// until the last one had it, and how much of the processors' time this process
// used.
func (p *pollers) broadcast(ctx context.Context) (took, used time.Duration, err error) {
	if err := p.wait(ctx); err != nil {
		return 0, 0, err
	}
	runtime.GC() // for what went before
	message := p.srv.next
	p.srv.next++
	used, start := cpuTime(), time.Now()
	p.srv.broadcast([]byte(pollMessage(message)))
	var had int
	if err := p.receive(ctx, &had); err != nil {
		return 0, 0, err
	}
	took, used = time.Since(start), cpuTime()-used
	if had != message {
		return 0, 0, fmt.Errorf("the clients have message %d instead of %d", had, message)
	}
	return took, used, nil
}
