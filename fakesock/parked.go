package fakesock

import (
	"cmp"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/valet-go/valet/loop"
)

// ParkedOp is an operation that waits.
type ParkedOp struct {
	// Op is "read", "write", "accept", "readfrom", or, of a RawConn,
	// "raw-read" or "raw-write", as in the errors of package net. A ReadFrom
	// that copies is a "write".
	Op string
	// Local and Remote are the connection's addresses; Remote is nil for
	// "accept".
	Local, Remote net.Addr
	// Since is when it parked; an operation that has moved some bytes, and
	// parks again, starts anew.
	Since time.Time
	// Deadline is when it will fail; the zero time means never.
	Deadline time.Time
}

// Parked returns the operations that are parked on the connections and
// listeners of l, the longest first. Any goroutine, callbacks and the functions
// given to a RawConn included; it waits for no operation. It first lists the
// connections of l, and keeps others from being opened and closed meanwhile,
// for some 10 ns per connection. It is a snapshot: an operation that it returns
// may have ended. On a closed loop nothing is parked.
//
// Where Go's own poller does the waiting (see the package doc) an operation
// that has not returned yet counts as parked.
func Parked(l *loop.Loop) []ParkedOp {
	found := parkedOn(listed(l))
	slices.SortFunc(found, func(a, b parkedOp) int { return cmp.Compare(a.since, b.since) })
	list := make([]ParkedOp, len(found))
	for i, f := range found {
		list[i] = f.public()
	}
	return list
}

// parkedOp is what was found parked in a direction of a socket.
type parkedOp struct {
	waiter
	deadline int64
	s        *sock
	d        *direction
}

// parkedOn returns what is parked on the sockets.
func parkedOn(socks []*sock) (found []parkedOp) {
	for _, s := range socks {
		for _, d := range [...]*direction{&s.r, &s.w} {
			if w := d.waiting(); w.kind != 0 {
				found = append(found, parkedOp{w, d.deadline.Load(), s, d})
			}
		}
	}
	return found
}

func (p *parkedOp) public() ParkedOp {
	local, remote := p.s.ends()
	return ParkedOp{opNames[p.kind], local, remote, timeAt(p.since), timeAt(p.deadline)}
}

// roster lists the sockets that are open, by loop: the list runs through the
// sockets. It refers to no Conn, which may become garbage, and to no loop that
// has no sockets.
var roster = struct {
	mu sync.Mutex // guards of, and the links of all sockets
	of map[*loop.Loop]*sock
}{of: map[*loop.Loop]*sock{}}

// listed returns the sockets of l. They may be closed meanwhile.
func listed(l *loop.Loop) (socks []*sock) {
	roster.mu.Lock()
	defer roster.mu.Unlock()
	for s := roster.of[l]; s != nil; s = s.next {
		socks = append(socks, s)
	}
	return socks
}

// listedAnywhere returns the sockets of all loops. They may be closed meanwhile.
func listedAnywhere() (socks []*sock) {
	roster.mu.Lock()
	defer roster.mu.Unlock()
	for _, s := range roster.of {
		for ; s != nil; s = s.next {
			socks = append(socks, s)
		}
	}
	return socks
}

// link is a socket's place in the roster.
type link struct {
	prev, next *sock
	loop       *loop.Loop // nil: not in the roster
}

func (s *sock) enlist(l *loop.Loop) {
	roster.mu.Lock()
	defer roster.mu.Unlock()
	s.link = link{nil, roster.of[l], l}
	if s.next != nil {
		s.next.prev = s
	}
	roster.of[l] = s
}

// strike takes s off the roster. Once is enough.
func (s *sock) strike() {
	roster.mu.Lock()
	defer roster.mu.Unlock()
	switch {
	case s.loop == nil:
		return
	case s.prev != nil:
		s.prev.next = s.next
	case s.next != nil:
		roster.of[s.loop] = s.next
	default:
		delete(roster.of, s.loop)
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.link = link{}
}
