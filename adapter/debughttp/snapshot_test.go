package debughttp

import (
	"encoding/json"
	"net"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
)

// The package doc shows this one.
func TestTheJSONIsTheDocumentedOne(t *testing.T) {
	s := newSnapshot(time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC), []adapter.Stats{{
		Name: "mysql", Running: 3, Waiting: 1, Slots: 2, MaxSlots: 2, LongSlots: 1, MaxLongSlots: 256, MaxQueue: 65536, Started: 10,
	}}, []adapter.CallInfo{
		{Backend: "mysql", State: adapter.Waiting, Age: time.Second},
		{
			Backend: "mysql", Name: "users.find", State: adapter.Running, Age: 250 * time.Millisecond, Goroutine: 42,
			Parked: &adapter.ParkedOn{
				Op:    "read",
				Local: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000}, Remote: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3306},
				For: 249 * time.Millisecond,
			},
		},
		{
			Backend: "mysql", Name: "subscribe", State: adapter.Ended, Age: time.Hour, Long: true, Abandoned: true, Goroutine: 43,
			Parked: &adapter.ParkedOn{Op: "accept", Local: &net.TCPAddr{Port: 80}},
		},
		{Backend: "mysql", Name: "commit", State: adapter.Stopping, Held: true, Goroutine: 44},
	})
	got, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
  "time": "2006-01-02T15:04:05Z",
  "backends": [
    {
      "name": "mysql",
      "pressure": false,
      "running": 3,
      "abandoned": 0,
      "waiting": 1,
      "slots_taken": 2,
      "slots": 2,
      "long_slots_taken": 1,
      "long_slots": 256,
      "queue_limit": 65536,
      "started": 10,
      "refused": 0,
      "cancelled": 0,
      "panicked": 0,
      "undelivered": 0
    }
  ],
  "calls": [
    {
      "backend": "mysql",
      "name": "subscribe",
      "state": "ended",
      "age_seconds": 3600,
      "held": false,
      "long": true,
      "abandoned": true,
      "goroutine": 43,
      "parked": {
        "op": "accept",
        "local": ":80",
        "seconds": 0
      }
    },
    {
      "backend": "mysql",
      "name": "users.find",
      "state": "running",
      "age_seconds": 0.25,
      "held": false,
      "long": false,
      "abandoned": false,
      "goroutine": 42,
      "parked": {
        "op": "read",
        "local": "127.0.0.1:40000",
        "remote": "127.0.0.1:3306",
        "seconds": 0.249
      }
    },
    {
      "backend": "mysql",
      "name": "commit",
      "state": "stopping",
      "age_seconds": 0,
      "held": true,
      "long": false,
      "abandoned": false,
      "goroutine": 44
    },
    {
      "backend": "mysql",
      "name": "",
      "state": "waiting",
      "age_seconds": 1,
      "held": false,
      "long": false,
      "abandoned": false
    }
  ],
  "waiting_not_listed": 0
}`
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestNothingIsAnEmptyListInJSON(t *testing.T) {
	got, err := json.Marshal(newSnapshot(time.Unix(0, 0), nil, nil))
	const want = `{"time":"1970-01-01T00:00:00Z","backends":[],"calls":[],"waiting_not_listed":0}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

func TestACallThatBeganToWaitMeanwhileIsNotCountedAgainstTheOthers(t *testing.T) {
	s := newSnapshot(time.Now(), []adapter.Stats{{}}, []adapter.CallInfo{{State: adapter.Waiting}})
	if s.Unlisted != 0 {
		t.Errorf("%d not listed", s.Unlisted)
	}
}

func TestDurationsOnThePageAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1234 * time.Nanosecond: "1µs", 1234567 * time.Nanosecond: "1.23ms", 1234567 * time.Microsecond: "1.23s",
		59999 * time.Millisecond: "1m0s", 123456 * time.Millisecond: "2m3s", 26*time.Hour + 1234*time.Millisecond: "26h0m1s",
	} {
		if got := seconds(d.Seconds()).String(); got != want {
			t.Errorf("%v is shown as %s, want %s", d, got, want)
		}
	}
}
