package frontend

import "errors"

// ErrGoexit is what PanicHandler is told of a callback that called
// runtime.Goexit.
var ErrGoexit = errors.New("a callback called runtime.Goexit, which ends the loop of the server engine")
