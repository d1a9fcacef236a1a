package sequence

import (
	"testing"
	"time"
)

func TestFollowWantsEveryStepInItsPlace(t *testing.T) {
	loop := []Moment{HandlerStarts, StartReturned, OtherCallback}
	body := []Moment{BodyBegins, MessageBuilt, WriteCalled, WriteReturned, ReadCalled, ReadReturned, BodyEnds}
	events := func(drop Moment, worker uint64) (all []Event) {
		add := func(what Moment, on uint64) {
			if what != drop {
				all = append(all, Event{What: what, At: time.Unix(0, int64(len(all))), Goroutine: on})
			}
		}
		for _, m := range loop {
			add(m, 1)
		}
		add(WriteCalled, 3) // a monitor's
		for _, m := range body {
			add(m, worker)
		}
		add(CalledBack, 1)
		return all
	}
	kept, err := Follow(events(-1, 2))
	if err != nil || len(kept) != len(loop)+len(body)+1 {
		t.Errorf("kept %d events, %v", len(kept), err)
	}
	for _, missing := range append(append([]Moment{CalledBack}, loop...), body...) {
		if _, err := Follow(events(missing, 2)); err == nil {
			t.Errorf("nobody misses moment %d", missing)
		}
	}
	if _, err := Follow(nil); err == nil {
		t.Error("nothing at all passes")
	}
	if _, err := Follow(events(-1, 1)); err == nil {
		t.Error("a body on the loop passes")
	}
	swapped := events(-1, 2)
	last := len(swapped) - 1
	swapped[last].At, swapped[last-1].At = swapped[last-1].At, swapped[last].At
	if _, err := Follow(swapped); err == nil {
		t.Error("a callback before the end of its body passes")
	}
}
