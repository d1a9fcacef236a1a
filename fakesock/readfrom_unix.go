//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"io"
	"runtime"
)

// ReadFrom writes what r holds, up to its end, and returns how much it wrote;
// [io.Copy] calls it. On Linux a regular [*os.File], an [io.LimitedReader]
// around one included, is sent by sendfile(2) without being copied through the
// process, and other writers wait until all of it is sent; from anything else
// it reads and writes. It parks like Write. The errors are those of
// [net.TCPConn.ReadFrom]: "readfrom" around that of r, or of the write.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	defer runtime.KeepAlive(c)
	n, done, err := c.s.sendFile(r)
	if !done {
		var m int64
		m, err = io.Copy(struct{ io.Writer }{c}, r) // hides this method from Copy
		n += m
	}
	if err != nil && err != io.EOF {
		err = c.s.opError("readfrom", err)
	}
	return n, err
}
