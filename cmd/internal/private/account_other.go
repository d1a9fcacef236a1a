//go:build !unix

package private

import "os/exec"

// run has nothing to do: where there is no root, no account is looked for.
func (*account) run(*exec.Cmd) {}
