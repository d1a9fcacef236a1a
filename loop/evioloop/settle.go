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
// but the goroutine's state, so a start is over only when that says so, or after
// settleAge. A client's connection that cannot be accepted may end a loop at once.
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
func settle(id []byte, started time.Time, done <-chan struct{}) {
	mark := append(bytes.Clone(id), "[sync.Cond.Wait"...)
	for size := 64 << 10; !ended(done) && time.Since(started) < settleAge; {
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

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
