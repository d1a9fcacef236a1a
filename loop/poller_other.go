//go:build valetportable || !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package loop

import (
	"errors"
	"time"
)

// poller here can wait for wakes and timers only. It serves the systems that
// have neither epoll nor kqueue, and, with the build tag valetportable, the
// tests of what those systems get.
type poller struct {
	woken chan struct{} // capacity 1
	until time.Time
}

func newPoller() (*poller, error) { return &poller{woken: make(chan struct{}, 1)}, nil }

func (*poller) add(int, Interest, key) error    { return errors.ErrUnsupported }
func (*poller) modify(int, Interest, key) error { return errors.ErrUnsupported }
func (*poller) remove(int) error                { return errors.ErrUnsupported }
func (*poller) poll(into []event) []event       { return into }
func (p *poller) arm(until time.Time)           { p.until = until }

func (p *poller) wait(into []event) []event {
	if p.until.IsZero() {
		<-p.woken
		return into
	}
	t := time.NewTimer(time.Until(p.until))
	defer t.Stop()
	select {
	case <-p.woken:
	case <-t.C:
	}
	return into
}

func (p *poller) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

func (*poller) close() error { return nil }
