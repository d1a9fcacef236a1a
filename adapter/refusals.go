package adapter

import (
	"reflect"
	"sync"
)

// refusals are calls that were not admitted, until they have called back, by
// executor: a storm of them must not fill an executor's queue. Executors that
// cannot be told apart go by their adapters.
type refusals struct {
	mu sync.Mutex // guards of, and the lists in it
	of map[any]*list
}

// add makes c, which has ended, call back.
func (r *refusals) add(c *Call) {
	var key any = c.a.exec
	if !reflect.ValueOf(key).Comparable() {
		key = c.a
	}
	r.mu.Lock()
	calls := r.of[key]
	first := calls == nil
	if first {
		calls = new(list)
		if r.of == nil {
			r.of = map[any]*list{}
		}
		r.of[key] = calls
	}
	calls.push(c)
	r.mu.Unlock()
	if first {
		(&relay{c.a.exec, func() *Call { return r.take(key, calls) }}).post()
	}
}

func (r *refusals) take(key any, calls *list) *Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := calls.first
	if c == nil {
		delete(r.of, key)
		return nil
	}
	calls.remove(c)
	return c
}
