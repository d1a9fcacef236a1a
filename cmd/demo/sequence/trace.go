package sequence

import (
	"errors"
	"fmt"
	"time"
)

// Trace is what was recorded of a call.
type Trace struct {
	Request string  // what the client asked for; "" without a client
	Call    string  // what the driver was asked
	Events  []Event // as Follow returns them
}

// Took is the time from the first event to the last.
func (t *Trace) Took() time.Duration {
	return t.Events[len(t.Events)-1].At.Sub(t.Events[0].At)
}

// paths are moments that come one after another in every call, and of those
// that a client has asked for. The two goroutines are not in step between.
var (
	paths = [][]Moment{
		{HandlerStarts, BodyBegins, MessageBuilt, WriteCalled, WriteReturned, ReadCalled, ReadReturned, BodyEnds, CalledBack},
		{HandlerStarts, StartReturned, OtherCallback, CalledBack},
	}
	clientPaths = append(paths[:len(paths):len(paths)], []Moment{RequestSent, HandlerStarts, CalledBack, AnswerCame}, []Moment{CalledBack, Answered})
)

// Follow leaves only the events of the client, the loop, and the goroutine that
// ran the body (a driver's monitors use connections too), checks that everything
// happened in its order, where it should, and numbers the steps. The events are
// those of [Recorder.Stop].
func Follow(events []Event) ([]Event, error) {
	on := map[Party]uint64{} // whose goroutine is which
	for _, e := range events {
		switch e.What {
		case RequestSent, HandlerStarts, BodyBegins:
			if _, known := on[e.On()]; !known {
				on[e.On()] = e.Goroutine
			}
		}
	}
	if worker, known := on[Worker]; known && worker == on[Loop] {
		return nil, errors.New("the body ran on the loop")
	}
	first := map[Moment]time.Time{}
	var kept []Event
	for _, e := range events {
		if g, known := on[e.On()]; !known || g != e.Goroutine {
			continue
		}
		if _, seen := first[e.What]; !seen {
			first[e.What] = e.At
			e.Step = steps[e.What]
		}
		kept = append(kept, e)
	}
	wanted := paths
	if _, asked := on[Client]; asked {
		wanted = clientPaths
	}
	for _, path := range wanted {
		for i, m := range path {
			switch at, seen := first[m]; {
			case !seen:
				return nil, fmt.Errorf("not seen on the goroutine where it belongs: %s", Event{What: m})
			case i > 0 && at.Before(first[path[i-1]]):
				return nil, fmt.Errorf("out of order: %s", Event{What: m})
			}
		}
	}
	return kept, nil
}
