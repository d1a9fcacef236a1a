//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/valet-go/valet/internal/sysio"
	"github.com/valet-go/valet/loop"
)

// What a net.Conn must do, and which test holds a Conn to it.
//
//	Reads and writes
//	  zero-length Read: lock, closed, else 0, nil   TestAZeroLengthReadTakesTheReadLock,
//	                                                TestEverythingFailsAfterClose,
//	                                                TestAPastDeadlineComesBeforeData
//	  zero-length Write looks at the deadline       TestAPastDeadlineComesBeforeData
//	  closed before deadline before data            TestErrorsReadLikeThoseOfNet (closed past its
//	                                                deadline), TestAPastDeadlineComesBeforeData
//	  Write is atomic, waits included               TestWritesAreAtomicAgainstOtherWriters
//	  a partial Write reports n and the error       TestAPartialWriteReportsWhatItWrote,
//	                                                TestWhatTheLoopWroteIsReported
//	  EINTR is retried                              TestSignalsDoNotShow, as far as signals
//	                                                reach calls that do not wait
//	  at most 1 GiB per system call                 TestOneCallIsGivenAtMostMaxIO in internal/sysio,
//	                                                TestABufferBeyondOneCall
//	  any method, any goroutine, any time           TestStress, TestChurn, TestInterruptions,
//	                                                TestStatsStress, TestConnPassesNettest
//	  the buffer is the caller's after the call     TestTheBufferIsTheCallersAgain (with -race),
//	                                                TestTheWritersBufferIsItsOwnAgain
//	Deadlines
//	  wake a blocked call; zero clears; rearming    TestADeadlineWakesAParkedCall, TestInterruptions
//	  read and write are independent                TestDeadlinesAreIndependentAndCanBeRearmed
//	  exactly now has passed                        TestExactlyNowHasPassed
//	  fire, then extend                             TestAnExtendedDeadlineDoesNotFailTheCall,
//	                                                TestWhatEndsAnOperationDuringAClaimIsNotLost
//	  the error's shape, Timeout on the outside     opErr, in every test of a deadline
//	  SetDeadline on a closed conn                  TestEverythingFailsAfterClose
//	Close
//	  wakes every blocked call with ErrClosed       TestCloseEndsAParkedCall, TestInterruptions
//	  a reused descriptor is never touched          TestAReusedDescriptorIsNotTouched,
//	                                                TestCloseLeavesTheDescriptorToItsUsers,
//	                                                TestADescriptorOutlivesItsRegistration
//	  a second Close                                TestEverythingFailsAfterClose
//	  garbage gives its descriptor back             TestGarbageGivesItsDescriptorBack,
//	                                                TestAParkedCallKeepsItsConnAlive
//	Errors
//	  io.EOF bare; SyscallError; no SIGPIPE         TestEOFIsBareAndHalfCloseWorks,
//	                                                TestAResetReachesBothSides, TestErrorsReadLikeThoseOfNet
//	Half-close, options, raw access
//	  CloseRead, CloseWrite                         TestEOFIsBareAndHalfCloseWorks,
//	                                                TestAPeerThatHalfClosesWithDataPending
//	  options                                       TestSocketOptions
//	  File                                          TestFileOutlivesTheConn
//	  never read ahead; a raw user invalidates      TestProbesSeeWhatTheKernelHas, TestAPeekLosesNothing,
//	                                                TestABlockingDuplicateBlocksNothing, FuzzConn
//	  RawConn.Read: lock, deadline, parks           TestRawCallsTakeTheLock, TestInterruptions,
//	                                                TestRawReadParksUntilThereIsData,
//	                                                TestARawUserLosesNoReadiness
//	  a short read does not prove it drained        TestUrgentDataDoesNotHideWhatFollows,
//	                                                TestMessageBoundariesDoNotHideWhatFollows
//	Dial
//	  no delay, keep-alive 15/15/9                  TestSocketOptions, TestAcceptedConnsHaveTheOptionsOfNet
//	  Happy Eyeballs                                TestHappyEyeballsFallBack, TestOneFamilyOfAName
//	  a deadline shared out over addresses          TestADeadlineIsSharedOutOverAddresses
//	  a cancelled context, even after the connect   TestACancelledContextFailsADialThatHasConnected,
//	                                                TestACancelledContextEndsADialThatWaits
//	  CLOEXEC and non-blocking                      TestDescriptorsAreNonBlockingAndNotInherited
//	  the fields of net.Dialer                      TestTheDialersFieldsCount,
//	                                                TestTheDialersTimeoutAndDeadlineCount,
//	                                                TestControlContextSeesTheContextAndTheSocket
//	Also
//	  net.Buffers: one Write per slice              TestBuffersAreOneWritePerSlice
//	  ReadFrom where it saves copies                TestReadFromDoesWhatThatOfNetDoes,
//	                                                TestFilesAreSentByTheKernel

// A timer that was armed for an earlier deadline must see that it has moved,
// and be armed again for the one in force.
func TestAnExtendedDeadlineDoesNotFailTheCall(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		d := s.dir(c)
		s.set(c, time.Now().Add(time.Hour))
		r := async(func() (int, error) { return s.op(c) })
		awaitParked(t, d)
		s.set(c, time.Now().Add(2*time.Hour))
		d.recheckAt(d.deadline.Load()) // by whom the deadline had passed, before it was moved
		c.s.fire()                     // what the timer of the first deadline does
		if len(r) != 0 || stateOf(d.word.Load()) != parked {
			t.Fatal("an old timer ended the call")
		}
		if c.s.alarm.at.Load() != d.deadline.Load() {
			t.Fatal("the timer is not armed for the deadline in force")
		}
		s.set(c, time.Time{})
		c.s.fire()
		if len(r) != 0 || stateOf(d.word.Load()) != parked || c.s.alarm.at.Load() != 0 {
			t.Fatal("a cleared deadline still counts")
		}
		s.set(c, time.Now().Add(time.Millisecond))
		opErr(t, await(t, r).err, s.name, os.ErrDeadlineExceeded)
	})
}

func TestExactlyNowHasPassed(t *testing.T) {
	if !past(5, 5) || past(6, 5) || !past(4, 5) {
		t.Error("a deadline must have passed from its very moment on")
	}
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	mustWrite(t, b, "x")
	at := now()
	a.s.r.setDeadline(at)
	_, err := a.Read(make([]byte, 1))
	opErr(t, err, "read", os.ErrDeadlineExceeded)
	if passed, seen := a.s.r.expired(); !passed || seen < at {
		t.Errorf("a deadline of %d has not passed at %d", at, seen)
	}
}

func TestWhatDoesNotWaitWorksOnALoop(t *testing.T) {
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	mustWrite(t, b, "xy")
	mustRead(t, a, "x")
	done := make(chan struct{})
	l.Post(func() {
		defer close(done)
		mustRead(t, a, "y")
		mustWrite(t, a, "z")
	})
	await(t, done)
	mustRead(t, b, "z")
}

func TestClosingTheLoopEndsParkedCalls(t *testing.T) {
	forSides(t, func(t *testing.T, s side, c *Conn, _ net.Conn) {
		l2 := startLoop(t)
		c2, _ := dialPair(t, l2, "tcp4")
		s.fill(t, c2)
		r := async(func() (int, error) { return s.op(c2) })
		awaitParked(t, s.dir(c2))
		l2.Close()
		opErr(t, await(t, r).err, s.name, loop.ErrClosed)
		_, err := s.op(c2) // and what would park later
		opErr(t, err, s.name, loop.ErrClosed)
		if _, err := (&Dialer{Loop: l2}).Dial("tcp", listen(t, "tcp4").Addr().String()); !errors.Is(err, loop.ErrClosed) {
			t.Errorf("Dial on a closed loop = %v", err)
		}
	})
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	if sysio.RaceEnabled {
		t.Log("allocations are counted without the race detector, which adds its own")
		return
	}
	l := startLoop(t)
	a, b := fakePair(t, l, "tcp4")
	buf := make([]byte, 64)
	go func() {
		buf := make([]byte, 64)
		for {
			if _, err := io.ReadFull(b, buf); err != nil {
				return
			}
			b.SetDeadline(time.Now().Add(time.Minute))
			if _, err := b.Write(buf); err != nil {
				return
			}
		}
	}()
	if n := testing.AllocsPerRun(2000, func() {
		a.SetDeadline(time.Now().Add(time.Minute))
		a.Write(buf)
		io.ReadFull(a, buf)
	}); n != 0 {
		t.Errorf("%v allocations for a write, a read and a deadline on each end", n)
	}
}
