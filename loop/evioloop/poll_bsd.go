//go:build darwin || freebsd

package evioloop

// adopt has nothing to do: a kqueue registration is the descriptor's, and ends
// when evio closes it, whatever duplicates there are.
func adopt(_, _, _ int) bool { return true }

func disown(_, _ int) {}
