package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// sampleEvery is how many operations of a lane share one timed one: reading
// the clock twice for each would cost a noticeable part of a fast operation.
const sampleEvery = 8

// meter counts, times and checks operations. Every path uses it in the same
// way: begin, the operation, end.
//
// A lane is one of the operations in flight. It belongs to whoever runs that
// operation at the moment, one goroutine at a time.
type meter struct {
	lanes     []lane
	want      func(key int) string
	epoch     time.Time
	recording atomic.Bool // inside of the window
	stopping  atomic.Bool // lanes end after the operation they are in
	running   sync.WaitGroup
	latency   histogram

	failures atomic.Uint64
	first    atomic.Pointer[error]
}

type lane struct {
	ops   atomic.Uint64
	turn  uint64
	began time.Duration // since the meter's epoch; -1 if this operation is not timed
	key   int
	_     [32]byte // lanes do not share cache lines
}

// keys is how many different values are read, so that a reply that reached the
// wrong request shows. The embedded MySQL server scans its tables, so there
// are few.
const keys = 64

// newMeter makes a meter with n lanes, all of which count as running until
// leave is called for them.
func newMeter(n int, want func(key int) string) *meter {
	m := &meter{lanes: make([]lane, n), want: want, epoch: time.Now()}
	for i := range m.lanes {
		m.lanes[i].key = i % keys
		m.lanes[i].turn = uint64(i)
	}
	m.running.Add(n)
	return m
}

// begin notes that the next operation of a lane starts.
func (m *meter) begin(i int) {
	l := &m.lanes[i]
	l.turn++
	l.began = -1
	if l.turn%sampleEvery == 0 {
		l.began = time.Since(m.epoch)
	}
}

// end notes that the operation of a lane ended, checks what it returned, and
// reports whether the lane goes on. If not, its caller must not use it again.
func (m *meter) end(i int, got string, err error) (again bool) {
	l := &m.lanes[i]
	if err == nil && got != m.want(l.key) {
		err = fmt.Errorf("reply for key %d is %q instead of %q", l.key, got, m.want(l.key))
	}
	if err != nil {
		return m.fail(err)
	}
	if l.began >= 0 && m.recording.Load() {
		m.latency.add(time.Since(m.epoch) - l.began)
	}
	l.ops.Add(1)
	if m.stopping.Load() {
		m.running.Done()
		return false
	}
	return true
}

// fail ends a lane with an error; the first one is kept. It returns false.
func (m *meter) fail(err error) bool {
	m.first.CompareAndSwap(nil, &err)
	m.failures.Add(1)
	m.stopping.Store(true)
	m.running.Done()
	return false
}

// ops is the number of operations completed so far.
func (m *meter) ops() uint64 {
	var sum uint64
	for i := range m.lanes {
		sum += m.lanes[i].ops.Load()
	}
	return sum
}

// measure waits for the warm-up, measures one window, which lasts until during
// returns, and then stops the lanes and waits until all have ended. The lanes
// run already. profile is called at the start of the window, and what it returns
// at its end.
func (m *meter) measure(ctx context.Context, warmup time.Duration, during func(context.Context) error, profile func() (func(), error)) (window, error) {
	w, err := m.watch(ctx, warmup, during, profile)
	m.stopping.Store(true)
	ended := make(chan struct{})
	go func() {
		m.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(drainTimeout):
		return w, errors.Join(fmt.Errorf("operations still in flight %v after the window", drainTimeout), m.err())
	}
	if first := m.err(); first != nil {
		return w, first
	}
	if err == nil && w.ops == 0 {
		err = fmt.Errorf("no operation completed in %v: choose a longer -duration, or more -rows", w.wall.Round(time.Millisecond))
	}
	return w, err
}

// drainTimeout is how long the operations in flight may take to end.
const drainTimeout = 30 * time.Second

func (m *meter) watch(ctx context.Context, warmup time.Duration, during func(context.Context) error, profile func() (func(), error)) (w window, err error) {
	if err := wait(ctx, warmup); err != nil {
		return w, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	beforeOps := m.ops()
	stopProfile, err := profile()
	if err != nil {
		return w, err
	}
	m.recording.Store(true)
	start, cpu, ops := time.Now(), cpuTime(), m.ops()
	err = during(ctx)
	w.ops, w.cpu, w.wall = m.ops()-ops, cpuTime()-cpu, time.Since(start)
	if cpu < 0 {
		w.cpu = -1
	}
	m.recording.Store(false)
	stopProfile()
	w.mallocsOps = m.ops() - beforeOps
	runtime.ReadMemStats(&after)
	w.mallocs = after.Mallocs - before.Mallocs
	return w, err
}

// err is the first failure with the number of failures, or nil.
func (m *meter) err() error {
	first := m.first.Load()
	if first == nil {
		return nil
	}
	return fmt.Errorf("%d operations failed, the first with: %w", m.failures.Load(), *first)
}

// sample turns a window into the figures that are reported.
func (m *meter) sample(w window) sample {
	s := w.sample()
	s.P50 = float64(m.latency.quantile(0.50)) / 1e3
	s.P99 = float64(m.latency.quantile(0.99)) / 1e3
	return s
}

// lasting makes a window that lasts for d.
func lasting(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error { return wait(ctx, d) }
}

// wait blocks for d or until the context ends.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
