package sequence

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// element is one of the picture's. Package xml escapes what it has.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []*element
}

// newElement takes names and values of attributes by turns.
func newElement(name string, attrs ...any) *element {
	e := &element{XMLName: xml.Name{Local: name}}
	for i := 0; i < len(attrs); i += 2 {
		e.Attrs = append(e.Attrs, xml.Attr{Name: xml.Name{Local: attrs[i].(string)}, Value: text(attrs[i+1])})
	}
	return e
}

// text is a value as an attribute has it: numbers with one digit at most.
func text(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// add appends a child, and returns it.
func (e *element) add(name string, attrs ...any) *element {
	child := newElement(name, attrs...)
	e.Children = append(e.Children, child)
	return child
}

// glyph is how wide a character is taken to be, in parts of the font's size:
// more than the average of any common font.
const glyph = 0.58

// write adds a text that has room to be so wide; what is too much of it is cut.
func (e *element) write(class string, size, x, y, room float64, s string) *element {
	runes := []rune(strings.ToValidUTF8(s, "\uFFFD"))
	if most := int(room / (glyph * size)); len(runes) > most {
		runes = append(runes[:most-1], '…')
	}
	t := e.add("text", "class", class, "font-size", size, "x", x, "y", y)
	t.Text = string(runes)
	return t
}

// arrow adds a line with a head at its end.
func (e *element) arrow(x1, y1, x2, y2 float64) {
	const long, wide = 8, 4
	length := math.Hypot(x2-x1, y2-y1)
	dx, dy := (x2-x1)/length, (y2-y1)/length
	bx, by := x2-long*dx, y2-long*dy
	e.add("path", "class", "line", "d", path("M", x1, y1, "L", bx, by))
	e.add("path", "class", "fill", "d", path("M", x2, y2, "L", bx-wide*dy, by+wide*dx, "L", bx+wide*dy, by-wide*dx, "Z"))
}

// path joins commands and numbers.
func path(parts ...any) string {
	words := make([]string, len(parts))
	for i, p := range parts {
		if n, ok := p.(int); ok {
			p = float64(n)
		}
		words[i] = text(p)
	}
	return strings.Join(words, " ")
}
