package bus

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between a bus and its broker, and can stop passing on what both
// say, as a network does that fails.
type proxy struct {
	ln   net.Listener
	to   string
	gate sync.RWMutex // held while nothing is passed on
	wg   sync.WaitGroup

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

// startProxy returns a proxy and the URL by which the broker is reached through it.
func startProxy(t *testing.T, raw string) (*proxy, string) {
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{to: u.Host}
	if p.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		p.ln.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	u.Host = p.ln.Addr().String()
	return p, u.String()
}

func (p *proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		s, err := net.Dial("tcp", p.to)
		if err != nil {
			c.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, c, s)
		p.mu.Unlock()
		p.wg.Go(func() { p.pass(c, s) })
		p.wg.Go(func() { p.pass(s, c) })
	}
}

func (p *proxy) pass(to io.WriteCloser, from io.Reader) {
	defer to.Close()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		p.gate.RLock()
		_, werr := to.Write(buf[:n])
		p.gate.RUnlock()
		if err != nil || werr != nil {
			return
		}
	}
}
