package sequence

import (
	"fmt"
	"time"
)

// Moment is something that happens in the life of a call.
type Moment int

// The moments, as far as possible in their order.
const (
	RequestSent Moment = iota
	HandlerStarts
	StartReturned
	OtherCallback
	BodyBegins
	MessageBuilt
	WriteCalled
	WriteReturned
	ReadCalled
	ReadReturned
	BodyEnds
	CalledBack
	Answered
	AnswerCame
)

// Party is whose goroutine something happens on.
type Party int

// Those who take part.
const (
	Client Party = iota
	Loop
	Worker
)

// String is "client", "loop" or "worker".
func (p Party) String() string { return [...]string{"client", "loop", "worker"}[p] }

// on is where the moment belongs.
func (m Moment) on() Party {
	switch m {
	case RequestSent, AnswerCame:
		return Client
	case HandlerStarts, StartReturned, OtherCallback, CalledBack, Answered:
		return Loop
	default:
		return Worker
	}
}

// steps are those of the design's picture, and of the talk's.
var steps = map[Moment]int{
	HandlerStarts: 1, BodyBegins: 2, MessageBuilt: 3, WriteCalled: 4,
	ReadCalled: 5, StartReturned: 6, ReadReturned: 7, CalledBack: 8,
}

// Event is a moment with its circumstances.
type Event struct {
	What      Moment
	At        time.Time
	Goroutine uint64 // its number in a dump of stacks
	Depth     int    // of its stack, in frames
	Bytes     int    // of reads and writes
	Parked    bool   // of a read that has returned: it had to wait

	// Step is the number of the step that the event is; 0 if it is none.
	Step int
}

// On is whose goroutine it happened on, of events that Follow has kept.
func (e Event) On() Party { return e.What.on() }

// String tells what happened.
func (e Event) String() string {
	switch e.What {
	case RequestSent:
		return "the client sends its request"
	case HandlerStarts:
		return "the handler starts the call"
	case StartReturned:
		return "the start has returned; the handler goes on"
	case OtherCallback:
		return "the loop runs another callback meanwhile"
	case BodyBegins:
		return "a worker runs the body, which enters the driver"
	case MessageBuilt:
		return "the driver asks what to send, to build its message"
	case WriteCalled:
		return fmt.Sprintf("conn.Write, %d bytes: straight to the kernel", e.Bytes)
	case WriteReturned:
		return fmt.Sprintf("conn.Write has returned %d", e.Bytes)
	case ReadCalled:
		return fmt.Sprintf("conn.Read, for up to %d bytes", e.Bytes)
	case ReadReturned:
		if e.Parked {
			return fmt.Sprintf("the loop has read for it: conn.Read returns %d", e.Bytes)
		}
		return fmt.Sprintf("there already: conn.Read returns %d", e.Bytes)
	case BodyEnds:
		return "the reply is parsed; the result is posted"
	case CalledBack:
		return "the callback runs, on the loop"
	case Answered:
		return "the callback has answered"
	default:
		return "the client has the answer"
	}
}
