//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

// closeFor closes the socket if what is parked in d is the goroutine's, and
// reports whether it was. Any goroutine; it waits for nothing but other claims.
//
// The claim keeps the caller of the operation, and so everybody who gets the
// connection after it, waiting until the socket is closed.
func (d *direction) closeFor(goroutine uintptr) bool {
	w, ok := d.claimParked()
	if !ok {
		return false
	}
	if d.op.goroutine != goroutine {
		d.release(w)
		return false
	}
	d.s.close() // somebody else may have begun to
	d.complete(shut, closed)
	return true
}
