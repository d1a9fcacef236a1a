package private

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// ErrNotInstalled is in the chain of the error of a server that this machine
// does not have. The whole text says what to install.
var ErrNotInstalled = errors.New("private: server not installed")

const (
	startTimeout = 30 * time.Second // for one start, from exec to the first answer
	pollInterval = 5 * time.Millisecond
	portAttempts = 5
)

// Server is a server process that belongs to this program.
type Server struct {
	kind kind
	path string   // of the program
	dir  string   // data, log and socket; removed by Close
	as   *account // that the program runs as
	port int

	mu     sync.Mutex
	proc   *process // guarded by mu; the last one started
	closed bool     // guarded by mu
}

// kind is what distinguishes one sort of server from another.
type kind struct {
	program string // as installed
	debian  string // the package that it comes in
	notRoot string // the user that replaces root, if it refuses to run as that
	family  bool   // it serves each connection in a child process
	args    func(s *Server) []string
	ready   func(ctx context.Context, s *Server) error // one attempt
}

// newServer finds the program and makes the data folder, but starts nothing.
func newServer(k kind) (*Server, error) {
	path, err := find(k.program, k.debian)
	if err != nil {
		return nil, err
	}
	as, err := k.account()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "valet-"+k.program+"-")
	if err != nil {
		return nil, fmt.Errorf("private: %w", err)
	}
	s := &Server{kind: k, path: path, dir: dir, as: as}
	if err := as.give(dir); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// startAnywhere starts the server on a free port. Another program may take the
// port between the search and the server's bind, so it tries several.
func (s *Server) startAnywhere(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for range portAttempts {
		if s.port, err = freePort(); err != nil {
			return err
		}
		if err = s.startLocked(ctx); err == nil || !errors.Is(err, errExited) {
			return err
		}
	}
	return err
}

// startLocked starts the server on s.port and waits for its first answer.
func (s *Server) startLocked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	cmd := exec.Command(s.path, s.kind.args(s)...)
	cmd.Dir = s.dir
	proc, err := startProcess(cmd, s.as, s.kind.family, s.logFile())
	if err != nil {
		return err
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		notReady := s.kind.ready(ctx, s)
		if notReady == nil && !proc.exited() {
			s.proc = proc
			return nil
		}
		select {
		case <-proc.done:
			return fmt.Errorf("private: %s: %w%s", s.kind.program, errExited, s.logTail())
		case <-ctx.Done():
			proc.kill()
			return fmt.Errorf("private: %s is not ready: %w (%w)%s",
				s.kind.program, ctx.Err(), notReady, s.logTail())
		case <-tick.C:
		}
	}
}

// Addr is the host and port that the server listens on, the same after a
// Restart.
func (s *Server) Addr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
}

// Pid is the process id of the server.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proc.cmd.Process.Pid
}

// Signal sends a signal to the server.
func (s *Server) Signal(sig os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.proc.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("private: signal %s: %w", s.kind.program, err)
	}
	return nil
}

// Pause makes the server stand still: its port and connections stay open, and
// nothing is answered. It returns before the server has stopped entirely.
// Outside Unix, and for PostgreSQL outside Linux, it reports
// [errors.ErrUnsupported].
func (s *Server) Pause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.proc.pause(); err != nil {
		return fmt.Errorf("private: pause %s: %w", s.kind.program, err)
	}
	return nil
}

// Resume ends a Pause.
func (s *Server) Resume() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.proc.resume(); err != nil {
		return fmt.Errorf("private: resume %s: %w", s.kind.program, err)
	}
	return nil
}

// Kill ends the server at once, as a power failure would, and waits until the
// process is gone. The data stay for a Restart.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proc.kill()
}

// Restart kills the server if it runs and starts it again at the same address
// and with the same data. It returns when the server answers.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("private: restart %s: %w", s.kind.program, os.ErrClosed)
	}
	s.proc.kill()
	return s.startLocked(ctx)
}

// Close ends the server, waits until the process is gone and removes its data.
// It may be called more than once.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.proc != nil {
		s.proc.end()
	}
	return os.RemoveAll(s.dir)
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "valet.log") }

// logTail is the end of what the server printed, for an error message.
func (s *Server) logTail() string {
	text, err := os.ReadFile(s.logFile())
	if err != nil || len(text) == 0 {
		return ""
	}
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return ". It said:\n" + string(bytes.TrimSpace(text))
}

// find looks for a program in PATH, and where Debian keeps servers, which is
// not in every user's PATH. Of several versions it takes the last.
func find(program, debian string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	for _, folder := range []string{"/usr/sbin", "/usr/lib/postgresql/*/bin"} {
		found, _ := filepath.Glob(filepath.Join(folder, program)) // the patterns are well-formed
		for _, path := range slices.Backward(found) {
			if path, err := exec.LookPath(path); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%w: %s (run make deps, or apt-get install %s)", ErrNotInstalled, program, debian)
}

func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("private: find a free port: %w", err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}
