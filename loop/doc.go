// Package loop is a single-threaded event loop: posted callbacks, timers,
// handlers of descriptors, and streams, all run one after another by one
// goroutine, so that the state they share needs no lock.
//
//	l, err := loop.Start(ctx)
//	...
//	l.Post(func() { fmt.Println("on the loop") })
//
// [Start] runs a loop on a goroutine of its own. [New] makes one for a program
// that brings the goroutine: [Loop.Run] runs it there until it is stopped, and
// [Loop.RunOnce] until something has happened, for programs that have a main
// loop of their own.
//
// # Goroutines
//
// Any goroutine may call, at any time, after Close as well:
//
//   - of [Loop]: Post, Stop, Close, OnLoop, Stats, AddHandler, Dial and Listen;
//     Run and RunOnce, which make the calling goroutine the loop's;
//   - of [Handle]: Modify and Remove;
//   - of [Stream]: LocalAddr and RemoteAddr; of [Listener]: Addr and Stats.
//
// Of these only Run, RunOnce and Close wait, Start for a moment, and Listen if
// it has to look up a host name. Close does not wait when it is called on the
// loop.
//
// Everything else belongs to the loop's goroutine, and panics elsewhere while
// the loop runs: AfterFunc, At and Every with the methods of [Timer], and all
// other methods of Stream and Listener. Call them from a callback, or before the
// loop runs. None of them blocks.
//
// Callbacks must not block either; what would block belongs into an adapter.Go
// of package adapter. A fake-socket operation that would block a callback fails
// with [ErrWouldBlockLoop].
//
// # One iteration
//
// An iteration has four phases, in this order:
//
//  1. Timers. Those that are due run in order of their time, ties in order of
//     their creation. A timer that a timer callback arms waits for the next
//     iteration, even if it is due at once; one that is armed for a time that
//     has passed counts as due now, so that it overtakes none that is due.
//  2. Posted callbacks. The queue is taken whole, in the order of posting;
//     what a callback posts runs in the next iteration. After 500 µs the rest
//     is left to the next iteration, which takes nothing new before it is
//     done, so that sockets are served in between.
//  3. Poll. The loop asks the system which descriptors are ready, 256 at most.
//     With nothing left to do it waits here, until a descriptor is ready, the
//     next timer is due, or somebody posts.
//  4. Dispatch. The handler of each ready descriptor is called: reads and
//     writes of fake sockets complete here, and streams and listeners have a
//     turn. Those of their turns that no event causes come in phase 2.
//
// Run ends after an iteration. RunOnce ends after the first iteration that has
// run a callback, those of the loop's own (an accepted connection, a byte for a
// fake socket) included, and does not wait after one.
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
// idle loop costs nothing. Elsewhere it waits in kevent, and is woken by a byte
// in a pipe, or on a channel; see Platforms.
//
// Before it waits it yields once; while that takes longer than a few
// microseconds other goroutines want the processors, and the loop stays
// runnable instead of sleeping, because a sleeping goroutine is found late on a
// busy machine.
//
// # Closing
//
// [Loop.Close] runs what was posted; then ends every stream, listener, dial and
// drain with [ErrClosed], and runs the callbacks that were pending; then tells
// every handler by [LoopClosed]. Timers never fire. Afterwards nothing runs on
// the loop any more: what is begun there reports ErrClosed, or, where it has no
// error to return, never calls back.
//
// # Panics
//
// A panic in a callback is contained: it goes to the handler given by
// [WithPanicHandler] with the stack, and the loop goes on. A callback that
// ends its goroutine by [runtime.Goexit] (t.FailNow does) ends the goroutine
// that runs the loop, as Goexit demands; the loop goes on with a new one.
//
// # Watching
//
// A watchdog logs callbacks that run for longer than a second, with the stack,
// while they run; see [WithWatchdog] and [WithLogger]. [Loop.Stats] tells what
// the loop has done, and how long callbacks waited for it.
//
// # Platforms
//
// Linux has epoll, and is what the tests run on. macOS, FreeBSD, NetBSD, OpenBSD
// and DragonFly have kqueue: that code is vetted for macOS and FreeBSD by every
// check, but not run. All other systems, and every system with the build tag
// valetportable, have posts and timers, but no polling: AddHandler reports
// [errors.ErrUnsupported], and package fakesock, as well as streams, wait by
// Go's own poller. Streams then cost a goroutine for each direction that waits.
// That is tested on Linux.
//
// # Limits
//
// A queue of posts has no bound: who posts faster than the loop runs must hold
// back by itself, as package adapter does. Nor has what a stream has queued to be
// written; see [Stream.SetHighWater]. A callback that computes for long holds up
// all others, since there is one goroutine and no priority.
//
// # Non-goals
//
// Datagrams, TLS, files and signals: a fake socket under a blocking library, or
// a goroutine that posts, serves them. Several goroutines for one loop: run
// several loops.
package loop
