package sequence

import (
	_ "embed" // for style.css
	"encoding/xml"
	"fmt"
	"io"
)

//go:embed style.css
var style string

// Style is the picture's style sheet, for who allows it by its hash.
func Style() string { return style }

// Where things are, from the left. Each party has a lane, and on it a line, from
// which its stack grows to the right.
const (
	width    = 1190.0
	margin   = 28.0
	axisX    = 112.0
	textX    = 752.0 // of the numbers beside the texts
	textRoom = width - margin - textX - 22
	top      = 176.0
	laneRoom = 200.0 // for the deepest stack
)

// lines are where the parties' lines are.
var lines = [...]float64{Client: 172, Loop: 244, Worker: 492}

// picture is a trace while it is drawn.
type picture struct {
	*element
	t      *Trace
	y      []float64 // of the events
	bottom float64
	frame  float64 // how wide a frame of a stack is
}

// Write draws the trace as an SVG document, which needs nothing from elsewhere.
// t is a [Trace] whose events Follow has returned.
func Write(w io.Writer, t *Trace) error {
	p := &picture{t: t}
	p.y, p.bottom = heights(t.Events, top)
	deepest := 1
	for _, e := range t.Events {
		deepest = max(deepest, e.Depth)
	}
	p.frame = laneRoom / float64(deepest)

	tall := p.bottom + 44
	p.element = newElement("svg", "xmlns", "http://www.w3.org/2000/svg", "viewBox", path(0, 0, width, tall),
		"width", width, "height", tall, "role", "img", "aria-labelledby", "title desc")
	p.add("title", "id", "title").Text = "One call of a blocking driver, step by step"
	p.add("desc", "id", "desc").Text = p.story()
	p.add("style").Text = style
	p.add("rect", "class", "ground", "width", "100%", "height", "100%", "rx", 14)
	p.heading()
	p.rows()
	for _, party := range []Party{Client, Loop, Worker} {
		p.lane(party)
	}
	p.arrows()
	p.events()
	p.write("muted", 12, margin, p.bottom+18, width-2*margin,
		fmt.Sprintf("Time runs down: a gap is one row, and more for each tenfold beyond %s; a zigzag marks those of %s and more. A bar is as wide as the stack is deep.",
			micros(unit), micros(broken)))
	return xml.NewEncoder(w).Encode(p.element)
}

// story is the trace as text.
func (p *picture) story() string {
	s := p.summary() + "."
	for _, e := range p.t.Events {
		s += " " + micros(e.At.Sub(p.t.Events[0].At)) + ", " + e.On().String() + ": " + p.label(e) + "."
	}
	return s
}

func (p *picture) summary() string {
	s := p.t.Call + ", in " + micros(p.t.Took())
	if p.t.Request != "" {
		s = p.t.Request + " asks " + s
	}
	return s
}

func (p *picture) label(e Event) string {
	if e.Step > 0 {
		return fmt.Sprintf("(%d) %s", e.Step, e)
	}
	return e.String()
}

// heading says what is what.
func (p *picture) heading() {
	p.write("title", 22, margin, 48, width-2*margin, "One call of a blocking driver, step by step")
	p.write("muted", 14, margin, 74, width-2*margin, p.summary())
	p.write("muted right", 12, axisX-14, 132, axisX-14-margin, "time")
	p.write("step", 13, textX+22, 132, textRoom, "what happens")
	for _, h := range []struct {
		party Party
		head  string
		deep  string // what the stack grows into
	}{{Client, "client", ""}, {Loop, "event loop", "handler →"}, {Worker, "worker", "driver →"}} {
		g, ok := p.goroutine(h.party)
		if !ok {
			continue
		}
		lane := p.add("g", "class", h.party)
		x := lines[h.party]
		if h.party == Client {
			lane.write("head middle", 13, x, 132, 70, h.head)
			lane.write("muted middle", 11, x, 150, 104, g)
			continue
		}
		lane.write("head", 13, x, 132, 100, h.head)
		lane.write("head right", 13, x+laneRoom, 132, 90, h.deep)
		lane.write("muted", 11, x, 150, 110, g)
		lane.write("muted right", 11, x+laneRoom, 150, 90, "stack depth")
	}
}

// goroutine names that of a party, if it takes part.
func (p *picture) goroutine(party Party) (name string, ok bool) {
	for _, e := range p.t.Events {
		if e.On() == party {
			return fmt.Sprintf("goroutine %d", e.Goroutine), true
		}
	}
	return "", false
}

// rows draws the axis, and what is written beside it.
func (p *picture) rows() {
	for i, e := range p.t.Events {
		y := p.y[i]
		p.add("path", "class", "rule", "d", path("M", axisX, y, "H", textX-16))
		p.write("muted right", 12, axisX-14, y+4, axisX-14-margin, micros(e.At.Sub(p.t.Events[0].At)))
		row := p.add("g", "class", e.On(), "data-step", e.Step, "data-goroutine", e.Goroutine)
		row.number(textX, y, e)
		row.write("step", 13, textX+22, y-1, textRoom, e.String())
		row.write("muted", 11.5, textX+22, y+15, textRoom, fmt.Sprintf("%s, %d frames deep", e.On(), e.Depth))
		if i == 0 {
			continue
		}
		// The axis from the event before, with a break in its middle.
		line := path("M", axisX, p.y[i-1], "V", y)
		if e.At.Sub(p.t.Events[i-1].At) >= broken {
			middle := (p.y[i-1] + y) / 2
			line = path("M", axisX, p.y[i-1], "V", middle-9, "l", 5, 3, "l", -10, 6, "l", 10, 6, "l", -5, 3, "V", y)
		}
		p.add("path", "class", "axis", "d", line)
	}
}

// radius is that of a number's disc.
const radius = 11.0

// number marks an event, with the number of its step if it is one.
func (e *element) number(x, y float64, ev Event) {
	if ev.Step == 0 {
		e.add("circle", "class", "dot", "cx", x, "cy", y, "r", 4)
		return
	}
	e.add("circle", "class", "dot", "cx", x, "cy", y, "r", radius)
	e.write("number", 12, x, y+4.2, 12, fmt.Sprint(ev.Step))
}
