package httploop

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"sync"

	"github.com/valyala/fasthttp"
	"golang.org/x/net/http/httpguts"
)

// A message is cut out of the input before it is parsed, so that the parser,
// which reads from a reader, never waits. What the parser then takes must be
// what was cut out.

// chunked is fasthttp's ContentLength of a body in chunks.
const chunked = -1

var (
	errFraming = errors.New("httploop: the header does not end where it seems to")
	errField   = errors.New("httploop: a line of the header is no field")
	errTwice   = errors.New("httploop: a body that is framed twice")
	errHost    = errors.New("httploop: more than one Host, or one that is none")
	errVersion = errors.New("httploop: neither HTTP/1.1 nor HTTP/1.0")
)

// endOfHeader returns how long a header at the beginning of in is, with its
// empty line, or -1 if that is not there. No header ends in the first seen bytes.
func endOfHeader(in []byte, seen int) int {
	for at := max(seen-3, 0); ; {
		i := bytes.IndexByte(in[at:], '\n')
		if i < 0 {
			return -1
		}
		at += i + 1
		switch rest := in[at:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return at + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return at + 2
		}
	}
}

// source is a reader for the parser.
type source struct {
	bytes bytes.Reader
	buf   *bufio.Reader
}

var sources = sync.Pool{New: func() any {
	s := &source{}
	s.buf = bufio.NewReaderSize(&s.bytes, 4<<10)
	return s
}}

// parse runs f on a reader of in, which f must use up. The parser wants to see
// all of a header at once, and all of a trailer: atOnce is how much that is.
func parse(in []byte, atOnce int, f func(*bufio.Reader) error) error {
	s := sources.Get().(*source)
	defer sources.Put(s)
	s.bytes.Reset(in)
	s.buf.Reset(&s.bytes)
	buf := s.buf
	if atOnce > buf.Size() { // a large one is not kept
		buf = bufio.NewReaderSize(&s.bytes, atOnce)
	}
	err := f(buf)
	if err == nil && (buf.Buffered() > 0 || s.bytes.Len() > 0) {
		err = errFraming
	}
	s.bytes.Reset(nil)
	return err
}

// parseHeader parses a header that is whole.
func parseHeader(req *fasthttp.Request, in []byte) error {
	if err := checkLines(in); err != nil {
		return err
	}
	if err := parse(in, len(in), req.Header.Read); err != nil {
		return err
	}
	switch string(req.Header.Protocol()) {
	case "HTTP/1.1", "HTTP/1.0":
		return nil
	}
	return errVersion
}

// checkLines refuses what the parser takes, but others in the client's way may
// have taken for something else.
func checkLines(in []byte) error {
	_, rest, _ := bytes.Cut(in, []byte("\n"))
	lengths, encodings, hosts := 0, 0, 0
	for line := []byte(nil); ; {
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if !httpguts.ValidHeaderFieldName(string(name)) || bytes.IndexByte(value, '\r') >= 0 {
			return errField // a continued line among them
		}
		value = bytes.Trim(value, " \t")
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			lengths++
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			if encodings++; !bytes.EqualFold(value, []byte("chunked")) {
				return errFraming
			}
		case bytes.EqualFold(name, []byte("Host")):
			if hosts++; !httpguts.ValidHostHeader(string(value)) {
				return errHost
			}
		}
	}
	switch {
	case lengths+encodings > 1:
		return errTwice
	case hosts > 1:
		return errHost
	}
	return nil
}

// parseChunks parses a body in chunks that is whole, with its trailer, which may
// have maxChunkLine bytes.
func parseChunks(req *fasthttp.Request, in []byte, limit int) error {
	return parse(in, maxChunkLine, func(r *bufio.Reader) error { return req.ContinueReadBody(r, limit, false) })
}

// chunkScanner finds the end of a body in chunks, a piece at a time.
type chunkScanner struct {
	at    int // how much of the body was looked at
	total int // bytes of its chunks
	spare int // bytes around them, beyond what is usual
	tail  bool

	trailer int // bytes of it
}

// maxChunkLine is how long the line of a chunk's size may be, and the trailer.
const maxChunkLine = 4 << 10

// maxSpare is how many bytes of chunks' lines may be there in all beyond 16 for
// each chunk and two for each of its bytes, lest a small body fill the memory.
const maxSpare = 16 << 10

// scan is given the body from its start, with more each time. It reports how
// long it is, once it is whole, or the status with which to refuse it.
func (s *chunkScanner) scan(in []byte, limit int) (n int, whole bool, status int) {
	for {
		rest := in[s.at:]
		line := bytes.IndexByte(rest, '\n')
		if line > maxChunkLine || line < 0 && len(rest) > maxChunkLine {
			return 0, false, http.StatusBadRequest
		}
		if line < 0 {
			return 0, false, 0
		}
		text := bytes.TrimSuffix(rest[:line], []byte("\r"))
		if s.tail { // the lines of the trailer, up to an empty one
			s.at += line + 1
			if len(text) == 0 {
				return s.at, true, 0
			}
			if s.trailer += line + 1; s.trailer > maxChunkLine {
				return 0, false, http.StatusBadRequest
			}
			continue
		}
		size, ok := chunkSize(text)
		if !ok {
			return 0, false, http.StatusBadRequest
		}
		if size == 0 {
			s.tail = true
			s.at += line + 1
			continue
		}
		if spare := max(s.spare+line-16-2*size, 0); spare > maxSpare {
			return 0, false, http.StatusBadRequest
		}
		if s.total+size > limit {
			return 0, false, http.StatusRequestEntityTooLarge
		}
		end := line + 1 + size + 2
		if len(rest) < end {
			return 0, false, 0
		}
		if rest[end-2] != '\r' || rest[end-1] != '\n' {
			return 0, false, http.StatusBadRequest
		}
		s.total += size
		s.spare = max(s.spare+line-16-2*size, 0)
		s.at += end
	}
}

// chunkSize parses the line before a chunk.
func chunkSize(line []byte) (int, bool) {
	digits, _, _ := bytes.Cut(line, []byte(";"))
	digits = bytes.TrimRight(digits, " \t")
	if len(digits) == 0 || len(digits) > 7 { // 256 MiB is enough
		return 0, false
	}
	n := 0
	for _, c := range digits {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 | int(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}
