package promadapter

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/valet-go/valet/adapter"
)

func TestABackendsCountsAreExported(t *testing.T) {
	root := newAdapter(t)
	a := root.Backend("db", adapter.WithSlots(2), adapter.WithLongSlots(3), adapter.WithQueue(2), adapter.WithWatermarks(0, 2),
		adapter.WithCancel(adapter.Abandon))
	if err := call(a, func() error { panic("test") }); err == nil {
		t.Fatal("no error")
	}
	run(t, a)
	run(t, a, adapter.Long())
	run(t, a, adapter.Held())
	left, _ := run(t, a)
	left.Cancel()
	for range 2 {
		adapter.Go(bg, a, nop, func(int, error) {})
	}
	if err := call(a, nothing); !errors.Is(err, adapter.ErrOverloaded) {
		t.Fatal(err)
	}
	reg := registry(t, NewCollector(a))
	wantMetrics(t, reg, `
		# HELP valet_callbacks_undelivered_total Callbacks that were lost because their executor was closed.
		# TYPE valet_callbacks_undelivered_total counter
		valet_callbacks_undelivered_total{backend="db"} 0
		# HELP valet_calls_abandoned Bodies that have not returned and whose calls have ended.
		# TYPE valet_calls_abandoned gauge
		valet_calls_abandoned{backend="db"} 1
		# HELP valet_calls_cancelled_total Calls that were cancelled, whatever became of them.
		# TYPE valet_calls_cancelled_total counter
		valet_calls_cancelled_total{backend="db"} 1
		# HELP valet_calls_panicked_total Calls whose bodies panicked.
		# TYPE valet_calls_panicked_total counter
		valet_calls_panicked_total{backend="db"} 1
		# HELP valet_calls_pressure How many backends report pressure: 1 or 0, if names are not shared.
		# TYPE valet_calls_pressure gauge
		valet_calls_pressure{backend="db"} 1
		# HELP valet_calls_refused_total Calls that were refused, because of overload or after Close.
		# TYPE valet_calls_refused_total counter
		valet_calls_refused_total{backend="db"} 1
		# HELP valet_calls_running Bodies of calls that have not returned, held, long and abandoned ones included.
		# TYPE valet_calls_running gauge
		valet_calls_running{backend="db"} 4
		# HELP valet_calls_started_total Calls that were admitted.
		# TYPE valet_calls_started_total counter
		valet_calls_started_total{backend="db"} 7
		# HELP valet_calls_waiting Calls that wait for a slot, or for their turn in a lane.
		# TYPE valet_calls_waiting gauge
		valet_calls_waiting{backend="db"} 2
		# HELP valet_calls_waiting_limit How many calls may wait, short and long ones each, and in each lane.
		# TYPE valet_calls_waiting_limit gauge
		valet_calls_waiting_limit{backend="db"} 2
		# HELP valet_slots Slots that there are.
		# TYPE valet_slots gauge
		valet_slots{backend="db",class="long"} 3
		valet_slots{backend="db",class="short"} 2
		# HELP valet_slots_taken Slots in use.
		# TYPE valet_slots_taken gauge
		valet_slots_taken{backend="db",class="long"} 1
		valet_slots_taken{backend="db",class="short"} 2
	`)
}

func TestBackendsOfEqualNamesAreAddedUp(t *testing.T) {
	a, b := newAdapter(t), newAdapter(t) // "default", both
	x, y := a.Backend("x", adapter.WithSlots(2)), a.Backend("x", adapter.WithSlots(3))
	run(t, b)
	run(t, x)
	run(t, y)
	reg := registry(t, NewCollector(a, b))
	wantMetrics(t, reg, `
		# HELP valet_calls_running Bodies of calls that have not returned, held, long and abandoned ones included.
		# TYPE valet_calls_running gauge
		valet_calls_running{backend="default"} 1
		valet_calls_running{backend="x"} 2
		# HELP valet_slots Slots that there are.
		# TYPE valet_slots gauge
		valet_slots{backend="default",class="long"} 512
		valet_slots{backend="default",class="short"} 128
		valet_slots{backend="x",class="long"} 512
		valet_slots{backend="x",class="short"} 5
	`, "valet_calls_running", "valet_slots")
}

func TestNamesThatAreNotTextAreMadeText(t *testing.T) {
	d := NewDurations()
	root := newAdapter(t, adapter.WithHook(d.Hook()))
	for _, name := range []string{"\xff", "\xfe", "a\n\"\\{}", ""} {
		if err := call(root.Backend(name), nothing, adapter.Name(name)); err != nil {
			t.Fatal(err)
		}
	}
	reg := registry(t, NewCollector(root), NewLoopCollector("\xff", root.Loop()), d)
	if _, err := reg.Gather(); err != nil {
		t.Error(err)
	}
	wantMetrics(t, reg, `
		# HELP valet_calls_started_total Calls that were admitted.
		# TYPE valet_calls_started_total counter
		valet_calls_started_total{backend=""} 1
		valet_calls_started_total{backend="a\n\"\\{}"} 1
		valet_calls_started_total{backend="default"} 0
		valet_calls_started_total{backend="`+"\uFFFD"+`"} 2
		# HELP valet_calls_failed_total Calls whose callbacks got an error.
		# TYPE valet_calls_failed_total counter
		valet_calls_failed_total{backend="",call=""} 0
		valet_calls_failed_total{backend="a\n\"\\{}",call="a\n\"\\{}"} 0
		valet_calls_failed_total{backend="`+"\uFFFD"+`",call="`+"\uFFFD"+`"} 0
	`, "valet_calls_started_total", "valet_calls_failed_total")
}

func TestCollectorsWithLabelsOfTheirOwnStandSideBySide(t *testing.T) {
	reg := registry(t)
	for _, name := range []string{"front", "back"} {
		a := newAdapter(t)
		prometheus.WrapRegistererWith(prometheus.Labels{"loop": name}, reg).MustRegister(NewCollector(a))
		reg.MustRegister(NewLoopCollector(name, a.Loop()))
	}
	if n, err := testutil.GatherAndCount(reg, "valet_calls_running", "valet_loop_handles"); n != 4 || err != nil {
		t.Errorf("%d metrics, %v", n, err)
	}
}

func TestAClosedAdapterIsStillExported(t *testing.T) {
	a := newAdapter(t)
	b := a.Backend("closed early")
	reg := registry(t, NewCollector(a), NewLoopCollector("main", a.Loop()))
	if err := b.Close(bg); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(bg); err != nil {
		t.Fatal(err)
	}
	a.Loop().Close()
	if n, err := testutil.GatherAndCount(reg, "valet_calls_running", "valet_loop_handles"); n != 2 || err != nil {
		t.Errorf("%d metrics, %v", n, err)
	}
}

func TestNilsPanic(t *testing.T) {
	for what, f := range map[string]func(){
		"NewCollector without an adapter": func() { NewCollector() },
		"NewCollector with a nil adapter": func() { NewCollector(nil) },
		"NewLoopCollector without a loop": func() { NewLoopCollector("", nil) },
		"NewDurations that decrease":      func() { NewDurations(2, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", what)
				}
			}()
			f()
		}()
	}
}
