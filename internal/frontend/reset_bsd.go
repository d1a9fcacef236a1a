//go:build darwin || freebsd

package frontend

// reset does nothing: only Linux breaks a connection whose descriptor stays open.
func reset(int32) {}
