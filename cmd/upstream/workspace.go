package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	library = "github.com/valet-go/valet"
	ours    = library + "/cmd/upstream/"
	// tag selects the files that put our dialer in. Both runs use one workspace,
	// and so the same versions of everything.
	tag = "valetupstream"
)

// workspace is a folder with a copy of a driver's module and of the packages of
// ours that its tests use, which a go.work joins with the library. So the driver can import us, and
// its go.mod stays as it is.
type workspace struct{ dir string }

func (w workspace) driver() string { return filepath.Join(w.dir, "driver") }

// copied are the packages of ours that the driver's tests use.
var copied = []string{"dialer", "netdial", "sql"}

// env is for go commands in the workspace, which must not find other settings.
func (w workspace) env() []string {
	return []string{"GOWORK=" + filepath.Join(w.dir, "go.work"), "GOFLAGS="}
}

// prepare fills the workspace, and the module cache with all that the tests are
// built from: where they are run, there is no network. It returns the version of
// the driver.
func (w workspace) prepare(ctx context.Context, s suite) (version string, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	source, version, err := download(ctx, filepath.Join(root, "cmd"), s.module)
	if err != nil {
		return "", err
	}
	if err := w.fill(ctx, root, source, s); err != nil {
		return "", err
	}
	if err := w.fillSpecs(ctx, s.specs); err != nil {
		return "", err
	}
	list := append([]string{"list", "-deps", "-test", "-tags", tag}, s.packages...)
	_, err = goCommand(ctx, w.driver(), w.env(), list...)
	return version, err
}

// fill copies the driver's module at source, adds the suite's files, and joins
// the copy with the library.
func (w workspace) fill(ctx context.Context, root, source string, s suite) error {
	if err := os.CopyFS(w.driver(), os.DirFS(source)); err != nil {
		return fmt.Errorf("upstream: copy the driver: %w", err)
	}
	for name, text := range s.files {
		text = "//go:build " + tag + "\n\n" + text
		if err := os.WriteFile(filepath.Join(w.driver(), name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("upstream: %w", err)
		}
	}
	if s.callbacks {
		if err := standIn(w.driver()); err != nil {
			return err
		}
	}
	if s.netDialer != nil {
		if err := w.fillOverlay(s.netDialer); err != nil {
			return err
		}
	}
	modules := []string{"work", "init", w.driver(), root}
	for _, name := range copied {
		if err := w.copyPackage(filepath.Join(root, "cmd", "upstream"), name); err != nil {
			return fmt.Errorf("upstream: copy package %s: %w", name, err)
		}
		modules = append(modules, filepath.Join(w.dir, name))
	}
	_, err := goCommand(ctx, w.dir, w.env(), modules...)
	return err
}

// fillSpecs copies the folders that the driver's module does not have from the one
// that has them.
func (w workspace) fillSpecs(ctx context.Context, s specs) error {
	if s.module == "" {
		return nil
	}
	m, err := downloadModule(ctx, w.dir, s.module+"@"+s.version)
	if err != nil {
		return err
	}
	if m.Sum != s.sum {
		return fmt.Errorf("upstream: %s %s has the sum %s, not %s", s.module, s.version, m.Sum, s.sum)
	}
	for here, there := range s.folders {
		from := os.DirFS(filepath.Join(m.Dir, s.from, there))
		if err := os.CopyFS(filepath.Join(w.driver(), s.to, here), from); err != nil {
			return fmt.Errorf("upstream: copy %s of %s: %w", there, s.module, err)
		}
	}
	return nil
}

// copyPackage makes a package a module of its own: module cmd, which it is part
// of, would bring all that it requires, and so other versions of what the driver
// does.
func (w workspace) copyPackage(source, name string) error {
	dir := filepath.Join(w.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(source, name, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o600); err != nil {
			return err
		}
	}
	mod := "module " + ours + name + "\n\ngo 1.26.0\n"
	return os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod), 0o600)
}

// moduleRoot is the folder of the library that module cmd is built with.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := goCommand(ctx, "", []string{"GOWORK=off"}, "list", "-m", "-f", "{{.Dir}}", library)
	return strings.TrimSpace(out), err
}

// download returns where the module cache has a module in the version that the
// go.mod in dir selects, and gets it there if need be.
func download(ctx context.Context, dir, module string) (source, version string, err error) {
	m, err := downloadModule(ctx, dir, module)
	return m.Dir, m.Version, err
}

// downloaded is what go mod download says of a module.
type downloaded struct{ Dir, Version, Sum string }

func downloadModule(ctx context.Context, dir, module string) (downloaded, error) {
	var m downloaded
	out, err := goCommand(ctx, dir, []string{"GOWORK=off"}, "mod", "download", "-json", module)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal([]byte(out), &m); err != nil || m.Dir == "" {
		return m, fmt.Errorf("upstream: go mod download said %q: %w", out, err)
	}
	return m, nil
}

// goCommand returns what the go command printed, or in its error what it
// complained of.
func goCommand(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("upstream: go %s: %w\n%s%s", args[0], err, said.Bytes(), out) // with -json it complains there
	}
	return string(out), nil
}
