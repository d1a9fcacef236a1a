// Package gid tells goroutines apart.
//
// On amd64 and arm64 it reads the runtime's g pointer, which costs a few
// instructions and stays the same for the life of a goroutine, whatever the
// garbage collector and stack growth do (shared measurement: 1.5 ns, against
// 1.3 µs for parsing runtime.Stack). Elsewhere it parses runtime.Stack.
package gid

// Current returns a number that no other live goroutine has. A goroutine that
// ended may leave its number to a later one, so whoever keeps a number must
// forget it before that goroutine ends. Any goroutine; never blocks.
func Current() uintptr { return current() }
