package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/dustin/go-humanize"
)

// The plot's place in the picture of drawState.
const (
	plotLeft, plotRight = 100, chartWidth - margin
	plotTop, plotBottom = 60, 420
)

// plot says where in it a style belongs.
type plot struct {
	mostTokens float64
	low, high  float64 // of the decimal logarithm of memory
}

func (pl plot) x(tokens float64) float64 {
	return plotLeft + tokens/pl.mostTokens*(plotRight-plotLeft)
}

func (pl plot) y(logMemory float64) float64 {
	return plotBottom - (logMemory-pl.low)/(pl.high-pl.low)*(plotBottom-plotTop)
}

// drawState sets memory, on a logarithmic scale, against code, after the slide
// "Ways to store state". It takes the first cell.
func drawState(m measure, cfg config, results []result) *picture {
	r := results[0]
	pl := plot{low: math.Inf(1)}
	var points []*point
	for _, path := range cfg.paths {
		pt := newPoint(styleOf(path), medians(r.rounds, path))
		pl.mostTokens = max(pl.mostTokens, math.Ceil(pt.tokens*1.15/tokenStep)*tokenStep)
		pl.low = min(pl.low, math.Floor(math.Log10(pt.memory)))
		pl.high = max(pl.high, math.Floor(math.Log10(pt.memory))+1)
		points = append(points, pt)
	}
	p := newPicture(m.title)
	p.axes(pl)
	p.say("Memory per connection against tokens of source")
	var taken []box
	for _, pt := range points {
		pt.x, pt.y = pl.x(pt.tokens), pl.y(math.Log10(pt.memory))
		p.Circles = append(p.Circles, circle{pt.class(), pt.x, pt.y, pointSize})
		taken = append(taken, box{pt.x - pointSize, pt.y - pointSize, pt.x + pointSize, pt.y + pointSize})
	}
	for _, pt := range points {
		taken = append(taken, p.name(pt, taken))
		p.say("%s: %s", pt.label, pt.figures())
	}
	p.Height = plotBottom + 52
	p.paragraph(fmt.Sprintf("Each of %s clients has asked, and waits for a message that goes to all. Filled: by a line; hollow: by HTTP.", humanize.Comma(int64(r.conns))))
	p.paragraph("Memory, on a logarithmic scale, is by how much the server’s own resident pages, its page tables and the kernel’s stacks for its threads grew. What the kernel holds for sockets is not counted.")
	p.paragraph("Difficulty has no unit. Tokens of Go stand in for it, without imports, comments, and the list of who waits.")
	return p.finish(cfg, results)
}

// tokenStep is from mark to mark.
const tokenStep = 20

func (p *picture) axes(pl plot) {
	for e := pl.low; e <= pl.high; e++ {
		y := pl.y(e)
		p.Rects = append(p.Rects, rect{"line", plotLeft, y, plotRight - plotLeft, 1})
		p.text("small", "end", plotLeft-8, y+4, humanize.Comma(int64(math.Pow(10, e))))
	}
	for n := 0.0; n <= pl.mostTokens; n += tokenStep {
		p.Rects = append(p.Rects, rect{"line", pl.x(n), plotBottom, 1, 6})
		p.text("small", "middle", pl.x(n), plotBottom+20, fmt.Sprint(n))
	}
	p.Texts = append(p.Texts, text{"label", "middle", margin + 12, (plotTop + plotBottom) / 2, true, "Memory per connection, in bytes"})
	p.text("label", "middle", (plotLeft+plotRight)/2, plotBottom+42, "Coding difficulty: tokens of the handler’s source")
}

// point is a style in the plot.
type point struct {
	style
	tokens, memory float64
	x, y           float64
}

const pointSize = 6

func newPoint(how style, s sample) *point {
	memory, _ := allResident.of(s)
	return &point{style: how, tokens: float64(s.Tokens), memory: max(memory, 1)} // which has a logarithm
}

func (pt *point) figures() string {
	return fmt.Sprintf("%s B, %.0f tokens", humanize.Comma(int64(math.Round(pt.memory))), pt.tokens)
}

func (pt *point) class() string {
	class := "other"
	if strings.HasPrefix(pt.label, "callbacks") {
		class = "ours"
	}
	if pt.http {
		class += " hollow"
	}
	return class
}

// box is a part of the picture.
type box struct{ left, top, right, bottom float64 }

func (b box) meets(other box) bool {
	return b.left < other.right && other.left < b.right && b.top < other.bottom && other.top < b.bottom
}

// name writes a point's name, with its figures below, as near as it can be without
// meeting what is taken, and returns where that is.
func (p *picture) name(pt *point, taken []box) (place box) {
	const height = 2 * lineHeight
	width := float64(max(len(pt.label), len(pt.figures()))) * boldGlyph
	free := func() bool {
		for _, other := range taken {
			if place.meets(other) {
				return false
			}
		}
		return place.left > plotLeft && place.right < plotRight && place.top > plotTop-lineHeight && place.bottom < plotBottom
	}
search:
	for away := pointSize + 6.0; away < plotBottom; away += 6 {
		for _, corner := range [][2]float64{
			{pt.x + away, pt.y - height/2},
			{pt.x - away - width, pt.y - height/2},
			{pt.x - width/2, pt.y - away - height},
			{pt.x - width/2, pt.y + away},
		} {
			place = box{corner[0], corner[1], corner[0] + width, corner[1] + height}
			if free() {
				break search
			}
		}
	}
	p.text("group over", "start", place.left, place.top+13, pt.label)
	p.text("small over", "start", place.left, place.top+13+lineHeight, pt.figures())
	return place
}
