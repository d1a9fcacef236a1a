package main

import (
	"context"
	"fmt"

	"github.com/valet-go/valet/loop"
)

// loopLag is how late things run on a loop that has much to do: it runs the
// callbacks of -inflight redis operations, and handles the -rows rows of a MySQL
// result, one by one. The window is the time from the query to the last row. CPU
// and allocations, which no table shows, are of both loads.
func loopLag() measure {
	timerP50, timerP99, timerMax := lateBy("timer", func(s sample) lateness { return s.TimerLag })
	postP50, postP99, postMax := lateBy("post", func(s sample) lateness { return s.PostLag })
	return measure{
		peer:     lagPeer{},
		paths:    []string{"control", "valet"},
		uses:     []string{"conns", "inflight", "rows", "warmup", "cpuprofile"},
		defaults: map[string]string{"path": "control,valet", "conns": "64", "inflight": "1000", "rows": "1000000"},
		unit:     "op",
		columns: []figure{
			timerP50, timerP99, timerMax, postP50, postP99, postMax,
			perSecond("redis op/s"), rowsPerSecond, rss,
		},
		ratios: []figure{timerP99, perSecond("redis op/s"), rowsPerSecond},
		about: func(cfg config, c cell) string {
			return fmt.Sprintf("%d redis operations in flight on %d connections while %d rows are read", c.inflight, c.conns, cfg.rows)
		},
		run: runLag,
	}
}

var rowsPerSecond = figure{"rows/s", "rows/s", "%.0f", func(s sample) (float64, bool) { return s.RowsPerSec, s.RowsPerSec > 0 }}

// lagSide is a way to run all of it.
type lagSide struct {
	path string // of the redis load
	rows func(at target, l *loop.Loop, dial dialFunc) (rowReader, error)
	beat func(h *heartbeat, l *loop.Loop) (stop func(), err error)
}

var lagSides = map[string]lagSide{
	"valet": {
		path: "valet",
		rows: func(at target, l *loop.Loop, _ dialFunc) (rowReader, error) { return rowsOnLoop(at, l) },
		beat: (*heartbeat).onLoop,
	},
	"control": {
		path: "native",
		rows: func(at target, _ *loop.Loop, dial dialFunc) (rowReader, error) { return rowsOnGoroutine(at, dial) },
		beat: func(h *heartbeat, _ *loop.Loop) (func(), error) { return h.onGoroutines(), nil },
	},
}

func runLag(ctx context.Context, sp spec) (sample, error) {
	side := lagSides[sp.Path]
	dial, l, end, err := connect(ctx, side.path)
	if err != nil {
		return sample{}, err
	}
	defer end()
	s, err := redisDriver{}.open(ctx, sp.Target, sp, dial)
	if err != nil {
		return sample{}, err
	}
	defer s.close()
	rows, err := side.rows(target{Addr: sp.Target.Rows}, l, dial)
	if err != nil {
		return sample{}, err
	}
	defer rows.close()
	if err := warm(ctx, s, sp.Conns); err != nil {
		return sample{}, fmt.Errorf("before the measurement: %w", err)
	}
	if err := rows.read(ctx, 1); err != nil {
		return sample{}, fmt.Errorf("before the measurement: %w", err)
	}
	m := newMeter(sp.Inflight, value)
	stop, err := paths[side.path].start(ctx, l, s, m, sp)
	if err != nil {
		return sample{}, err
	}
	h := &heartbeat{counting: &m.recording}
	still, err := side.beat(h, l)
	if err != nil {
		return sample{}, err
	}
	w, err := m.measure(ctx, sp.Warmup, func(ctx context.Context) error { return rows.read(ctx, sp.Rows) },
		func() (func(), error) { return profileCPU(sp.Profile) })
	still()
	if err != nil {
		return sample{}, err
	}
	stop()
	out := m.sample(w)
	out.RowsPerSec = float64(sp.Rows) / w.wall.Seconds()
	out.TimerLag, out.PostLag = latenessOf(&h.timer), latenessOf(&h.post)
	return out, nil
}
