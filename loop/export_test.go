package loop

import "container/heap"

// rebuild restores the heap after a test has set timers' times by hand.
func (l *Loop) rebuild() { heap.Init(&l.timers) }
