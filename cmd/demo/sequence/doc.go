// Package sequence follows one call of a blocking driver through its steps, as
// it happens, and draws them: stack depth against time.
//
// A [Recorder] is told the moments by those who are there: the handler and its
// callback, the body, the value that the driver is to send, and the driver's
// connection. [Follow] checks that they came in their order, each on its
// goroutine, and numbers the steps from 1 to 8. [Take] makes such a call for a
// request over HTTP, and [Write] draws what came of it.
//
//	t, err := sequence.Take(ctx, dsn)
//	...
//	err = sequence.Write(w, t)
//
// That the loop does the reading in step 7 is how package fakesock works, and
// not seen from here.
package sequence
