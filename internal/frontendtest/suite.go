// Package frontendtest is the conformance suite of the front ends, which all
// promise the same of their servers and connections: evioloop and gnetloop run
// it, with one loop and with several.
package frontendtest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/valet-go/valet/loop"
)

// Conn is a front end's connection.
type Conn interface {
	loop.Executor
	io.WriteCloser
	io.StringWriter
	CloseNow()
	Buffered() int
	SetHighWater(mark int, cb func(above bool))
	PauseReading()
	ResumeReading()
	Context() context.Context
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
	SetValue(v any)
	Value() any
}

// Server has the fields of a front end's Server that a test sets.
type Server struct {
	Data         func(c Conn, in []byte)
	Opened, EOF  func(c Conn)
	Closed       func(c Conn, err error)
	Ready        func(addrs []net.Addr)
	PanicHandler func(v any, stack []byte)
	Logger       *slog.Logger
	Grace        time.Duration
	MaxBuffered  int
}

// Running is what a front end makes of them.
type Running interface {
	Serve(ctx context.Context, addrs ...string) error
	Restarts() int64
	Refused() int64
}

// Host is a front end.
type Host struct {
	Name          string // begins its errors
	Loops         int
	ErrBufferFull error
	ErrGoexit     error
	// New makes a server with that many loops. A field that is nil there must
	// be nil in the front end's.
	New func(s *Server) Running
	// Held is how many bytes of input c keeps while its reading is paused.
	Held func(c Conn) int
}

// Run runs the suite.
func Run(t *testing.T, h Host) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Host)
	}{
		{"ReadyIsToldTheAddresses", readyIsToldAddresses},
		{"BadAddresses", badAddresses},
		{"AStaleSocketIsReplaced", staleSocketIsReplaced},
		{"DataIsRequired", withoutData},

		{"EventsComeInOrder", eventsComeInOrder},
		{"OneGoroutinePerLoop", oneGoroutinePerLoop},
		{"TheContextEndsWithTheReason", contextEndsWithTheReason},
		{"ValueAndAddresses", valueAndAddresses},
		{"CloseInAnyCallback", closeInAnyCallback},
		{"PanicsAreContained", panicsAreContained},
		{"GoexitRestarts", goexitRestarts},
		{"BlockingInACallbackFails", blockingInACallbackFails},

		{"StopSendsWhatIsPending", stopSendsWhatIsPending},
		{"GraceIsBounded", graceIsBounded},
		{"StopAtOnce", stopAtOnce},
		{"StopWhileClientsCome", stopWhileClientsCome},
		{"NoDescriptorIsLeftByClosedConnections", noDescriptorIsLeft},
		{"ThousandsOfShortConnections", shortConnections},

		{"PostsOfManyGoroutines", postsOfManyGoroutines},
		{"PostFromPosted", postFromPosted},
		{"AFloodOfPostsStarvesNobody", floodStarvesNobody},
		{"PostAfterTheConnectionHasClosed", postAfterClosed},
		{"PostsWhileTheServerEnds", postsWhileServerEnds},
		{"PostsUnderChurn", postsUnderChurn},
		{"CallsOfManyClients", callsOfManyClients},

		{"Echo", echoes},
		{"LargeOutputToASlowReader", largeOutputToSlowReader},
		{"InputWhileOutputIsPending", inputWhileOutputIsPending},
		{"WritesOfManyGoroutinesDoNotMix", writesDoNotMix},
		{"BufferFull", bufferFull},
		{"ResetWhileOutputIsPending", resetWhileOutputIsPending},
		{"HighWaterMark", highWaterMark},
		{"HighWaterMarkReplaced", highWaterMarkReplaced},
		{"HighWaterMarkFallenBelowUntold", highWaterMarkFallenBelowUntold},
		{"HighWaterMarkHoldsAProducer", highWaterMarkHoldsAProducer},

		{"PauseInData", pauseInData},
		{"PauseInOpened", pauseInOpened},
		{"PauseFromElsewhere", pauseFromElsewhere},
		{"CloseWhilePaused", closeWhilePaused},
		{"HalfCloseWhilePaused", halfCloseWhilePaused},
		{"StopWhilePaused", stopWhilePaused},
		{"OutputWhilePaused", outputWhilePaused},

		{"CloseNowDropsOutput", closeNowDropsOutput},
		{"CloseNowOfOneThatIsClosed", closeNowOfClosed},
		{"CloseNowRightAfterClose", closeNowAfterClose},
		{"CloseNowWhileTheLoopIsBusy", closeNowOnBusyLoop},

		{"OutputBeforeHalfClose", outputBeforeHalfClose},
		{"ReplyAfterHalfClose", replyAfterHalfClose},
		{"HalfCloseEndsTheConnection", halfCloseEndsTheConnection},
		{"EOFWithoutClose", eofWithoutClose},
		{"AKeptConnectionOutlivesARestart", keptOutlivesRestart},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, h) })
	}
}
