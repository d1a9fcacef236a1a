package httploop

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// appendTo appends the answer as it is sent.
func (x *Exchange) appendTo(b []byte, status int, contentType string, body []byte) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	b = append(b, "\r\nDate: "...)
	b = append(b, date()...)
	bodiless := status == http.StatusNoContent || status == http.StatusNotModified
	if contentType != "" && !bodiless {
		b = append(b, "\r\nContent-Type: "...)
		b = append(b, contentType...)
	}
	if !bodiless {
		b = append(b, "\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
	}
	switch last := x.k.ending && x.next == nil; {
	case last:
		b = append(b, "\r\nConnection: close"...)
	case x.old:
		b = append(b, "\r\nConnection: keep-alive"...)
	}
	if x.early != nil {
		for _, f := range x.early.header {
			b = append(b, "\r\n"...)
			b = append(b, f.name...)
			b = append(b, ": "...)
			b = append(b, f.value...)
		}
	}
	b = append(b, "\r\n\r\n"...)
	if bodiless || x.head {
		return b
	}
	return append(b, body...)
}

// today is the date for the header, which has seconds.
type today struct {
	second int64
	text   string
}

var dates atomic.Pointer[today]

// date returns the time in the form of the Date field.
func date() string {
	t := time.Now()
	d := dates.Load()
	if d == nil || d.second != t.Unix() {
		d = &today{t.Unix(), t.UTC().Format(http.TimeFormat)}
		dates.Store(d)
	}
	return d.text
}

// own are the fields that only this package sets.
var own = []string{"Date", "Content-Length", "Transfer-Encoding", "Connection", "Content-Type"}

func checkAnswer(status int, contentType string) {
	if status < 200 || status > 999 {
		panic(fmt.Sprintf("httploop: Send: %d is not the status of an answer", status))
	}
	if !httpguts.ValidHeaderFieldValue(contentType) {
		panic(fmt.Sprintf("httploop: Send: HTTP does not allow the content type %q", contentType))
	}
}

func checkField(name, value string) {
	if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
		panic(fmt.Sprintf("httploop: HTTP does not allow the header field %q: %q", name, value))
	}
	for _, o := range own {
		if sameName(o, name) {
			panic(fmt.Sprintf("httploop: the header field %q is set by Send", name))
		}
	}
}

func sameName(a, b string) bool { return strings.EqualFold(a, b) }
