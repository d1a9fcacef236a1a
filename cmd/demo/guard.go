package main

import (
	"fmt"
	"sync"
	"time"
)

// guard knows which step the demo is in, and tells when one takes too long for
// whatever reason: a wait that no context ends would go unnoticed otherwise.
// Any goroutine may call its methods.
type guard struct {
	hung chan string // gets the step, once

	mu    sync.Mutex  // guards the rest
	step  string      // empty before the first
	timer *time.Timer // nil while nothing is bounded
}

func newGuard() *guard { return &guard{hung: make(chan string, 1)} }

// enter names the step that begins.
func (g *guard) enter(step string) {
	g.mu.Lock()
	g.step = step
	g.mu.Unlock()
}

// current names the step that runs.
func (g *guard) current() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.step
}

// within bounds what follows, until free or the next within.
func (g *guard) within(d time.Duration) {
	g.free()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.timer = time.AfterFunc(d, func() {
		select {
		case g.hung <- fmt.Sprintf("%s (it had %v)", g.current(), d):
		default:
		}
	})
}

// free ends the bound.
func (g *guard) free() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
}
