//go:build !amd64 && !arm64

package gid

import (
	"bytes"
	"runtime"
	"strconv"
)

func current() uintptr {
	var buf [64]byte
	// "goroutine 123 [running]:"
	b := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	if i := bytes.IndexByte(b, ' '); i > 0 {
		b = b[:i]
	}
	id, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		panic("gid: unexpected runtime.Stack header: " + err.Error())
	}
	return uintptr(id)
}
