package fakesock

import (
	"math"
	"testing"
	"time"
)

func TestDeadlinesAreOnTheMonotonicClock(t *testing.T) {
	for name, at := range map[string]time.Time{
		"with both clocks":        time.Now().Add(time.Hour),
		"of the wall clock":       time.Now().Add(time.Hour).Round(0),
		"of the wall clock, UTC":  time.Unix(time.Now().Unix()+3600, 0).UTC(),
		"in another place's time": time.Now().Add(time.Hour).In(time.FixedZone("", 3600)),
	} {
		if left := time.Duration(deadlineAt(at) - now()); left < time.Hour-2*time.Second || left > time.Hour {
			t.Errorf("a deadline in an hour, %s, is in %v", name, left)
		}
		if back := timeAt(deadlineAt(at)).Sub(at); back < -time.Second || back > time.Second {
			t.Errorf("%v comes back with a difference of %v", at, back)
		}
	}
	if deadlineAt(time.Time{}) != 0 {
		t.Error("the zero time is a deadline")
	}
	for _, past := range []time.Time{time.Unix(1, 0), time.Unix(-1<<40, 0), (time.Time{}).Add(1), epoch.Add(-time.Hour)} {
		if at := deadlineAt(past); at != 1 {
			t.Errorf("%v became %d", past, at)
		}
	}
	if at := deadlineAt(time.Unix(1<<40, 0)); at < math.MaxInt64-int64(time.Hour) {
		t.Errorf("a deadline beyond reason became %d", at)
	}
}

// What is left until a wall time counts from now on, whatever the wall clock
// showed when the program began; and it cannot overflow.
func TestAWallTimeCountsFromNow(t *testing.T) {
	for _, c := range []struct {
		at   int64
		left time.Duration
		want int64
	}{
		{1000, 500, 1500}, {1000, -2000, 1}, {1000, math.MaxInt64, math.MaxInt64}, {1000, math.MinInt64, 1},
	} {
		if got := wallDeadline(c.at, c.left); got != c.want {
			t.Errorf("%d ns from %d on is %d, want %d", c.left, c.at, got, c.want)
		}
	}
}
