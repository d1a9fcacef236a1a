package httploop

import (
	"net"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/valet-go/valet/internal/frontendtest"
)

// A client that waits for its answer costs little, with its connection, its
// Exchange, and what a handler needs to find it again.
func TestAWaitingClientIsSmall(t *testing.T) {
	const (
		clients = 2000
		most    = 700 // bytes for each
	)
	oneLoop := func(t *testing.T, s *Server) net.Addr { return serveEvio(t, s, 1) }
	for name, serve := range map[string]func(*testing.T, *Server) net.Addr{"Listen": serveLoop, "evio": oneLoop} {
		t.Run(name, func(t *testing.T) {
			r := &room{
				waiting: map[*Exchange]struct{}{},
				came:    make(chan struct{}, clients), left: make(chan struct{}, clients),
			}
			to := serve(t, &Server{Handler: r.enter}).(*net.TCPAddr)
			fds := make([]int, 0, clients)
			ask := func(n int) {
				for range n {
					fds = append(fds, bareClient(t, to, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"))
				}
				for range n {
					frontendtest.Await(t, "a request", r.came)
				}
			}
			leave := func() {
				for _, fd := range fds {
					syscall.Close(fd)
				}
				for range fds {
					frontendtest.Await(t, "the end of a client", r.left)
				}
				fds = fds[:0]
			}
			ask(100) // for what comes once
			leave()
			before := liveHeap()
			ask(clients)
			each := (int(liveHeap()) - int(before)) / clients
			leave()
			t.Logf("a waiting client costs %d bytes", each)
			if each > most {
				t.Errorf("a waiting client costs %d bytes, more than %d", each, most)
			}
		})
	}
}

// room is where clients wait.
type room struct {
	mu         sync.Mutex // guards waiting
	waiting    map[*Exchange]struct{}
	came, left chan struct{}
}

func (r *room) enter(x *Exchange) {
	r.mu.Lock()
	r.waiting[x] = struct{}{}
	r.mu.Unlock()
	x.OnGone(func() { r.leave(x) })
	r.came <- struct{}{}
}

func (r *room) leave(x *Exchange) {
	r.mu.Lock()
	delete(r.waiting, x)
	r.mu.Unlock()
	r.left <- struct{}{}
}

// bareClient is one that has sent a request, and no memory in this process.
func bareClient(t *testing.T, to *net.TCPAddr, request string) (fd int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
		t.Fatal(err)
	}
	if n, err := syscall.Write(fd, []byte(request)); n != len(request) {
		t.Fatal(n, err)
	}
	return fd
}

func liveHeap() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
