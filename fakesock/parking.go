package fakesock

import "github.com/valet-go/valet/internal/parking"

func init() { parking.Register(parkedOf, closeParkedOf) }

// parkedOf is [parking.Find].
func parkedOf(goroutines []uintptr) map[uintptr]parking.Op {
	wanted := make(map[uintptr]bool, len(goroutines))
	for _, g := range goroutines {
		wanted[g] = true
	}
	found := map[uintptr]parkedOp{}
	for _, p := range parkedOn(listedAnywhere()) {
		if wanted[p.goroutine] && found[p.goroutine].before(p) {
			found[p.goroutine] = p
		}
	}
	ops := make(map[uintptr]parking.Op, len(found))
	for g, p := range found {
		ops[g] = parking.Op(p.public())
	}
	return ops
}

// closeParkedOf is [parking.Close].
func closeParkedOf(goroutine uintptr) bool {
	var found parkedOp
	for _, p := range parkedOn(listedAnywhere()) {
		if p.goroutine == goroutine && found.before(p) {
			found = p
		}
	}
	return found.kind != 0 && found.d.closeFor(goroutine)
}

// before reports whether q is more likely than p where their goroutine is now:
// it may have moved while we looked, and where Go's own poller does the waiting
// a ReadFrom counts as parked while it reads from another connection.
func (p parkedOp) before(q parkedOp) bool {
	return p.kind == 0 || p.since < q.since || p.since == q.since && p.kind == opReadFrom
}
