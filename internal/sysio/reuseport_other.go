//go:build !linux && !freebsd

package sysio

import "errors"

// ReusePort reports [errors.ErrUnsupported]: this system does not spread
// connections among sockets that listen on one port.
func ReusePort(uintptr) error { return errors.ErrUnsupported }
