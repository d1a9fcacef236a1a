package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"runtime"
	"strings"
	"time"
)

// picture is a chart as it is drawn: text and marks at their places, in pixels
// from the top left. Colours are those of their classes, which differ in light and
// dark mode; see chart.svg.
type picture struct {
	Title, Description string
	Width, Height      float64
	Rects              []rect
	Circles            []circle
	Texts              []text
}

type (
	rect struct {
		Class               string
		X, Y, Width, Height float64
	}
	circle struct {
		Class   string
		X, Y, R float64
	}
	text struct {
		Class   string
		Anchor  string // start, middle or end, of which X is the place
		X, Y    float64
		Upright bool // from bottom to top
		Text    string
	}
)

//go:embed chart.svg
var chartSource string

var chartTemplate = template.Must(template.New("chart.svg").Parse(chartSource))

const (
	chartWidth = 760
	margin     = 24
	lineHeight = 17
	// The width of a letter, in a wide font: of small text, and of bold text.
	glyph     = 6.4
	boldGlyph = 7.6
)

// draw makes the picture of a run.
func draw(cfg config, results []result) *picture {
	m := measures[cfg.driver]
	if m.draw != nil {
		return m.draw(m, cfg, results)
	}
	return drawBars(m, cfg, results)
}

// newPicture has a title, and a description for those who do not see it.
func newPicture(title string) *picture {
	p := &picture{Title: title, Width: chartWidth, Height: margin + 14}
	p.text("title", "start", margin, p.Height, title)
	return p
}

// say adds to the description.
func (p *picture) say(format string, args ...any) {
	p.Description += fmt.Sprintf(format, args...) + ". "
}

func (p *picture) text(class, anchor string, x, y float64, s string) {
	p.Texts = append(p.Texts, text{Class: class, Anchor: anchor, X: x, Y: y, Text: s})
}

// paragraph adds small text below what is there.
func (p *picture) paragraph(words string) {
	line := ""
	end := func() {
		p.Height += lineHeight
		p.text("small", "start", margin, p.Height, line)
	}
	for word := range strings.FieldsSeq(words) {
		if line != "" && float64(len(line)+1+len(word))*glyph > p.Width-2*margin {
			end()
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	end()
}

// finish says where the figures are from, and when.
func (p *picture) finish(cfg config, results []result) *picture {
	p.paragraph(fmt.Sprintf("Measured by cmd/bench -driver %s -pairs %d, medians, on %s, %s, %s.",
		cfg.driver, len(results[0].rounds), machine(), runtime.Version(), time.Now().Format(time.DateOnly)))
	p.Height += margin - 6
	return p
}

// machine says what this is.
func machine() string {
	kind := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				kind = strings.TrimSpace(model)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores (%s), %s", runtime.NumCPU(), kind, runtime.GOOS)
}

// write draws into a file.
func (p *picture) write(file string) error {
	var b strings.Builder
	if err := chartTemplate.Execute(&b, p); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}
