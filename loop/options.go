package loop

import (
	"fmt"
	"log/slog"
	"time"
)

// Option configures a loop.
type Option func(*Loop) error

// WithPanicHandler sets who hears of panics in callbacks: v is the value of
// the panic and stack the goroutine's stack at that point. It runs on the
// loop, and must neither block nor panic itself. By default a panic is logged as
// an error; see [WithLogger].
func WithPanicHandler(f func(v any, stack []byte)) Option {
	return func(l *Loop) error {
		if f == nil {
			return fmt.Errorf("loop: WithPanicHandler needs a function, not nil")
		}
		l.onPanic = f
		return nil
	}
}

// WithLogger sets where the loop logs what the watchdog finds, on a goroutine of
// the watchdog's, and panics that nobody handles, on the loop. It must not wait
// for the loop. The default is the [slog.Default] of the time when the loop is
// made.
func WithLogger(log *slog.Logger) Option {
	return func(l *Loop) error {
		if log == nil {
			return fmt.Errorf("loop: WithLogger needs a logger, not nil")
		}
		l.log = log
		return nil
	}
}

// WithWatchdog sets how long a callback may run before it is logged as a
// warning, with the stack of the loop's goroutine while it still runs. It is
// logged again each time it has run twice as long. The default is 1 s; the limit
// must be 1 ms at least, or 0, which turns the watchdog off.
//
// The watchdog looks four times in each limit, and begins to count at the second
// look that finds the callback, so a report may come half a limit late, and a
// callback that has ended by then is not reported. It cannot tell a callback
// that waits, or works, from one that gets no processor on a busy machine; a
// process that stands still as a whole is not reported.
//
// Taking the stack stops the program for about as long as it takes to write down
// the stacks of all its goroutines. While the loop has nothing to do the watchdog
// costs nothing.
func WithWatchdog(limit time.Duration) Option {
	return func(l *Loop) error {
		if limit < 0 || 0 < limit && limit < time.Millisecond {
			return fmt.Errorf("loop: WithWatchdog(%v): the limit must be at least 1ms, or 0 for none", limit)
		}
		l.watchdog.limit = limit
		return nil
	}
}

func (l *Loop) logPanic(v any, stack []byte) {
	l.log.Error("loop: panic in a callback", "panic", fmt.Sprint(v), "stack", string(stack))
}
