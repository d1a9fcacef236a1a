package promadapter_test

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/adapter/promadapter"
	"github.com/valet-go/valet/loop"
)

func Example() {
	l, err := loop.Start(context.Background())
	if err != nil {
		panic(err)
	}
	defer l.Close()
	durations := promadapter.NewDurations()
	a := adapter.New(l, adapter.WithHook(durations.Hook()))
	defer a.Close(context.Background())

	reg := prometheus.NewRegistry() // to be served by promhttp
	reg.MustRegister(promadapter.NewCollector(a), promadapter.NewLoopCollector("main", l), durations)

	_, err = adapter.Wait(func(cb func(int, error)) {
		adapter.Go(context.Background(), a, func(context.Context) (int, error) { return 6 * 7, nil }, cb, adapter.Name("answer"))
	})
	if err != nil {
		panic(err)
	}
	families, err := reg.Gather()
	if err != nil {
		panic(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "valet_calls_started_total" {
				fmt.Println(m.GetLabel()[0].GetValue(), m.GetCounter().GetValue())
			}
			if f.GetName() == "valet_call_duration_seconds" {
				fmt.Println(m.GetLabel()[1].GetValue(), m.GetHistogram().GetSampleCount())
			}
		}
	}
	// Output:
	// answer 1
	// default 1
}
