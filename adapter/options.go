package adapter

import (
	"fmt"
	"time"
)

// Option configures a backend. One that is made from another inherits its
// policy, timeout, grace and hooks, unless they are said anew; slots, queues,
// watermarks and the bound of abandoned bodies belong to a pool, and have their
// defaults in each.
type Option func(*settings)

type settings struct {
	slots, long, queue int
	low, high          int // watermarks; 0 and 0: by the queue
	policy             CancelPolicy
	timeout, grace     time.Duration
	killing            time.Duration // how long a function given to Killable may take
	abandoned          int           // the most; -1: by the slots
	hooks              []Hook
}

// Defaults of [New] and [Adapter.Backend].
const (
	DefaultSlots     = 64
	DefaultLongSlots = 256
	DefaultQueue     = 1 << 16
	DefaultGrace     = time.Second
)

func newSettings(parent *backend, opts []Option) settings {
	s := settings{grace: DefaultGrace, killing: killPatience, abandoned: -1}
	if parent != nil {
		s = parent.settings
		s.abandoned = -1
		s.hooks = s.hooks[:len(s.hooks):len(s.hooks)] // an append must not reach a sibling
	}
	s.slots, s.long, s.queue, s.low, s.high = DefaultSlots, DefaultLongSlots, DefaultQueue, 0, 0
	for _, o := range opts {
		if o == nil {
			panic("adapter: an option is nil")
		}
		o(&s)
	}
	if s.high == 0 {
		s.high = max(s.queue/2, 1)
		s.low = s.high / 2
	}
	if s.abandoned < 0 {
		s.abandoned = s.slots / 2
	}
	return s
}

// WithSlots sets how many calls of the backend may run at once, held and long
// ones not counted: at least 1, or it panics; by default [DefaultSlots]. For a
// driver with a pool, take the size of the pool.
func WithSlots(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("adapter: WithSlots(%d): a backend needs at least one slot", n))
	}
	return func(s *settings) { s.slots = n }
}

// WithLongSlots sets how many calls made with [Long] may run at once: at least
// 1, or it panics; by default [DefaultLongSlots]. Each of them keeps a
// goroutine, and usually a connection, which the driver's pool must have room
// for beside those of the short calls.
func WithLongSlots(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("adapter: WithLongSlots(%d): a backend needs at least one slot for long calls", n))
	}
	return func(s *settings) { s.long = n }
}

// WithQueue sets how many calls may wait for a slot: 0 or more, or it panics;
// by default [DefaultQueue]. As many long ones may wait, and as many in each
// lane. A slot is freed just after the callback has been posted, so with no
// queue at all a callback may find that its own call's slot is still taken.
func WithQueue(n int) Option {
	if n < 0 {
		panic(fmt.Sprintf("adapter: WithQueue(%d): the bound cannot be negative", n))
	}
	return func(s *settings) { s.queue = n }
}

// WithWatermarks sets at how many waiting calls [Adapter.OnPressure] reports
// pressure, and at how many its end: 0 <= low < high, or it panics. By default
// they are a quarter and half of the queue.
func WithWatermarks(low, high int) Option {
	if low < 0 || low >= high {
		panic(fmt.Sprintf("adapter: WithWatermarks(%d, %d): want 0 <= low < high", low, high))
	}
	return func(s *settings) { s.low, s.high = low, high }
}

// WithCancel sets what becomes of a running call that is cancelled; by default
// [Close].
func WithCancel(p CancelPolicy) Option {
	p.check()
	return func(s *settings) { s.policy = p }
}

// WithTimeout bounds every call of the backend that does not have a [Timeout]
// of its own, from its start to the end of its body: more than 0, or it panics.
// Long and held calls are not bounded by it. By default there is no bound but
// the call's context.
func WithTimeout(d time.Duration) Option {
	if d <= 0 {
		panic(fmt.Sprintf("adapter: WithTimeout(%v): a timeout must be more than 0; without one there is none", d))
	}
	return func(s *settings) { s.timeout = d }
}

// WithGrace sets how long a body may go on after it has been told to stop,
// before the connection that it is parked on is closed: more than 0, or it
// panics; by default [DefaultGrace]. See [Close] and [Kill].
func WithGrace(d time.Duration) Option {
	if d <= 0 {
		panic(fmt.Sprintf("adapter: WithGrace(%v): it must be more than 0", d))
	}
	return func(s *settings) { s.grace = d }
}

// WithAbandoned sets how many abandoned bodies may go on at once: 0 or more, or
// it panics; by default half as many as there are slots. When there are more,
// the oldest is stopped; see [Abandon].
func WithAbandoned(n int) Option {
	if n < 0 {
		panic(fmt.Sprintf("adapter: WithAbandoned(%d): the bound cannot be negative", n))
	}
	return func(s *settings) { s.abandoned = n }
}

// WithHook adds a hook, which hears of every call of the backend, after those
// that were added before.
func WithHook(h Hook) Option {
	return func(s *settings) { s.hooks = append(s.hooks, h) }
}
