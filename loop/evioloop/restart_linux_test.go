package evioloop

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The tests of what happens without descriptors run in a process of their own.

func TestAcceptFailureRestarts(t *testing.T)        { runChild(t, "accept") }
func TestRefusesWhenDescriptorsRunOut(t *testing.T) { runChild(t, "refuse") }
func TestServeWithoutDescriptors(t *testing.T)      { runChild(t, "start") }

func runChild(t *testing.T, what string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), "EVIOLOOP_CHILD="+what)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "fine\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

func child(what string) {
	must(unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 128, Max: 128}))
	s := &Server{Data: echo, Logger: slog.New(slog.DiscardHandler)}
	map[string]func(*Server){"accept": childAccept, "refuse": childRefuse, "start": childStart}[what](s)
	fmt.Println("fine")
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// serveChild is serve without a testing.T.
func serveChild(s *Server) (string, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan string)
	ended := make(chan error)
	s.Ready = func(addrs []net.Addr) { ready <- addrs[0].String() }
	go func() { ended <- s.Serve(ctx, "tcp://127.0.0.1:0") }()
	return <-ready, func() {
		cancel()
		must(<-ended)
	}
}

// exhaust takes every free descriptor and returns what gives them back.
func exhaust() (release func()) {
	var fds []int
	for {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return func() {
				for _, fd := range fds {
					unix.Close(fd)
				}
			}
		}
		fds = append(fds, fd)
	}
}

// EVIO.md, 4: an accept error ends evio, and evio.Serve returns nil.
func childAccept(s *Server) {
	lost := make(chan error, 1)
	s.Closed = func(_ *Conn, err error) { lost <- err }
	var ran atomic.Int64
	conns := make(chan *Conn, 10)
	s.Opened = func(c *Conn) { conns <- c }
	addr, stop := serveChild(s)
	first := roundTrip(addr)
	c := <-conns

	// A connection is made without a free descriptor: the client's is the last.
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	must(err)
	release := exhaust()
	a, err := net.ResolveTCPAddr("tcp4", addr)
	must(err)
	must(unix.Connect(fd, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}))
	if err := <-lost; err == nil {
		panic("closed without a reason")
	}
	// While evio is down what is posted still runs, on one goroutine.
	done := make(chan struct{})
	for range 1000 {
		must(c.Post(func() {
			if ran.Add(1) == 1000 {
				close(done)
			}
		}))
	}
	<-done
	release()
	roundTrip(addr).Close() // the same port
	if s.Restarts() != 1 {
		panic(fmt.Sprint(s.Restarts(), " restarts"))
	}
	unix.Close(fd)
	first.Close()
	stop()
}

func roundTrip(addr string) net.Conn {
	for {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			continue
		}
		_, _ = c.Write([]byte("x"))
		if n, _ := c.Read(make([]byte, 1)); n == 1 {
			return c
		}
		c.Close()
	}
}

// Clients beyond what the descriptors allow are sent away, and evio lives on.
func childRefuse(s *Server) {
	addr, stop := serveChild(s)
	first := roundTrip(addr)
	defer first.Close()
	release := exhaust()
	release() // all the same, so that only the clients below count
	var clients []net.Conn
	for s.Refused() == 0 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			panic(err)
		}
		clients = append(clients, c)
		_, _ = c.Write([]byte("x"))
		if n, _ := c.Read(make([]byte, 1)); n == 0 {
			break
		}
	}
	for _, c := range clients {
		c.Close()
	}
	roundTrip(addr).Close()
	_, _ = first.Write([]byte("y"))
	if n, err := first.Read(make([]byte, 1)); n != 1 {
		panic(err)
	}
	if s.Refused() == 0 || s.Restarts() != 0 {
		panic(fmt.Sprintf("%d refused, %d restarts", s.Refused(), s.Restarts()))
	}
	stop()
}

// Without the descriptors that evio needs Serve fails; evio would hang.
func childStart(s *Server) {
	var fds []int
	for range 8 { // the loop of package loop may have some
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		must(err)
		fds = append(fds, fd)
	}
	exhaust()
	for _, fd := range fds {
		unix.Close(fd)
	}
	err := s.Serve(context.Background(), "tcp://127.0.0.1:0")
	if err == nil || !strings.Contains(err.Error(), syscall.EMFILE.Error()) {
		panic(fmt.Sprint(err))
	}
}
