// Package loop is a single-threaded event loop: posted callbacks, timers and
// descriptor handlers, all run one after another by one goroutine, so that the
// state they share needs no lock.
//
//	l, err := loop.Start(ctx)
//	...
//	l.Post(func() { fmt.Println("on the loop") })
//
// # Goroutines
//
// [Loop.Post], [Loop.Stop], [Loop.Close], [Loop.OnLoop], [Loop.AddHandler],
// [Handle.Modify] and [Handle.Remove] may be called from any goroutine, and
// only Close blocks. [Loop.Run] makes the calling goroutine the loop's.
// Everything else, timers above all, belongs to the loop's
// goroutine: call it from a callback, or before the loop runs. Callbacks must
// not block; what would block belongs into an adapter.Go of package adapter. A
// fake-socket operation that would block a callback fails with
// [ErrWouldBlockLoop].
//
// # One iteration
//
// An iteration has four phases, in this order:
//
//  1. Timers. Those that are due run in order of their time, ties in order of
//     their creation. A timer that a timer callback creates waits for the next
//     iteration, even if it is due at once.
//  2. Posted callbacks. The queue is taken whole, in the order of posting;
//     what a callback posts runs in the next iteration. After 500 µs the rest
//     waits for the next iteration, so that sockets are served in between.
//  3. Poll. The loop asks the system which descriptors are ready. With nothing
//     left to do it waits here, until a descriptor is ready, the next timer is
//     due, or somebody posts.
//  4. Dispatch. The handler of each ready descriptor is called. Reads and
//     writes of fake sockets complete here.
//
// # Waiting
//
// On Linux the loop's epoll descriptor is itself registered with the runtime's
// network poller, and the loop waits like any goroutine that reads a socket:
// no thread is blocked in a system call, a post wakes it without one, and an
// idle loop costs nothing. Before it waits it yields once; while that takes
// longer than a few microseconds other goroutines want the processors, and the
// loop stays runnable instead of sleeping, because a sleeping goroutine is
// found late on a busy machine.
//
// # Panics
//
// A panic in a callback is contained: it goes to the handler given by
// [WithPanicHandler] with the stack, and the loop goes on. A callback that
// ends its goroutine by [runtime.Goexit] (t.FailNow does) ends the goroutine
// that runs the loop, as Goexit demands; the loop goes on with a new one.
//
// # Limits
//
// Descriptors are polled on Linux only for now. Elsewhere AddHandler reports
// [errors.ErrUnsupported], and package fakesock waits by Go's own poller.
package loop
