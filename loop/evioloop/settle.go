//go:build linux || darwin || freebsd

package evioloop

import (
	"bytes"
	"runtime"
	"time"
)

// evio.Serve starts its loop and then waits on a condition variable that the
// loop signals when it ends. A loop that ends before the wait has begun is
// never noticed: Serve hangs for ever. Nothing tells when the wait has begun
// but the goroutine's state, so a server that is stopped within settleAge of
// its start looks at that.
const settleAge = time.Second

// goroutine returns what the calling goroutine's entry in a stack dump starts
// with.
func goroutine() []byte {
	var b [64]byte
	id, _, _ := bytes.Cut(b[:runtime.Stack(b[:], false)], []byte("["))
	return id
}

// settle waits until evio.Serve, which goroutine id entered at started, waits
// for its loop, or has ended, which done tells. It blocks for at most
// settleAge.
func settle(id []byte, started time.Time, done <-chan error) {
	mark := append(bytes.Clone(id), "[sync.Cond.Wait"...)
	for size := 64 << 10; len(done) == 0 && time.Since(started) < settleAge; {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		if bytes.Contains(buf[:n], mark) {
			return
		}
		if n == size && size < 16<<20 {
			size *= 2
			continue
		}
		time.Sleep(time.Millisecond)
	}
}
