package private_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/valet-go/valet/cmd/internal/private"
)

func TestNoServerOutlivesAKilledParent(t *testing.T) {
	private.RequireRedis(t)
	testOrphan(t, "redis")
}

func TestNoPostgresOutlivesAKilledParent(t *testing.T) {
	private.RequirePostgres(t)
	testOrphan(t, "postgres")
}

func testOrphan(t *testing.T, server string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(t.Context(), exe)
	// It cannot remove its server's data, so the test does. t.TempDir is closed to
	// the user as whom a server may have to run.
	dir, err := os.MkdirTemp("", "valet-orphan-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	parent.Env = append(os.Environ(), parentEnv+"="+server, "TMPDIR="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	addr := strings.TrimSpace(line)
	dial(t, addr).Close() // for PostgreSQL, in shutting down, waits for those that say nothing
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait() // killed

	// Not in a tight loop: a server that does not take connections any more may
	// have a full queue of them, and a dial would wait for more than a minute.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		c.Close()
		if time.Now().After(deadline) {
			t.Fatalf("the server at %s is still there", addr)
		}
	}
}
