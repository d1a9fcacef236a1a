package promadapter

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/valet-go/valet/adapter"
)

func nop(context.Context) (int, error) { return 0, nil }

func TestDurationsAreMeasuredByBackendAndCall(t *testing.T) {
	d := NewDurations(1e-9, 1000)
	root := newAdapter(t, adapter.WithHook(d.Hook()))
	reg := registry(t, d)
	a := root.Backend("db")
	boom := errors.New("boom")
	for range 3 {
		if err := call(a, nothing, adapter.Name("find")); err != nil {
			t.Fatal(err)
		}
	}
	if err := call(a, func() error { return boom }, adapter.Name("insert")); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if err := call(root, nothing); err != nil {
		t.Fatal(err)
	}
	wantMetrics(t, reg, `
		# HELP valet_calls_failed_total Calls whose callbacks got an error.
		# TYPE valet_calls_failed_total counter
		valet_calls_failed_total{backend="db",call="find"} 0
		valet_calls_failed_total{backend="db",call="insert"} 1
		valet_calls_failed_total{backend="default",call=""} 0
	`, "valet_calls_failed_total")
	for _, name := range []string{"valet_call_duration_seconds", "valet_call_wait_seconds"} {
		for labels, want := range map[string]uint64{"db/find": 3, "db/insert": 1, "default/": 1} {
			h := histogram(t, reg, name, labels)
			if h.GetSampleCount() != want || h.GetSampleSum() <= 0 || h.GetBucket()[1].GetCumulativeCount() != want {
				t.Errorf("%s of %s: %v", name, labels, h)
			}
		}
	}
}

func TestACallThatWaitsAndNeverRunsHasWaitedAndHasNoDuration(t *testing.T) {
	d := NewDurations()
	root := newAdapter(t, adapter.WithHook(d.Hook()))
	a := root.Backend("db", adapter.WithSlots(1), adapter.WithQueue(1))
	reg := registry(t, d)
	_, release := run(t, a, adapter.Name("runs"))
	waits := adapter.Go(bg, a, nop, func(int, error) {}, adapter.Name("waits"))
	if err := call(a, nothing, adapter.Name("refused")); !errors.Is(err, adapter.ErrOverloaded) {
		t.Fatal(err)
	}
	waits.Cancel()
	release()
	if err := a.Close(bg); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		call        string
		ran, waited uint64
	}{{"runs", 1, 1}, {"waits", 0, 1}, {"refused", 0, 0}} {
		ran := histogram(t, reg, "valet_call_duration_seconds", "db/"+c.call).GetSampleCount()
		waited := histogram(t, reg, "valet_call_wait_seconds", "db/"+c.call).GetSampleCount()
		if ran != c.ran || waited != c.waited {
			t.Errorf("%s: %d durations and %d waits, want %d and %d", c.call, ran, waited, c.ran, c.waited)
		}
	}
	wantMetrics(t, reg, `
		# HELP valet_calls_failed_total Calls whose callbacks got an error.
		# TYPE valet_calls_failed_total counter
		valet_calls_failed_total{backend="db",call="refused"} 1
		valet_calls_failed_total{backend="db",call="runs"} 0
		valet_calls_failed_total{backend="db",call="waits"} 1
	`, "valet_calls_failed_total")
}

// histogram returns the one with the labels backend/call; an empty one if there
// is none.
func histogram(t testing.TB, reg prometheus.Gatherer, name, labels string) *dto.Histogram {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); f.GetName() == name && labels == fmt.Sprintf("%s/%s", l[0].GetValue(), l[1].GetValue()) {
				return m.GetHistogram()
			}
		}
	}
	return nil
}
