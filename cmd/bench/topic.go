package main

import (
	"sync"
	"sync/atomic"
)

// topic is what handlers wait for that may block: the next message.
type topic struct {
	mu    sync.Mutex
	next  *message // guarded by mu
	ended bool     // the same

	count atomic.Int64 // of those that wait
}

// message is one that comes, or has come.
type message struct {
	sent chan struct{} // closed once text is there
	text []byte
}

func newTopic() *topic { return &topic{next: &message{sent: make(chan struct{})}} }

// wait blocks until the next message comes, or gone is closed, when it reports
// false. Once the topic has ended it does not block.
func (t *topic) wait(gone <-chan struct{}) (text []byte, ok bool) {
	t.mu.Lock()
	m := t.next
	t.mu.Unlock()
	t.count.Add(1)
	defer t.count.Add(-1)
	select {
	case <-m.sent:
		return m.text, true
	case <-gone:
		return nil, false
	}
}

func (t *topic) waiting() int { return int(t.count.Load()) }

// broadcast sends a message to those that wait.
func (t *topic) broadcast(text []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	m := t.next
	t.next = &message{sent: make(chan struct{})}
	m.text = text
	close(m.sent)
}

// end sends an empty message to those that wait, and to those that will.
func (t *topic) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		t.ended = true
		close(t.next.sent)
	}
}
