package private

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// account is a user that a server runs as; nil is our own.
type account struct{ uid, gid int }

// account is where a server that refuses root finds another user.
func (k kind) account() (*account, error) {
	if k.notRoot == "" || os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(k.notRoot)
	if err != nil {
		return nil, fmt.Errorf("private: %s does not run as root: %w", k.program, err)
	}
	// On Unix, which is where there is a root, both are decimal numbers.
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, fmt.Errorf("private: user %s: %w", k.notRoot, err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return nil, fmt.Errorf("private: user %s: %w", k.notRoot, err)
	}
	return &account{uid, gid}, nil
}

// give makes the account the owner of files. It must be able to reach them: for
// temporary folders of ours, TMPDIR decides.
func (a *account) give(paths ...string) error {
	if a == nil {
		return nil
	}
	for _, path := range paths {
		if err := os.Chown(path, a.uid, a.gid); err != nil {
			return fmt.Errorf("private: %w", err)
		}
	}
	return nil
}
