package promadapter

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/valet-go/valet/adapter"
)

func TestTheMetricsFollowPrometheussConventions(t *testing.T) {
	d := NewDurations()
	a := newAdapter(t, adapter.WithHook(d.Hook()))
	if err := call(a, nothing, adapter.Name("find")); err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(registry(t, NewCollector(a), NewLoopCollector("main", a.Loop()), d))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestAScrapeShowsWhatGoesOn(t *testing.T) {
	d := NewDurations()
	root := newAdapter(t, adapter.WithHook(d.Hook()))
	a := root.Backend("db")
	if err := call(a, nothing, adapter.Name("find")); err != nil {
		t.Fatal(err)
	}
	run(t, a)
	eventually(t, "the first call's slot is free", func() bool { return a.Stats().Running == 1 })
	reg := registry(t, NewCollector(root), NewLoopCollector("main", root.Loop()), d)
	srv := httptest.NewServer(promhttp.HandlerFor(reg, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	defer srv.Close()
	for _, accept := range []string{"", "application/openmetrics-text; version=1.0.0", "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"} {
		text := scrape(t, srv, accept)
		if strings.Contains(accept, "protobuf") {
			continue
		}
		for _, want := range []string{
			`valet_calls_running{backend="db"} 1`,
			`valet_slots_taken{backend="db",class="short"} 1`,
			`valet_calls_started_total{backend="db"} 2`,
			`valet_call_duration_seconds_count{backend="db",call="find"} 1`,
			`valet_call_wait_seconds_bucket{backend="db",call="find",le="+Inf"} 1`,
			`valet_loop_lag_seconds_bucket{loop="main",le="1e-06"} `,
			`valet_loop_callbacks_total{loop="main"} `,
		} {
			if !strings.Contains(text, "\n"+want) {
				t.Errorf("%q is missing in what was scraped with %q:\n%s", want, accept, text)
			}
		}
	}
}

func TestScrapesRunWhileBackendsAndCallsComeAndGo(t *testing.T) {
	d := NewDurations()
	root := newAdapter(t, adapter.WithHook(d.Hook()))
	reg := registry(t, NewCollector(root), NewLoopCollector("main", root.Loop()), d)
	srv := httptest.NewServer(promhttp.HandlerFor(reg, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	defer srv.Close()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 25 {
				b := root.Backend(fmt.Sprint("backend ", i%2), adapter.WithSlots(2), adapter.WithQueue(4))
				for range 10 {
					adapter.Go(bg, b, nop, func(int, error) {}, adapter.Name("call")).Cancel()
				}
				if err := b.Close(bg); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 25 {
				scrape(t, srv, "")
			}
		})
	}
	wg.Wait()
	h := histogram(t, reg, "valet_call_duration_seconds", "backend 0/call")
	if w := histogram(t, reg, "valet_call_wait_seconds", "backend 0/call"); w.GetSampleCount() < h.GetSampleCount() {
		t.Errorf("%d durations and %d waits", h.GetSampleCount(), w.GetSampleCount())
	}
}

func scrape(t testing.TB, srv *httptest.Server, accept string) string {
	req, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	req.Header.Set("Accept", accept)
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("scrape with %q = %d, %v:\n%s", accept, resp.StatusCode, err, text)
	}
	return string(text)
}
