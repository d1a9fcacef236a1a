package main

import (
	"context"
	"fmt"
	"sync/atomic"
)

// calls are calls whose bodies block until all are released, and which count
// their callbacks. The functions of each are closures with its key, as those of
// a request are.
type calls struct {
	came     []atomic.Uint32 // callbacks, by key
	all      atomic.Int64    // callbacks of any
	running  atomic.Int64    // bodies that have begun
	released chan struct{}
	wrong    atomic.Pointer[error] // the first result that is not as it should be
}

func newCalls(n int) *calls {
	return &calls{came: make([]atomic.Uint32, n), released: make(chan struct{})}
}

func (c *calls) body(key int) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return c.run(key) }
}

func (c *calls) callback(key int) func(int, error) {
	return func(got int, err error) { c.calledBack(key, got, err) }
}

func (c *calls) run(key int) (int, error) {
	c.running.Add(1)
	<-c.released
	return key, nil
}

func (c *calls) calledBack(key, got int, err error) {
	if err == nil && got != key {
		err = fmt.Errorf("it got the result of call %d", got)
	}
	if err != nil {
		err = fmt.Errorf("call %d: %w", key, err)
		c.wrong.CompareAndSwap(nil, &err)
	}
	c.came[key].Add(1)
	c.all.Add(1)
}

// failure is the first wrong result, or nil.
func (c *calls) failure() error {
	if wrong := c.wrong.Load(); wrong != nil {
		return *wrong
	}
	return nil
}

// once checks, when no callback can come any more, that each call has had one.
func (c *calls) once() error {
	for key := range c.came {
		if n := c.came[key].Load(); n != 1 {
			return fmt.Errorf("call %d called back %d times", key, n)
		}
	}
	return nil
}
