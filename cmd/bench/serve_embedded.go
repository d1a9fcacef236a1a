package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// serveEmbedded builds and starts one of the servers in program dbserver. The
// first build takes a minute or two, later ones come from Go's cache.
func serveEmbedded(ctx context.Context, env *environment, name string, in any) (*server, error) {
	fmt.Fprintf(env.notes, "bench: building the embedded %s server\n", name)
	dir, err := runGo(ctx, nil, "list", "-m", "-f", "{{.Dir}}", "github.com/valet-go/valet/cmd")
	if err != nil {
		return nil, fmt.Errorf("the embedded %s server is built from Valet's source: run from inside the repository, or name a server with -addr: %w", name, err)
	}
	program := filepath.Join(env.dir, "dbserver.exe")
	// Without the workspace, which merges this module's requirements with others.
	if _, err := runGo(ctx, []string{"GOWORK=off"}, "build", "-C", dir, "-o", program, "./bench/dbserver"); err != nil {
		return nil, fmt.Errorf("build the embedded %s server: %w", name, err)
	}
	return serveInChild(ctx, env, program, name, in)
}

// runGo runs the go command and returns what it printed.
func runGo(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = endWithParent()
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
