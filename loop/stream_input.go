package loop

import "github.com/valet-go/valet/internal/sysio"

// input is what a stream has received and nobody has consumed. A stream
// without such bytes has no memory for them: it receives into a buffer of the
// loop's, and only what is not consumed at once is copied.
type input struct {
	data     []byte // the bytes, in own or, if borrowed, in the loop's buffer
	own      []byte // of length 0: the memory that belongs to this input; nil: none
	borrowed bool
}

// put adds p, which is the loop's buffer; nothing may be borrowed. What had no
// bytes before borrows p until keep.
func (in *input) put(p []byte, c *chunks) {
	if len(in.data) == 0 {
		in.release(c)
		in.data, in.borrowed = p, true
		return
	}
	if need := len(in.data) + len(p); need > cap(in.data) {
		in.move(need, c)
	}
	in.data = append(in.data, p...)
}

// move makes room for need bytes: in place if half of the memory is free, so
// that bytes are not moved for each few that come.
func (in *input) move(need int, c *chunks) {
	if need <= cap(in.own)/2 {
		in.data = append(in.own, in.data...)
		return
	}
	next := c.get(max(need, 2*len(in.data)))
	in.data = append(next, in.data...)
	c.put(in.own)
	in.own = next
}

// bytes is what there is.
func (in *input) bytes() []byte {
	if in == nil {
		return nil
	}
	return in.data
}

// take consumes n bytes. They stay as they are until put or release.
func (in *input) take(n int) []byte {
	if in == nil { // none are wanted
		return nil
	}
	p := in.data[:n:n]
	in.data = in.data[n:]
	return p
}

// keep copies what is borrowed, because the loop's buffer is wanted again.
func (in *input) keep(c *chunks) {
	if in == nil {
		return
	}
	if in.borrowed && len(in.data) > 0 {
		in.own = c.get(len(in.data))
		in.data = append(in.own, in.data...)
	}
	in.borrowed = false
}

// release gives memory without bytes back. Not while a callback has a slice
// of it.
func (in *input) release(c *chunks) {
	if len(in.data) == 0 && in.own != nil {
		c.put(in.own)
		in.own, in.data = nil, nil
	}
}

const (
	smallChunk = 1 << 10
	largeChunk = sysio.Inline
	keepChunks = 64 // of each size
)

// chunks are a loop's spare buffers, of two sizes, so that a client that sends
// half a line does not cost 16 KiB; and its spare inputs.
type chunks struct {
	small, large [][]byte
	inputs       []*input
}

// input returns one without bytes.
func (c *chunks) input() *input {
	n := len(c.inputs)
	if n == 0 {
		return &input{}
	}
	in := c.inputs[n-1]
	c.inputs = c.inputs[:n-1]
	return in
}

// drop takes back an input that has no bytes, with its memory. Not while a
// callback has a slice of it.
func (c *chunks) drop(in *input) {
	in.release(c)
	*in = input{}
	if len(c.inputs) < keepChunks {
		c.inputs = append(c.inputs, in)
	}
}

// get returns an empty slice with room for n bytes.
func (c *chunks) get(n int) []byte {
	switch {
	case n <= smallChunk:
		return pop(&c.small, smallChunk)
	case n <= largeChunk:
		return pop(&c.large, largeChunk)
	}
	return make([]byte, 0, n)
}

func pop(list *[][]byte, size int) []byte {
	if n := len(*list); n > 0 {
		b := (*list)[n-1]
		*list = (*list)[:n-1]
		return b
	}
	return make([]byte, 0, size)
}

// put takes memory back; what is of neither size is left to the collector.
func (c *chunks) put(b []byte) {
	switch {
	case cap(b) == smallChunk && len(c.small) < keepChunks:
		c.small = append(c.small, b[:0])
	case cap(b) == largeChunk && len(c.large) < keepChunks:
		c.large = append(c.large, b[:0])
	}
}
