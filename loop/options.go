package loop

import (
	"fmt"
	"log/slog"
)

// Option configures a loop.
type Option func(*Loop) error

// WithPanicHandler sets who hears of panics in callbacks: v is the value of
// the panic and stack the goroutine's stack at that point. It runs on the
// loop, and must not panic itself. By default a panic is logged with
// [slog.Error].
func WithPanicHandler(f func(v any, stack []byte)) Option {
	return func(l *Loop) error {
		if f == nil {
			return fmt.Errorf("loop: WithPanicHandler needs a function, not nil")
		}
		l.onPanic = f
		return nil
	}
}

func logPanic(v any, stack []byte) {
	slog.Error("loop: panic in a callback", "panic", fmt.Sprint(v), "stack", string(stack))
}
