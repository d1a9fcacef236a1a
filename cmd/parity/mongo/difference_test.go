package mongo

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// difference is why a step's outcome is another by callbacks.
type difference string

// The differences are all that there are.
const (
	endedContext difference = "a context that has ended starts nothing: its error comes as it is, and nothing is checked, served from memory or sent"
	closedClient difference = "after Disconnect the backend refuses with adapter.ErrClosed before the driver is asked"
	newElements  difference = "All decodes into new elements, and changes the slice only if it succeeds"
	allAgain     difference = "the driver's All, after Next, has again what Next has read of the batch at hand; here it has the rest, as the driver's documentation says"
	earlyClose   difference = "a cursor, or a change stream, is closed as soon as a call of its fails or is cancelled; an error of that closing is not reported"
	brokenFile   difference = "a file's stream that has failed fails again in the same way; the driver's may go on, or seem to be at its end"
	bounded      difference = "closing a cursor takes no context, and has a limit of its own, which the server is told"
)

// These steps are not the same each time, on either side.
const (
	sameMoment difference = "files that were uploaded within a millisecond are in no order, on both sides"
	twoLimits  difference = "the server's time limit and the client's end at about the same moment, on both sides, and either may be first"
	resumption difference = "a change stream that its context cuts off tries to resume, on both sides, and learns that the context has ended before it has a connection or after"
	readAhead  difference = "Each asks for the next batch while one is handled, so one more may have come when it is stopped"
)

var differences = []difference{endedContext, closedClient, newElements, allAgain, earlyClose, brokenFile, bounded}

// known is a step that differs.
type known struct {
	scenario string
	why      difference
	want     step // by the driver
	got      step
}

// reportDifferences lists what differs, by the reason, and fails if a difference
// is not to be seen any more.
func reportDifferences(t *testing.T, sums []*counts, complete bool) {
	of := map[difference][]known{}
	var order []difference
	for _, sum := range sums {
		for _, k := range sum.known {
			if of[k.why] == nil {
				order = append(order, k.why)
			}
			of[k.why] = append(of[k.why], k)
		}
	}
	for _, why := range order {
		all := of[why]
		var where []string
		for _, k := range all {
			if !slices.Contains(where, k.scenario) {
				where = append(where, k.scenario)
			}
		}
		first := all[0]
		t.Logf("differs, %d steps: %s\n\tin: %s\n\tsuch as, by the driver: %s\n\tand by callbacks: %s",
			len(all), why, strings.Join(where, "; "), short(first.want.text()), short(first.got.text()))
	}
	for _, why := range differences {
		if complete && of[why] == nil {
			t.Errorf("nothing differs any more because %s", why)
		}
	}
}

// short is the beginning of a text.
func short(text string) string {
	if len(text) > 300 {
		return fmt.Sprint(text[:300], "...")
	}
	return text
}
