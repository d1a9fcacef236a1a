package browsertest

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/valet-go/valet/cmd/internal/private"
)

// patience is how long anything may take that does happen.
const patience = time.Minute

// printed is what a process prints.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
	more chan struct{}
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

var announced = regexp.MustCompile(`(?m)^Chat at (http://\S+/) `)

// serve is launch for one.
func serve(t *testing.T, args ...string) (url string) {
	t.Helper()
	return launch(t, args...)()
}

// launch runs the demo until the end of the test. It must end well when it is
// interrupted, which it does not after a data race. The function waits until it
// serves, and returns its address.
func launch(t *testing.T, args ...string) (ready func() (url string)) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	out := &printed{more: make(chan struct{}, 1)}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), "GORACE=halt_on_error=1")
	ended, err := private.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-ended:
		case <-time.After(patience):
			cmd.Process.Kill()
			<-ended
		}
		if !cmd.ProcessState.Success() {
			t.Errorf("the demo has ended by %v", cmd.ProcessState)
		}
		if t.Failed() {
			t.Logf("the demo said:\n%s", out)
		}
	})
	return func() string {
		t.Helper()
		for deadline := time.After(patience); ; {
			if found := announced.FindStringSubmatch(out.String()); found != nil {
				return found[1]
			}
			select {
			case <-out.more:
			case <-ended:
				t.Fatal("the demo has ended")
			case <-deadline:
				t.Fatal("the demo does not serve")
			}
		}
	}
}
