package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/valet-go/valet/loop"
)

// manyRows is how fast the -rows rows of a MySQL result are read, one by one, and
// how late other things run meanwhile. On the loop the rows come in batches by
// Rows.Each. The memory that it takes is in the peak RSS, which does not grow with
// the number of rows.
func manyRows() measure {
	timerP50, timerP99, timerMax := lateBy("timer", func(s sample) lateness { return s.TimerLag })
	return measure{
		peer:     rowsPeer{},
		paths:    []string{"native", "sock", "valet"},
		uses:     []string{"rows", "cpuprofile"},
		defaults: map[string]string{"path": "native,valet", "rows": "1000000"},
		unit:     "row",
		columns: []figure{
			perSecond("rows/s"), cpuPer("row", "%.2f"), timerP50, timerP99, timerMax, allocsPer("row"), rss,
		},
		ratios: []figure{perSecond("rows/s"), cpuPer("row", "%.2f"), rss},
		about:  func(cfg config, _ cell) string { return fmt.Sprintf("%d rows of one result", cfg.rows) },
		run:    runRows,
	}
}

func runRows(ctx context.Context, sp spec) (sample, error) {
	side := lagSides["control"]
	if sp.Path == "valet" {
		side = lagSides["valet"]
	}
	return runReader(ctx, sp, sp.Path, func(l *loop.Loop, dial dialFunc) (rowReader, error) {
		return side.rows(sp.Target, l, dial)
	})
}

// runReader measures what open returns, over the connections of a path, and how
// late that path's loop is meanwhile, or without one a goroutine.
func runReader(ctx context.Context, sp spec, sockets string, open func(*loop.Loop, dialFunc) (rowReader, error)) (sample, error) {
	dial, l, end, err := connect(ctx, sockets)
	if err != nil {
		return sample{}, err
	}
	defer end()
	rows, err := open(l, dial)
	if err != nil {
		return sample{}, err
	}
	defer rows.close()
	if err := rows.read(ctx, max(sp.Rows/10, 1)); err != nil {
		return sample{}, fmt.Errorf("before the measurement: %w", err)
	}
	var counting atomic.Bool
	h := &heartbeat{counting: &counting}
	side := lagSides["control"]
	if paths[sockets].looped {
		side = lagSides["valet"]
	}
	still, err := side.beat(h, l)
	if err != nil {
		return sample{}, err
	}
	stopProfile, err := profileCPU(sp.Profile)
	if err != nil {
		return sample{}, err
	}
	counting.Store(true)
	w, err := observe(uint64(sp.Rows), func() error { return rows.read(ctx, sp.Rows) })
	counting.Store(false)
	stopProfile()
	still()
	if err != nil {
		return sample{}, err
	}
	s := w.sample()
	s.TimerLag, s.PostLag = latenessOf(&h.timer), latenessOf(&h.post)
	return s, nil
}

// rowsPeer is a MariaDB that makes rows up.
type rowsPeer struct{}

func (rowsPeer) serve(ctx context.Context, env *environment) (*server, error) {
	program, err := findProgram("mariadbd")
	if err != nil {
		return nil, errNoRows
	}
	return mysqlDriver{}.serveMariaDB(ctx, env, program)
}

func (rowsPeer) prepare(ctx context.Context, at target) (func(), error) {
	remove, err := mysqlDriver{}.prepare(ctx, at)
	if err != nil {
		return nil, err
	}
	if err := checkRows(ctx, at); err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}
