// Package loop is a single-threaded event loop: posted callbacks, timers and
// descriptor handlers, and streams, all run one after another by one goroutine,
// so that the state they share needs no lock.
//
//	l, err := loop.Start(ctx)
//	...
//	l.Post(func() { fmt.Println("on the loop") })
//
// # Goroutines
//
// [Loop.Post], [Loop.Stop], [Loop.Close], [Loop.OnLoop], [Loop.AddHandler],
// [Handle.Modify], [Handle.Remove], [Loop.Dial] and [Loop.Listen] may be called
// from any goroutine, and only Close blocks (Listen if it has to look up a host
// name). [Loop.Run] makes the calling goroutine the loop's.
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
// # Streams
//
// A [Stream] is a connection with callbacks, dialled by [Loop.Dial] or accepted
// by [Loop.Listen]: ReadSome, ReadBytes and ReadUntil complete once each, and
// Write goes straight to the kernel and queues only what that does not take.
//
//	var echo func(p []byte, err error)
//	echo = func(p []byte, err error) {
//		if err != nil {
//			s.Close()
//			return
//		}
//		s.Write(p, nil)
//		s.ReadSome(echo)
//	}
//	s.ReadSome(echo)
//
// No callback runs inside the method that it is given to. What can be completed
// at once is completed after the running callback has returned: by the event
// that is being dispatched, or among the posted callbacks of the next
// iteration. A stream receives 16 KiB and runs 32 callbacks in a turn, then the
// others have theirs. While it waits for bytes it has no buffer, and in steady
// state neither reads nor writes allocate.
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
// [errors.ErrUnsupported], and package fakesock, as well as streams, wait by Go's
// own poller: streams then cost a goroutine for each direction that waits.
package loop
