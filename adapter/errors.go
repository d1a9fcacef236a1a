package adapter

import (
	"errors"
	"fmt"
)

var (
	// ErrOverloaded is reported when all slots of the backend are taken and
	// its queue is full. The caller should shed load, or stop reading the
	// client that causes it.
	ErrOverloaded = errors.New("adapter: overloaded")

	// ErrClosed is reported by calls to a closed adapter or backend, and by
	// calls that Close ended.
	ErrClosed = errors.New("adapter: closed")

	// ErrGoexit is reported when a body ended its goroutine with
	// [runtime.Goexit], as t.FailNow does.
	ErrGoexit = errors.New("adapter: the body called runtime.Goexit")
)

// PanicError is the error of a call whose body panicked.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // of the body's goroutine, where it panicked
}

// Error includes the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("adapter: panic in a call: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap returns the panic's value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
