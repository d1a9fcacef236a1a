package adapter

import (
	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// Wait turns a call with a callback back into one that blocks: it passes a
// callback to start, and waits for it. It is for tests, and for programs that
// set things up before they serve.
//
//	res, err := adapter.Wait(func(cb func(sql.Result, error)) { db.Exec(ctx, query, cb) })
//
// On the goroutine of a loop or front end, which would wait for itself, it
// returns [loop.ErrWouldBlockLoop] without calling start. It waits for as long
// as the callback does not come.
func Wait[T any](start func(cb func(T, error))) (T, error) {
	type result struct {
		value T
		err   error
	}
	if owner.Here() {
		var none T
		return none, loop.ErrWouldBlockLoop
	}
	came := make(chan result, 1)
	start(func(value T, err error) { came <- result{value, err} })
	r := <-came
	return r.value, r.err
}

// WaitErr is [Wait] for callbacks that get an error only.
func WaitErr(start func(cb func(error))) error {
	_, err := Wait(func(cb func(struct{}, error)) {
		start(func(err error) { cb(struct{}{}, err) })
	})
	return err
}
