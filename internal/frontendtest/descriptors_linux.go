package frontendtest

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/leaktest"
)

// WithoutDescriptors checks what happens when the process has no descriptor
// left: in a process of its own for each test, which may have few.
func WithoutDescriptors(t *testing.T, h Host) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Host)
	}{
		{"AnAcceptErrorRestarts", acceptErrorRestarts},
		{"ClientsAreRefused", clientsAreRefused},
		{"ServeFails", serveFails},
	} {
		t.Run(test.name, func(t *testing.T) { inChild(t, func() { test.run(t, h) }) })
	}
}

// inChild runs the test t again, and f in there.
func inChild(t *testing.T, f func()) {
	const child = "FRONTENDTEST_CHILD"
	if os.Getenv(child) == t.Name() {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 128, Max: 128}); err != nil {
			t.Fatal(err)
		}
		f()
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	only := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.CommandContext(ctx, exe, "-test.v", "-test.run", only)
	cmd.Env = append(os.Environ(), child+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("%v\n%s", err, out)
	}
}

// exhaust takes every free descriptor but so many, and returns what gives them
// back.
func exhaust(t *testing.T, but int) (release func()) {
	t.Helper()
	var fds []int
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			break
		}
		fds = append(fds, fd)
	}
	if len(fds) < but {
		t.Fatalf("only %d descriptors were free", len(fds))
	}
	free := func(fds []int) {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}
	free(fds[:but])
	return func() { free(fds[but:]) }
}

// tryEcho connects, and has one byte sent back. It returns nil if the server
// does not do that.
func tryEcho(a net.Addr) net.Conn {
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		return nil
	}
	_, _ = c.Write([]byte("x"))
	if n, _ := c.Read(make([]byte, 1)); n == 0 {
		c.Close()
		return nil
	}
	return c
}

// served connects as soon as the server serves.
func served(a net.Addr) net.Conn {
	for {
		if c := tryEcho(a); c != nil {
			return c
		}
	}
}

// An accept error ends evio and gnet. They are started again on the same port,
// and meanwhile what is posted is run.
func acceptErrorRestarts(t *testing.T, h Host) {
	lost := make(chan error, 10)
	conns := make(chan Conn, 10)
	a, _, running := serveRunning(t, h, &Server{
		Data:   echo,
		Opened: func(c Conn) { conns <- c },
		Closed: func(_ Conn, err error) { lost <- err },
	})
	first := served(a)
	defer first.Close()
	c := <-conns

	// A connection is made without a free descriptor: the client's is the last.
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	release := exhaust(t, 0)
	to := a.(*net.TCPAddr)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
		t.Fatal(err)
	}
	if err := Await(t, "Closed", lost); err == nil {
		t.Error("closed without a reason")
	}
	ran := 0 // on one goroutine
	done := make(chan struct{})
	for range 1000 {
		if err := c.Post(func() {
			if ran++; ran == 1000 {
				close(done)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	Await(t, "what was posted", done)
	release()
	served(a).Close()
	if n := running.Restarts(); n != 1 {
		t.Errorf("%d restarts", n)
	}
}

// Clients beyond what the descriptors allow are sent away, and the engine lives
// on.
func clientsAreRefused(t *testing.T, h Host) {
	a, _, running := serveRunning(t, h, &Server{Data: echo})
	first := served(a)
	defer first.Close()
	exhaust(t, 0)() // so that Go's poller and the like have theirs, and only the clients below count
	var clients []net.Conn
	for running.Refused() == 0 {
		c := tryEcho(a)
		if c == nil {
			break
		}
		clients = append(clients, c)
	}
	for _, c := range clients {
		c.Close()
	}
	served(a).Close()
	_, _ = first.Write([]byte("y"))
	if n, err := first.Read(make([]byte, 1)); n != 1 {
		t.Error("the first client is not served any more:", err)
	}
	if running.Refused() == 0 || running.Restarts() != 0 {
		t.Errorf("%d refused, %d restarts", running.Refused(), running.Restarts())
	}
}

// Without the descriptors that the engine needs Serve fails.
func serveFails(t *testing.T, h Host) {
	defer exhaust(t, 8)() // the loop of package loop may have some
	err := h.New(&Server{Data: echo}).Serve(context.Background(), "tcp://127.0.0.1:0")
	if !errors.Is(err, syscall.EMFILE) {
		t.Error(err)
	}
}

// PostsAfterTheEnd checks that nothing is written then to the descriptors that the
// engine had: their numbers are given to eventfds, which would count it.
func PostsAfterTheEnd(t *testing.T, h Host) {
	c, cl, stop := connect(t, h, &Server{Data: echo})
	cl.ask(t, "x")
	highest := 0
	for fd := range leaktest.Descriptors() {
		n, _ := strconv.Atoi(fd)
		highest = max(highest, n)
	}
	stop()
	var fds []int
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	for len(fds) == 0 || fds[len(fds)-1] <= highest {
		fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
	}
	for range 100 {
		if err := c.Post(func() {}); err == nil {
			t.Fatal("Post after the end")
		}
		c.PauseReading()
		c.ResumeReading()
		_, _ = c.WriteString("12345678")
		c.Close()
	}
	for _, fd := range fds {
		if n, err := unix.Read(fd, make([]byte, 8)); err != unix.EAGAIN {
			t.Errorf("descriptor %d was written to: %d, %v", fd, n, err)
		}
	}
}
