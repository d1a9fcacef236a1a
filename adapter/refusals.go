package adapter

import (
	"reflect"
	"sync"

	"github.com/valet-go/valet/loop"
)

// refusals are calls that were not admitted, until they have called back, by
// executor: a storm of them must not fill an executor's queue.
type refusals struct {
	mu sync.Mutex // guards of, and the lists in it
	of map[loop.Executor]*list
}

// add makes c, which has ended, call back.
func (r *refusals) add(c *Call) {
	exec := c.a.exec
	if !reflect.ValueOf(exec).Comparable() { // cannot be told from others
		c.self.post()
		return
	}
	r.mu.Lock()
	calls := r.of[exec]
	first := calls == nil
	if first {
		calls = new(list)
		if r.of == nil {
			r.of = map[loop.Executor]*list{}
		}
		r.of[exec] = calls
	}
	calls.push(c)
	r.mu.Unlock()
	if first {
		(&relay{exec, func() *Call { return r.take(exec, calls) }}).post()
	}
}

func (r *refusals) take(exec loop.Executor, calls *list) *Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := calls.first
	if c == nil {
		delete(r.of, exec)
		return nil
	}
	calls.remove(c)
	return c
}
