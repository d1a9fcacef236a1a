package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// drawn is what a reader of the file sees.
type drawn struct {
	Width  float64 `xml:"width,attr"`
	Height float64 `xml:"height,attr"`
	Role   string  `xml:"role,attr"`
	Title  string  `xml:"title"`
	Desc   string  `xml:"desc"`
	Style  string  `xml:"style"`
	Rects  []struct {
		Class  string  `xml:"class,attr"`
		X      float64 `xml:"x,attr"`
		Y      float64 `xml:"y,attr"`
		Width  float64 `xml:"width,attr"`
		Height float64 `xml:"height,attr"`
	} `xml:"rect"`
	Circles []struct {
		X float64 `xml:"cx,attr"`
		Y float64 `xml:"cy,attr"`
		R float64 `xml:"r,attr"`
	} `xml:"circle"`
	Texts []drawnText `xml:"text"`
	Other []struct {
		XMLName xml.Name
	} `xml:",any"`
}

type drawnText struct {
	Class     string  `xml:"class,attr"`
	X         float64 `xml:"x,attr"`
	Y         float64 `xml:"y,attr"`
	Anchor    string  `xml:"text-anchor,attr"`
	Transform string  `xml:"transform,attr"`
	Text      string  `xml:",chardata"`
}

// box is where the text is, in a font as wide as DejaVu Sans.
func (t drawnText) box() box {
	size, wide := 13.0, 0.53
	switch class, _, _ := strings.Cut(t.Class, " "); class {
	case "title":
		size, wide = 17, 0.58
	case "group":
		wide = 0.58
	case "small":
		size = 11.5
	}
	length := float64(utf8.RuneCountInString(t.Text)) * size * wide
	if t.Transform != "" { // upright
		return box{t.X - size, t.Y - length/2, t.X + size/3, t.Y + length/2}
	}
	left := t.X
	switch t.Anchor {
	case "middle":
		left -= length / 2
	case "end":
		left -= length
	}
	return box{left, t.Y - size*0.8, left + length, t.Y + size*0.2}
}

// readChart reads a picture, and checks what holds of all.
func readChart(t *testing.T, file string) (d drawn) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(content, &d); err != nil {
		t.Fatalf("%v in\n%s", err, content)
	}
	if d.Title == "" || d.Desc == "" || d.Role != "img" || !strings.Contains(d.Style, "prefers-color-scheme: dark") {
		t.Errorf("title %q, description %q, role %q, style %q", d.Title, d.Desc, d.Role, d.Style)
	}
	if len(d.Other) > 0 || strings.Contains(string(content), "href") || strings.Contains(d.Style, "url(") || strings.Contains(d.Style, "@import") {
		t.Errorf("there is more than is to be, %v, in\n%s", d.Other, content)
	}
	var taken []box
	var names []string
	take := func(b box, name string) {
		for i, other := range taken {
			if b.meets(other) {
				t.Errorf("%s lies on %s", name, names[i])
			}
		}
		if b.left < 0 || b.top < 0 || b.right > d.Width || b.bottom > d.Height {
			t.Errorf("%s is out of the picture: %+v", name, b)
		}
		taken, names = append(taken, b), append(names, name)
	}
	for i, r := range d.Rects {
		if !strings.Contains("page line", r.Class) {
			take(box{r.X, r.Y, r.X + r.Width, r.Y + r.Height}, fmt.Sprint("bar ", i))
		}
	}
	for _, text := range d.Texts {
		take(text.box(), text.Text)
	}
	for i, c := range d.Circles { // which may lie on each other
		b := box{c.X - c.R, c.Y - c.R, c.X + c.R, c.Y + c.R}
		for j, other := range taken {
			if b.meets(other) {
				t.Errorf("%s lies on circle %d", names[j], i)
			}
		}
	}
	return d
}

func (d drawn) has(t *testing.T, want ...string) {
	t.Helper()
	all := ""
	for _, text := range d.Texts {
		all += text.Text + "\n"
	}
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("%q is not in the picture, but\n%s", w, all)
		}
	}
}

// drawInto draws results and reads them.
func drawInto(t *testing.T, cfg config, results []result) drawn {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chart.svg")
	if err := draw(cfg, results).write(file); err != nil {
		t.Fatal(err)
	}
	return readChart(t, file)
}

func TestBarsShowTheFigures(t *testing.T) {
	cfg := config{driver: "front", paths: []string{"evio", "valet"}}
	results := []result{{cell: cell{conns: 16, inflight: 256}, rounds: []round{
		{"evio": {OpsPerSec: 10_000, CPU: 84.8}, "valet": {OpsPerSec: 12_345.6, CPU: 42.4}},
		{"evio": {OpsPerSec: 10_000, CPU: 84.8}, "valet": {OpsPerSec: 12_345.6, CPU: 42.4}},
	}}}
	d := drawInto(t, cfg, results)
	d.has(t, "256 clients", "worker pool", "Valet", "10,000", "12,346 (× 1.23)", "84.80", "42.40 (× 0.50)", "-driver front -pairs 2", machine())
	if !strings.Contains(d.Desc, "Valet: callbacks: 42.40 (× 0.50)") {
		t.Errorf("description: %s", d.Desc)
	}
	var widths []float64
	for _, r := range d.Rects {
		if r.Class == "ours" || r.Class == "other" {
			widths = append(widths, r.Width/barsWidth)
		}
	}
	if len(widths) != 4 || widths[1] != 1 || widths[2] != 1 || widths[3] != 0.5 || widths[0] < 0.80 || widths[0] > 0.82 {
		t.Errorf("bars are %v of the longest", widths)
	}
}

// Whatever is measured can be drawn, with several cells, and figures that are not
// known.
func TestEveryMeasureCanBeDrawn(t *testing.T) {
	for driver, m := range measures {
		t.Run(driver, func(t *testing.T) {
			cfg := config{driver: driver, paths: m.paths, conns: []int{4, 8}}
			one := round{}
			for _, c := range []cell{{conns: 4}, {conns: 8}} {
				for i, s := range sidesOf(cfg, c) {
					one[s.String()] = sample{OpsPerSec: 1e6 * float64(i), CPU: -1, P50: 1e5, Heap: 1e6, RowsPerSec: 12, Resident: 10 * float64(i), Tokens: 100}
				}
			}
			d := drawInto(t, cfg, []result{{cell: cell{conns: 4}, rounds: []round{one}}, {cell: cell{conns: 8}, rounds: []round{one}}})
			d.has(t, "-driver "+driver)
		})
	}
}

func TestTheStatesOfTheChartAreWhereTheyBelong(t *testing.T) {
	cfg := config{driver: "state"}
	one := round{}
	for i, s := range styles {
		cfg.paths = append(cfg.paths, s.name)
		one[s.name] = sample{Resident: 100, PageTables: float64(i), KernelStacks: 20, Tokens: 50}
	}
	one["thread"] = sample{Resident: 30_000, PageTables: 4_000, KernelStacks: 16_384, Tokens: 100}
	d := drawInto(t, cfg, []result{{cell: cell{conns: 5000}, rounds: []round{one}}}) // five in one place
	d.has(t, "OS threads", "50,384 B, 100 tokens", "121 B, 50 tokens", "125 B, 50 tokens", "5,000 clients", "100,000", machine())
	if len(d.Circles) != len(styles) {
		t.Fatalf("%d circles", len(d.Circles))
	}
	if thread, other := d.Circles[0], d.Circles[1]; thread.Y >= other.Y || thread.X-plotLeft < 1.99*(other.X-plotLeft) || thread.X-plotLeft > 2.01*(other.X-plotLeft) {
		t.Errorf("%+v and %+v", thread, other)
	}
}

func TestNamesAreEscaped(t *testing.T) {
	p := newPicture("<script>")
	p.say(`"&</desc>`)
	p.paragraph("a < b & c")
	p.Height += margin
	file := filepath.Join(t.TempDir(), "chart.svg")
	if err := p.write(file); err != nil {
		t.Fatal(err)
	}
	d := readChart(t, file)
	d.has(t, "a < b & c", "<script>")
	if d.Title != "<script>" || d.Desc != `"&</desc>. ` {
		t.Errorf("title %q, description %q", d.Title, d.Desc)
	}
}

func TestAChartThatCannotBeWrittenFailsTheRun(t *testing.T) {
	cfg := config{driver: "redis", paths: []string{"native", "valet"}, chart: filepath.Join(t.TempDir(), "no", "chart.svg")}
	if err := publish(cfg, twoPaths, new(strings.Builder)); !os.IsNotExist(err) {
		t.Errorf("error: %v", err)
	}
}

// The pictures of the documentation are as they are to be.
func TestThePicturesOfTheDocumentation(t *testing.T) {
	for _, name := range []string{"front", "ways-to-store-state"} {
		t.Run(name, func(t *testing.T) {
			readChart(t, filepath.Join("..", "..", "docs", name+".svg")).has(t, "Measured by cmd/bench")
		})
	}
}
