//go:build !linux

package private

import "errors"

// families is whether this system tells us a process's children.
const families = false

func (*process) freeze() ([]int, error) { return nil, errors.ErrUnsupported }

func (*process) thaw() {}

func killMembers([]int) {}
