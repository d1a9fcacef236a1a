package adapter

import (
	"context"
	"errors"
	"fmt"
)

// CancelPolicy says what becomes of a call that runs when it is cancelled: by
// [Call.Cancel], by the end of its context or of its executor's, or by its
// timeout. A call that waits then ends at once, whatever the policy.
type CancelPolicy uint8

const (
	// Close ends the body's context, and the driver does what it does then;
	// most close the connection. The callback comes when the body returns: with
	// its result if it succeeded nevertheless (unless the result holds something,
	// see [OnDrop]), or with an error for which [errors.Is] reports the cause as
	// well as whatever the driver said. Should the
	// body still run after the grace (see [WithGrace]), the connection that it
	// is parked on is closed, if that is one of package fakesock's and the
	// body's own goroutine waits for it, and again each time the grace has
	// passed. So drivers that ignore contexts can be stopped, too; not those
	// that do their I/O on goroutines of their own and ignore contexts.
	Close CancelPolicy = iota

	// Abandon calls back at once, with the cause. The body goes on, with a
	// context that cannot end, and its result is dropped; see [OnDrop]. It
	// keeps its slot until it returns. When more bodies are abandoned than
	// [WithAbandoned] allows, the oldest is stopped: the connection that it is
	// parked on is closed as with Close, without a grace. Drivers work a little
	// less for a context that cannot end, so this is the cheapest policy.
	Abandon

	// Kill makes the server stop, by what the body gave to [Killable], so that
	// the connection survives. The callback comes when the body returns, as with
	// Close. If the body has given nothing, if killing fails, or if the body
	// does not return within the grace, it is stopped as by Close.
	Kill
)

var policyNames = [...]string{Close: "close", Abandon: "abandon", Kill: "kill"}

// String returns the policy's name.
func (p CancelPolicy) String() string {
	if int(p) >= len(policyNames) {
		return fmt.Sprintf("CancelPolicy(%d)", uint8(p))
	}
	return policyNames[p]
}

func (p CancelPolicy) check() {
	if int(p) >= len(policyNames) {
		panic(fmt.Sprintf("adapter: %v: there are Close, Abandon and Kill", p))
	}
}

// stoppedError is the error of a call that was cancelled, and whose body then
// failed with an error of its own.
type stoppedError struct{ cause, err error }

func (e *stoppedError) Error() string   { return e.cause.Error() + ": " + e.err.Error() }
func (e *stoppedError) Unwrap() []error { return []error{e.cause, e.err} }

// because returns err, for which errors.Is reports cause as well. A body that
// was cancelled by the end of a context must not have to know why.
func because(cause, err error) error {
	if err == nil || cause == nil || errors.Is(err, cause) {
		return err
	}
	return &stoppedError{cause, err}
}

// contextError is the error of a body's context that was ended by cause.
func contextError(cause error) error {
	if cause == ErrClosed { // not errors.Is: the error of a foreign context has methods that ask the context
		return context.Canceled
	}
	return cause
}
