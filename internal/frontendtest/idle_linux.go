package frontendtest

import (
	"net"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// IdleConnection checks that a client which is connected, has sent something and
// got a reply, but does nothing now, costs no more than so many bytes of memory
// in the front end and its engine. It logs how many they are.
func IdleConnection(t *testing.T, h Host, most int) {
	const clients = 2000
	a, _ := serve(t, h, &Server{Data: echo})
	to := a.(*net.TCPAddr)
	open := func() (fds []int) {
		for range clients {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			fds = append(fds, fd)
			if err := unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}); err != nil {
				t.Fatal(err)
			}
			if _, err := unix.Write(fd, []byte("x")); err != nil {
				t.Fatal(err)
			}
			if n, err := unix.Read(fd, make([]byte, 1)); n != 1 {
				t.Fatal(n, err)
			}
		}
		return fds
	}
	before := heap()
	fds := open()
	after := heap()
	for _, fd := range fds {
		unix.Close(fd)
	}
	each := (int(after) - int(before) - 8*cap(fds)) / clients
	t.Logf("an idle connection costs %d bytes", each)
	if each > most {
		t.Errorf("an idle connection costs %d bytes, more than %d", each, most)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
