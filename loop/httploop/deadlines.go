package httploop

import (
	"sync"
	"time"
)

// wait is what a client is waited for. Each has a time of its own, so that
// those who wait for the same thing end in the order in which they began.
type wait uint8

const (
	forNothing wait = iota
	forRequest      // its first byte
	forHeader       // the rest of it
	forBody
	forRoom    // to read the answers that wait for it
	forLeaving // until it has read why it was refused
	waits
)

// leaving is how long a client that was refused may go on sending.
const leaving = 500 * time.Millisecond

// deadlines are those of a server's clients. A timer for each would be a
// hundred bytes more for each; here there is one for all.
type deadlines struct {
	mu    sync.Mutex // guards the rest, and waiting of the clients
	lists [waits]list
	timer *time.Timer // runs if one of the lists has a client
	at    int64       // when it is due, or 0 if it does not run
}

// list is who waits for the same thing, who began first first.
type list struct{ first, last *client }

// waiting is a client's place in one of the lists.
type waiting struct {
	until      int64 // in nanoseconds since epoch
	prev, next *client
}

// epoch is what times are counted from, since a time.Time has three words.
var epoch = time.Now()

func now() int64 { return int64(time.Since(epoch)) }

// set says what k is waited for from now on. Any goroutine.
func (d *deadlines) set(k *client, w wait) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if k.list != forNothing {
		d.lists[k.list].remove(k)
	}
	k.list = w
	if w == forNothing {
		return
	}
	k.w.until = now() + int64(k.srv.timeout(w))
	d.lists[w].add(k)
	if d.at == 0 || k.w.until < d.at {
		d.armLocked()
	}
}

// counts reports whether k's time is being counted.
func (d *deadlines) counts(k *client) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return k.list != forNothing
}

// armLocked makes expire run when the first client's time is over.
func (d *deadlines) armLocked() {
	first := int64(-1)
	for w := range d.lists {
		if k := d.lists[w].first; k != nil && (first < 0 || k.w.until < first) {
			first = k.w.until
		}
	}
	if d.at = max(first, 0); d.at == 0 {
		return
	}
	in := max(time.Duration(first-now()), deadlineStep)
	if d.timer == nil {
		d.timer = time.AfterFunc(in, d.expire)
		return
	}
	d.timer.Reset(in)
}

// deadlineStep is how late a timeout may be noticed, so that a thousand of them
// do not need a thousand wake-ups.
const deadlineStep = 50 * time.Millisecond

// expire tells the clients whose time is over, each on its own goroutine.
func (d *deadlines) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := now()
	for w := range d.lists {
		for k := d.lists[w].first; k != nil && k.w.until <= t; k = d.lists[w].first {
			d.lists[w].remove(k)
			k.list = forNothing
			since := wait(w)
			_ = k.c.Post(func() { k.timedOut(since) }) // else it is gone anyway
		}
	}
	d.armLocked()
}

func (l *list) add(k *client) {
	k.w.prev, k.w.next = l.last, nil
	if l.last != nil {
		l.last.w.next = k
	} else {
		l.first = k
	}
	l.last = k
}

func (l *list) remove(k *client) {
	if k.w.prev != nil {
		k.w.prev.w.next = k.w.next
	} else {
		l.first = k.w.next
	}
	if k.w.next != nil {
		k.w.next.w.prev = k.w.prev
	} else {
		l.last = k.w.prev
	}
	k.w.prev, k.w.next = nil, nil
}
