package loop

import "errors"

// Executor is where callbacks run: a [Loop], or a connection of a front end
// whose own goroutine serves it.
type Executor interface {
	// Post makes fn run on the executor's goroutine, after the callback that
	// is running there has returned, and before callbacks posted later. Any
	// goroutine may call it; it never blocks. It fails only when the executor
	// is closed, and then fn never runs.
	Post(fn func()) error
}

var (
	// ErrClosed is reported by everything that is asked of a closed loop.
	ErrClosed = errors.New("loop: closed")

	// ErrRunning is reported by Run and RunOnce on a loop that runs already.
	ErrRunning = errors.New("loop: already running")

	// ErrWouldBlockLoop is reported by an operation that would have to wait,
	// called on the goroutine of a loop or of a front end, which it would
	// block or wait for itself. Start the operation through package adapter.
	ErrWouldBlockLoop = errors.New("loop: the operation would block an event loop; start it through package adapter")
)
