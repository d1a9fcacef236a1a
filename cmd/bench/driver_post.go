package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/valet-go/valet/loop"
)

// line is a way to hand functions over to one goroutine, which runs them.
type line struct {
	send  func(fn func()) error // any goroutine
	close func()                // once all have run
}

var lines = map[string]func(ctx context.Context, backlog int) (line, error){
	"channel": channelLine,
	"post":    loopLine,
}

// channelLine is a goroutine at the end of a channel whose buffer has room for
// all functions that can be under way: sending never waits, as with Post.
func channelLine(_ context.Context, backlog int) (line, error) {
	ch := make(chan func(), backlog)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for fn := range ch {
			fn()
		}
	}()
	send := func(fn func()) error {
		ch <- fn
		return nil
	}
	return line{send, func() { close(ch); <-ended }}, nil
}

// loopLine is a loop, which bounds nothing itself.
func loopLine(ctx context.Context, _ int) (line, error) {
	l, err := loop.Start(ctx)
	if err != nil {
		return line{}, err
	}
	return line{l.Post, func() { l.Close() }}, nil
}

// handOvers is what it costs to hand the same function over to a goroutine that
// runs it, through a channel and by Post. Both sides of a round run in one
// process, one after another.
func handOvers() measure {
	return measure{
		peer:     nobody{},
		paths:    []string{"channel", "post"},
		uses:     []string{"producers", "backlog", "funcs"},
		defaults: map[string]string{"path": "channel,post", "producers": "1,64", "backlog": "1024", "funcs": "5000000"},
		unit:     "hand-over",
		columns: []figure{
			always("ns/hand-over", "%.1f", func(s sample) float64 { return s.NsPerOp }),
			perSecond("hand-overs/s"),
			cpuPer("hand-over", "%.3f"),
			always("under way", "%.0f", func(s sample) float64 { return s.UnderWay }),
			always("allocs/hand-over", "%.3f", func(s sample) float64 { return s.Allocs }),
		},
		ratios: []figure{perSecond("hand-overs/s"), cpuPer("hand-over", "")},
		about: func(cfg config, c cell) string {
			return fmt.Sprintf("%d producers, at most %d functions under way", c.producers, cfg.backlog)
		},
		together: measureLines,
	}
}

// nobody is the peer of what has no connections.
type nobody struct{}

func (nobody) serve(context.Context, *environment) (*server, error) {
	return &server{stop: func() {}}, nil
}

func (nobody) prepare(context.Context, target) (func(), error) { return func() {}, nil }

// measureLines measures one line after another.
func measureLines(ctx context.Context, sp spec, names []string) ([]sample, error) {
	var samples []sample
	for _, name := range names {
		s, err := measureLine(ctx, sp, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		samples = append(samples, s)
	}
	return samples, nil
}

func measureLine(ctx context.Context, sp spec, name string) (sample, error) {
	ln, err := lines[name](ctx, sp.Backlog)
	if err != nil {
		return sample{}, err
	}
	defer ln.close()
	if _, err := handOver(ln, sp, max(sp.Funcs/handOverWarmup, sp.Producers)); err != nil {
		return sample{}, err
	}
	runtime.GC()
	var underWay float64
	w, err := observe(uint64(sp.Funcs), func() (err error) {
		underWay, err = handOver(ln, sp, sp.Funcs)
		return err
	})
	if err != nil {
		return sample{}, err
	}
	s := w.sample()
	s.NsPerOp = 1e9 / s.OpsPerSec
	s.UnderWay = underWay
	s.PeakRSS = 0 // the sides share a process
	return s, nil
}

// handOverWarmup is the part of the functions that are handed over before
// those that are measured.
const handOverWarmup = 10

// handOver sends funcs functions from several goroutines and returns when all
// have run. It returns how many were under way on average, as far as the tokens
// tell: much more than a batch or two means that there was always work.
//
// At most sp.Backlog functions are under way: a producer takes a token for each
// batch of them, and the last function of the batch gives it back when it runs.
// This is the same for both lines, and what it costs is in the figures of both.
func handOver(ln line, sp spec, funcs int) (underWay float64, err error) {
	batch := batchSize(sp.Backlog, sp.Producers)
	tokens := make(chan struct{}, sp.Backlog/batch)
	for range cap(tokens) {
		tokens <- struct{}{}
	}
	// These belong to the goroutine that runs the functions.
	ran, batches, taken := 0, 0, 0
	all := make(chan struct{})
	count := func() {
		if ran++; ran == funcs {
			close(all)
		}
	}
	last := func() {
		batches++
		taken += cap(tokens) - len(tokens)
		tokens <- struct{}{}
		count()
	}
	failed := make(chan error, sp.Producers)
	for i := range sp.Producers {
		share := funcs / sp.Producers
		if i < funcs%sp.Producers {
			share++
		}
		go func() { failed <- produce(ln.send, count, last, share, batch, tokens) }()
	}
	var errs []error
	for range sp.Producers {
		errs = append(errs, <-failed)
	}
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	select {
	case <-all:
		return float64(taken*batch) / float64(batches), nil
	case <-time.After(drainTimeout):
		return 0, fmt.Errorf("not all of %d functions ran", funcs)
	}
}

// produce sends share functions, of which the last one of each batch is last.
func produce(send func(func()) error, count, last func(), share, batch int, tokens chan struct{}) error {
	for share > 0 {
		<-tokens
		n := min(batch, share)
		for range n - 1 {
			if err := send(count); err != nil {
				return err
			}
		}
		if err := send(last); err != nil {
			return err
		}
		share -= n
	}
	return nil
}

// batchSize is how many functions share a token: few enough that each producer
// can have one, and that one producer has some to spare.
func batchSize(backlog, producers int) int {
	return max(backlog/max(producers, 16), 1)
}
