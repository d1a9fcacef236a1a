// Package secret cannot be imported by others.
package secret

// Thing is hidden.
type Thing struct{}
