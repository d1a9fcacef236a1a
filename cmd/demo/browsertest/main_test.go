package browsertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/valet-go/valet/internal/leaktest"
)

// nats-server and the driver have goroutines from their init functions on.
func TestMain(m *testing.M) { leaktest.Main(tests{m}, goleak.IgnoreCurrent()) }

// tests are the package's, with a folder for the program that they share.
type tests struct{ *testing.M }

var folder string

func (m tests) Run() int {
	var err error
	if folder, err = os.MkdirTemp("", "valet-browsertest-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	return m.M.Run()
}

// program is the demo, built when it is first needed. Its errors are races, too.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "demo")
	build := exec.Command("go", "build", "-race", "-ldflags=-w", "-o", path, "github.com/valet-go/valet/cmd/demo")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", build, err, out)
	}
	return path, nil
})
