//go:build (linux || darwin || freebsd || netbsd || openbsd || dragonfly) && !valetportable

package fakesock

import (
	"net"
	"sync/atomic"
)

// addresses are those of both ends. A pool of idle connections is seldom asked
// for them, and a [*net.TCPAddr] with its IP takes 80 bytes, so those of TCP
// are kept packed and built when they are asked for.
type addresses struct {
	local, remote endpoint
	built         atomic.Pointer[addrPair]
}

// endpoint is an IP address and a port.
type endpoint struct {
	ip   [16]byte
	port uint16
	size uint8 // of the address: 4 or 16
}

type addrPair struct{ local, remote net.Addr }

func (a *addresses) set(local, remote net.Addr) {
	if !a.local.pack(local) || !a.remote.pack(remote) {
		a.built.Store(&addrPair{local, remote})
	}
}

// pack reports false for what it cannot represent: other networks, zones.
func (e *endpoint) pack(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	if !ok || t == nil || t.Zone != "" || len(t.IP) != 4 && len(t.IP) != 16 {
		return false
	}
	e.size = uint8(copy(e.ip[:], t.IP))
	e.port = uint16(t.Port)
	return true
}

// get returns the same addresses at every call. Any goroutine.
func (a *addresses) get() *addrPair {
	if p := a.built.Load(); p != nil {
		return p
	}
	made := &struct { // one object
		addrPair
		l, r   net.TCPAddr
		lb, rb [16]byte
	}{lb: a.local.ip, rb: a.remote.ip}
	made.l = net.TCPAddr{IP: made.lb[:a.local.size:a.local.size], Port: int(a.local.port)}
	made.r = net.TCPAddr{IP: made.rb[:a.remote.size:a.remote.size], Port: int(a.remote.port)}
	made.addrPair = addrPair{&made.l, &made.r}
	if a.built.CompareAndSwap(nil, &made.addrPair) {
		return &made.addrPair
	}
	return a.built.Load()
}

// network is the name of one, as package net writes it in errors.
type network uint8

const (
	netTCP network = iota
	netTCP4
	netTCP6
	netUnix
)

var networkNames = [...]string{"tcp", "tcp4", "tcp6", "unix"}

func (n network) String() string { return networkNames[n] }

// networkOf falls back to TCP, since only stream networks get here.
func networkOf(name string) network {
	for n, s := range networkNames {
		if s == name {
			return network(n)
		}
	}
	return netTCP
}
