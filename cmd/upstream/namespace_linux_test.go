package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// The addresses are for documentation (RFC 5737): nobody has them.
const (
	swallowed   = "192.0.2.1"
	unreachable = "198.51.100.1"
)

func TestANamespaceHasNothingButItsLoopback(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	t.Setenv(insideEnv, "1")
	err := enter(t.Context(), nil)
	if errors.Is(err, errNoNamespace) && os.Getenv("VALET_REQUIRE_ALL") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	// Root had no need for this way in. It may be closed to root.
	if err := start(t.Context(), asUser(), nil); err != nil && !errors.Is(err, errNoNamespace) {
		t.Fatal("in a user namespace:", err)
	}
}

// beInside is that test in the namespace.
func beInside() {
	if err := setUp([]string{swallowed}); err != nil {
		fmt.Println(err)
		os.Exit(noNamespaceStatus)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	for _, c := range []struct {
		addr string
		want func(error) bool
	}{
		{ln.Addr().String(), func(err error) bool { return err == nil }},
		{swallowed + ":1", os.IsTimeout},
		{unreachable + ":1", func(err error) bool { return errors.Is(err, syscall.ENETUNREACH) }},
	} {
		conn, err := net.DialTimeout("tcp", c.addr, 200*time.Millisecond)
		if err == nil {
			conn.Close()
		}
		if !c.want(err) {
			fail(fmt.Errorf("%s: %w", c.addr, err))
		}
	}
	os.Exit(0)
}

func fail(err error) {
	fmt.Println(err)
	os.Exit(1)
}

// TestOutsideANamespaceNothingIsRun has nothing to test on a machine without a
// network.
func TestOutsideANamespaceNothingIsRun(t *testing.T) {
	if checkAlone() == nil {
		return
	}
	if err := setUp(nil); !errors.Is(err, errNoNamespace) {
		t.Errorf("got %v", err)
	}
}

func TestAGroupEndsAsAWhole(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "sleep 3600 & echo $!; wait")
	group(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscan(out, &child); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Cancel(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // killed
	// A zombie of somebody else's is still there, but has no command line.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child))
		if err != nil || len(text) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the child of a killed command still runs")
		}
	}
}
