package sequence

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// parsed is an element of a picture, as package xml reads it.
type parsed struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []parsed   `xml:",any"`
}

func (p *parsed) attr(name string) string {
	for _, a := range p.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// number is an attribute that has to be one.
func (p *parsed) number(t *testing.T, name string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(p.attr(name), 64)
	if err != nil {
		t.Fatalf("the %s of a %s: %v", name, p.XMLName.Local, err)
	}
	return f
}

// walk calls f with p and everything in it.
func (p *parsed) walk(f func(*parsed)) {
	f(p)
	for i := range p.Children {
		p.Children[i].walk(f)
	}
}

// drawn writes the trace and parses what was written.
func drawn(t *testing.T, trace *Trace) *parsed {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, trace); err != nil {
		t.Fatal(err)
	}
	if path := os.Getenv("SEQUENCE_SVG"); path != "" { // to look at
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var svg parsed
	d := xml.NewDecoder(&out)
	if err := d.Decode(&svg); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("there is more behind the picture: %v", err)
	}
	return &svg
}

// check looks at what has to hold for every picture.
func check(t *testing.T, trace *Trace, svg *parsed) {
	t.Helper()
	var rows []*parsed
	svg.walk(func(e *parsed) {
		if e.attr("data-goroutine") != "" {
			rows = append(rows, e)
		}
		for _, a := range e.Attrs {
			if n := strings.ToLower(a.Name.Local); strings.HasPrefix(n, "on") || n == "href" || n == "style" {
				t.Errorf("a %s has the attribute %s", e.XMLName.Local, n)
			}
		}
		switch e.XMLName.Local {
		case "svg", "title", "desc", "style", "g", "rect", "circle", "path", "text":
		default:
			t.Errorf("there is a %s", e.XMLName.Local)
		}
	})
	if len(rows) != len(trace.Events) {
		t.Fatalf("%d rows for %d events", len(rows), len(trace.Events))
	}
	lowest := 0.0
	for i, row := range rows {
		e := trace.Events[i]
		if row.attr("data-step") != fmt.Sprint(e.Step) || row.attr("data-goroutine") != fmt.Sprint(e.Goroutine) || row.attr("class") != e.On().String() {
			t.Errorf("the row of %q: %v", e, row.Attrs)
		}
		mark := row.Children[0]
		if y := mark.number(t, "cy"); y < lowest+rowHeight-0.1 {
			t.Errorf("%q is at %v, and the event before it at %v", e, y, lowest)
		} else {
			lowest = y
		}
		if number := row.Children[1]; e.Step > 0 && number.Text != fmt.Sprint(e.Step) {
			t.Errorf("step %d has the number %q", e.Step, number.Text)
		}
	}
	checkTexts(t, svg)
}

// box is where a text is, at most.
type box struct {
	left, right, top, bottom float64
	text                     string
}

// checkTexts wants every text inside the picture, and apart from the others.
func checkTexts(t *testing.T, svg *parsed) {
	t.Helper()
	wide, tall := svg.number(t, "width"), svg.number(t, "height")
	var boxes []box
	svg.walk(func(e *parsed) {
		if e.XMLName.Local != "text" {
			return
		}
		size, x, y := e.number(t, "font-size"), e.number(t, "x"), e.number(t, "y")
		long := glyph * size * float64(utf8.RuneCountInString(e.Text))
		b := box{x, x + long, y - 0.8*size, y + 0.25*size, e.Text}
		switch class := e.attr("class"); {
		case strings.Contains(class, "right"):
			b.left, b.right = x-long, x
		case strings.Contains(class, "middle"), class == "number":
			b.left, b.right = x-long/2, x+long/2
		}
		if b.left < 0 || b.right > wide || b.top < 0 || b.bottom > tall {
			t.Errorf("%q is outside of the picture: %+v", e.Text, b)
		}
		for _, o := range boxes {
			if b.left < o.right && o.left < b.right && b.top < o.bottom && o.top < b.bottom {
				t.Errorf("%q is on %q: %+v, %+v", b.text, o.text, b, o)
			}
		}
		boxes = append(boxes, b)
	})
}

func TestPictureOfARealRequest(t *testing.T) {
	trace := taken(t)
	check(t, trace, drawn(t, trace))
}

// made returns a trace with the given gaps before its events, in turn.
func made(gaps ...time.Duration) *Trace {
	at := time.Unix(0, 0)
	trace := &Trace{Request: "GET /", Call: "SELECT 1"}
	for i, what := range []Moment{
		RequestSent, HandlerStarts, StartReturned, BodyBegins, MessageBuilt, WriteCalled, OtherCallback, WriteReturned,
		ReadCalled, ReadReturned, ReadCalled, ReadReturned, BodyEnds, CalledBack, AnswerCame, Answered,
	} {
		at = at.Add(gaps[i%len(gaps)])
		e := Event{What: what, At: at, Goroutine: uint64(what.on()) + 1<<40, Depth: 1 + i*7, Bytes: i << 30, Parked: i%2 == 1}
		trace.Events = append(trace.Events, e)
	}
	var err error
	if trace.Events, err = Follow(trace.Events); err != nil {
		panic(err)
	}
	return trace
}

func TestPictureStaysReadableWhateverTheTimes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for _, gaps := range [][]time.Duration{
		{0},
		{time.Nanosecond, time.Hour},
		{time.Microsecond, 300 * time.Microsecond, 40 * time.Millisecond},
		{24 * 365 * time.Hour},
		{time.Duration(random.Int64N(int64(time.Second))), time.Duration(random.Int64N(int64(time.Millisecond)))},
	} {
		t.Run(fmt.Sprint(gaps), func(t *testing.T) {
			trace := made(gaps...)
			check(t, trace, drawn(t, trace))
		})
	}
}

func TestPictureWithoutAClient(t *testing.T) {
	trace := made(time.Millisecond)
	trace.Request = ""
	trace.Events = trace.Events[1:]
	trace.Events = append(trace.Events[:len(trace.Events)-2:len(trace.Events)-2], trace.Events[len(trace.Events)-1])
	svg := drawn(t, trace)
	check(t, trace, svg)
	svg.walk(func(e *parsed) {
		if e.Text == "client" {
			t.Error("it has a client")
		}
	})
}

func TestPictureEscapesHostileText(t *testing.T) {
	trace := made(time.Microsecond)
	const hostile = `</title><script>alert("1")</script>]]>&amp;<!-- ' --> ` + "\x00\x1b\xff\u202e"
	trace.Request, trace.Call = hostile, strings.Repeat(hostile, 100)
	svg := drawn(t, trace)
	check(t, trace, svg)
	said := 0
	svg.walk(func(e *parsed) {
		if strings.Contains(e.Text, `</title><script>alert("1")</script>]]>&amp;<!-- ' -->`) {
			said++
		}
	})
	if said != 2 { // in the description, and under the title
		t.Errorf("the text is there %d times", said)
	}
}

func TestAxisBreaksOnlyWhereGapsAreLong(t *testing.T) {
	for _, c := range []struct {
		gap    time.Duration
		breaks bool
	}{{broken - 1, false}, {broken, true}} {
		trace := made(c.gap)
		zigzags := 0
		drawn(t, trace).walk(func(e *parsed) {
			if e.attr("class") == "axis" && strings.Contains(e.attr("d"), "l ") {
				zigzags++
			}
		})
		if want := len(trace.Events) - 1; c.breaks && zigzags != want || !c.breaks && zigzags != 0 {
			t.Errorf("gaps of %v: %d breaks between %d events", c.gap, zigzags, len(trace.Events))
		}
	}
}
