package main

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

const (
	barsLeft  = 180
	barsWidth = 420 // of the longest
	barHeight = 20
)

// drawBars has a group of bars for each figure that is compared, in each cell: one
// for each side, and behind it the figure, and its ratio to that of the first one.
// The last side's path is the one that is shown off.
func drawBars(m measure, cfg config, results []result) *picture {
	title := m.title
	if title == "" {
		title = cfg.driver
	}
	p := newPicture(title)
	for _, r := range results {
		p.Height += 4
		p.paragraph(describe(cfg, r.cell))
		for _, f := range m.ratios {
			p.Height += 30
			p.text("group", "start", margin, p.Height, m.label(f.heading))
			p.say("%s, %s", m.label(f.heading), describe(cfg, r.cell))
			p.bars(m, f, sidesOf(cfg, r.cell), r.rounds)
		}
	}
	p.Height += 12
	return p.finish(cfg, results)
}

// bars adds a group of bars below what is there.
func (p *picture) bars(m measure, f figure, sides []side, rounds []round) {
	p.Height += 10
	values := make([]float64, len(sides))
	longest := 0.0
	for i, s := range sides {
		values[i], _ = f.of(medians(rounds, s.String()))
		longest = max(longest, values[i])
	}
	best, _, _ := splitPath(sides[len(sides)-1].path)
	for i, s := range sides {
		width := 0.0
		if longest > 0 {
			width = max(values[i], 0) / longest * barsWidth
		}
		class := "other"
		if path, _, _ := splitPath(s.path); path == best {
			class = "ours"
		}
		label, number := m.label(s.String()), numberText(values[i])
		if x := compare(rounds, s.String(), sides[0].String(), f); i > 0 && x.n > 0 {
			number += fmt.Sprintf(" (× %.2f)", x.median)
		}
		p.Rects = append(p.Rects, rect{class, barsLeft, p.Height, width, barHeight})
		p.text("label", "end", barsLeft-8, p.Height+15, label)
		p.text("label", "start", barsLeft+width+8, p.Height+15, number)
		p.say("%s: %s", label, number)
		p.Height += barHeight + 6
	}
}

// numberText has two decimals if the number is small.
func numberText(v float64) string {
	if v < 100 {
		return humanize.FormatFloat("#,###.##", v)
	}
	return humanize.FormatFloat("#,###.", v)
}
