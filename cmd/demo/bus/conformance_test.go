package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/valet-go/valet/adapter"
)

// conformance is what a bus does, whichever the broker.
var conformance = []struct {
	name string
	run  func(*testing.T, *testBroker)
}{
	{"all receive what each publishes, in its order", testOrder},
	{"messages may be empty or large", testSizes},
	{"topics are separate", testTopics},
	{"a restarted broker is found, and the gap told", testRestart},
	{"publishing without a broker fails, and Close ends", testNoBroker},
	{"publishing through a dead network fails, and Close ends", testDeadNetwork},
	{"what an executor is too slow for is dropped, and told", testSlow},
	{"a panic in receive is told as a gap", testPanic},
	{"a cancelled publication calls back at once", testCancelled},
	{"a closed bus publishes nothing and leaves nothing", testClosed},
	{"an executor that is gone keeps nothing back", testExecutorGone},
	{"all connections are the fake socket's", testConns},
}

func TestConformance(t *testing.T) {
	for name, start := range brokers {
		t.Run(name, func(t *testing.T) {
			broker := start(t)
			for _, test := range conformance {
				t.Run(test.name, func(t *testing.T) { test.run(t, broker) })
			}
		})
	}
}

func testOrder(t *testing.T, broker *testBroker) {
	const each = 1000
	members := []*member{join(t, broker.url), join(t, broker.url)}
	errs := make(chan error, len(members)*each)
	for i := range each {
		for j, m := range members {
			m.Publish(t.Context(), fmt.Appendf(nil, "%d %d", j, i), func(err error) { errs <- err })
		}
	}
	for range cap(errs) {
		if err := await(t, errs); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range members {
		var next [2]int
		for range cap(errs) {
			var from, i int
			it := await(t, m.events)
			if _, err := fmt.Sscan(string(it.data), &from, &i); err != nil {
				t.Fatalf("received %q, missed: %v", it.data, it.missed)
			}
			if i != next[from] {
				t.Fatalf("message %d of %d came when %d was due", i, from, next[from])
			}
			next[from]++
		}
	}
}

func testSizes(t *testing.T, broker *testBroker) {
	a, b := join(t, broker.url), join(t, broker.url)
	large := strings.Repeat("valet ", 100_000)
	for _, data := range []string{"", large, "\x00\r\n"} {
		a.send(data)
		a.wants(data)
		b.wants(data)
	}
}

func testTopics(t *testing.T, broker *testBroker) {
	a, b := join(t, broker.url, WithTopic("a")), join(t, broker.url, WithTopic("b"))
	a.send("to a")
	b.send("to b")
	a.wants("to a")
	b.wants("to b")
}

func testRestart(t *testing.T, broker *testBroker) {
	a, b := join(t, broker.url), join(t, broker.url)
	for range 3 {
		a.send("before")
		a.wants("before")
		b.wants("before")
		if err := broker.restart(); err != nil {
			t.Fatal(err)
		}
		a.wantsMissed()
		b.wantsMissed()
	}
	a.send("from a")
	b.send("from b")
	a.wants("from a", "from b")
	b.wants("from a", "from b")
}

func testNoBroker(t *testing.T, broker *testBroker) {
	a, closing := join(t, broker.url), join(t, broker.url)
	broker.kill()
	for range 3 {
		if err := a.publish("lost"); err == nil {
			t.Error("publishing without a broker succeeded")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := closing.Bus.Close(ctx); err != nil {
		t.Errorf("Close without a broker: %v", err)
	}
	if err := broker.restart(); err != nil {
		t.Fatal(err)
	}
	a.wantsMissed()
	a.send("found")
	a.wants("found")
}

func testDeadNetwork(t *testing.T, broker *testBroker) {
	p, through := startProxy(t, broker.url)
	a, closing := join(t, through), join(t, through)
	a.send("before")
	a.wants("before")
	closing.wants("before")
	p.gate.Lock()
	failed, closed := a.start(t.Context(), "late, or never"), make(chan error, 1)
	go func() { closed <- closing.Bus.Close(t.Context()) }()
	err, closeErr := await(t, failed), await(t, closed)
	p.gate.Unlock()
	if err == nil || closeErr != nil {
		t.Errorf("publishing: %v, want an error; Close: %v", err, closeErr)
	}
	eventually(t, "messages flow again", func() bool { return a.publish("after") == nil })
	for it := await(t, a.events); string(it.data) != "after"; it = await(t, a.events) {
		if !it.missed && string(it.data) != "late, or never" {
			t.Errorf("received %q", it.data)
		}
	}
}

func testSlow(t *testing.T, broker *testBroker) {
	a, slow := join(t, broker.url), join(t, broker.url)
	slow.send("warm")
	slow.wants("warm")
	release := make(chan struct{})
	if err := slow.ex.Post(func() { <-release }); err != nil {
		t.Fatal(err)
	}
	// Fewer at a time than may wait, and more than a slow bus keeps: what it
	// handles, what it has fetched, and its inbox.
	const batch, batches = maxWaiting / 2, 8
	for i := range batches {
		errs := make(chan error, batch)
		for j := range batch {
			a.Publish(t.Context(), fmt.Append(nil, i*batch+j), func(err error) { errs <- err })
		}
		for range batch {
			if err := await(t, errs); err != nil {
				t.Fatal(err)
			}
		}
	}
	slow.inbox.mu.Lock()
	kept := len(slow.inbox.items)
	slow.inbox.mu.Unlock()
	if kept > maxItems+1 {
		t.Errorf("%d items wait, want %d and a mark at most", kept, maxItems)
	}
	close(release)
	a.send("after")
	next, gaps, marked := 0, 0, false
	for it := await(t, slow.events); string(it.data) != "after"; it = await(t, slow.events) {
		if it.missed {
			marked = true
			a.send("after") // the one before may have been dropped
			continue
		}
		n, err := strconv.Atoi(string(it.data))
		if err != nil || n < next || n > next && !marked {
			t.Fatalf("received %q, %v, when %d was due, told of a gap: %v", it.data, err, next, marked)
		}
		if n > next {
			gaps++
		}
		next, marked = n+1, false
	}
	if next < batch*batches {
		gaps++
		if !marked {
			t.Errorf("received nothing behind message %d, and was not told", next-1)
		}
	}
	if gaps == 0 {
		t.Error("a bus kept more than it may")
	}
}

func testPanic(t *testing.T, broker *testBroker) {
	a := join(t, broker.url)
	for range 3 {
		a.send(bad)
		a.wantsMissed()
		a.send("good")
		a.wants("good")
	}
	if n := a.panics.Load(); n != 3 {
		t.Errorf("the executor reported %d panics, want 3", n)
	}
}

func testCancelled(t *testing.T, broker *testBroker) {
	a := join(t, broker.url)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := await(t, a.start(ctx, "nobody's")); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled publication: %v", err)
	}
	a.send("somebody's")
	a.wants("somebody's")
}

func testClosed(t *testing.T, broker *testBroker) {
	a := join(t, broker.url)
	a.send("last")
	mine := a.addrs()
	closed := make(chan error, 1)
	if err := a.ex.Post(func() { closed <- a.Bus.Close(context.Background()) }); err != nil {
		t.Fatal(err)
	}
	if err := await(t, closed); !strings.Contains(fmt.Sprint(err), "would block") {
		t.Errorf("Close on a loop: %v", err)
	}
	a.send("it did nothing")
	if err := a.Bus.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.publish("too late"); !errors.Is(err, adapter.ErrClosed) {
		t.Errorf("publishing on a closed bus: %v", err)
	}
	eventually(t, "the broker has none of the connections", func() bool {
		return !slices.ContainsFunc(broker.clients(t), func(s string) bool { return slices.Contains(mine, s) })
	})
}

func testExecutorGone(t *testing.T, broker *testBroker) {
	a, b := join(t, broker.url), join(t, broker.url)
	mine := a.addrs()
	if err := a.ex.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b.send("to nobody, and to b")
		b.wants("to nobody, and to b")
	}
	if err := a.Bus.Close(t.Context()); err != nil {
		t.Errorf("Close: %v", err)
	}
	eventually(t, "the broker has none of the connections", func() bool {
		return !slices.ContainsFunc(broker.clients(t), func(s string) bool { return slices.Contains(mine, s) })
	})
}

func testConns(t *testing.T, broker *testBroker) {
	a, b := join(t, broker.url), join(t, broker.url)
	a.send("once")
	b.send("twice")
	mine := append(a.addrs(), b.addrs()...)
	eventually(t, "the broker has no other connections", func() bool {
		theirs := broker.clients(t)
		return len(theirs) >= 2 && subset(theirs, mine)
	})
}
