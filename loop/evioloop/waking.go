//go:build linux || darwin || freebsd

package evioloop

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/valet-go/valet/internal/frontend"
)

// maxDials is how many wake connections per loop are tried before a start is
// given up.
const maxDials = 64

var errNotPlaced = errors.New("clients come so fast that a loop of evio does not get to accept its wake connection")

// waking is our ends of the wake connections, one for each loop of evio. Which
// loop accepts a connection is for evio to choose: the one that has the fewest.
// So each gets one, unless clients come in between; then more are dialled, and
// those that a loop has no need of stay open until every loop has its own, so
// that its share of connections does not fall back. A connection begins by
// saying its number.
type waking struct {
	mu     sync.Mutex // guards the rest
	ends   []int      // by number; -1: closed
	used   []bool     // by number: a loop is woken by it
	loops  int
	placed chan bool // whether a connection that a loop has accepted is of use
}

func (w *waking) reset(loops int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends, w.used, w.loops = nil, nil, loops
	w.placed = make(chan bool, loops*maxDials)
}

// dial makes another connection to evio's private listener.
func (w *waking) dial(path string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ends) >= w.loops*maxDials {
		return errNotPlaced
	}
	fd, err := connectUnix(path)
	if err != nil {
		return err
	}
	number := binary.BigEndian.AppendUint32(nil, uint32(len(w.ends)))
	w.ends, w.used = append(w.ends, fd), append(w.used, false)
	if n, err := frontend.Send(fd, number); n != len(number) {
		return fmt.Errorf("send to the wake connection: %w", errors.Join(err, unix.EMSGSIZE))
	}
	return nil
}

// take gives a loop the connection that has said number, or reports that it is
// none of ours. use tells whether the loop wants it.
func (w *waking) take(number []byte, use bool) (fd int, ok bool) {
	if len(number) != 4 {
		return -1, false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i := int(binary.BigEndian.Uint32(number))
	if i >= len(w.ends) || w.ends[i] < 0 || w.used[i] {
		return -1, false
	}
	w.used[i] = use
	w.placed <- use
	return w.ends[i], true
}

// await returns when every loop has its connection, or evio has ended.
func (w *waking) await(path string, ended <-chan struct{}) error {
	for missing := w.loops; missing > 0; {
		select {
		case <-ended:
			return errors.New("evio has ended")
		case used := <-w.placed:
			if used {
				missing--
			} else if err := w.dial(path); err != nil {
				return err
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, used := range w.used {
		if !used {
			unix.Close(w.ends[i])
			w.ends[i] = -1
		}
	}
	return nil
}

func (w *waking) closeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, fd := range w.ends {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	w.ends = nil
}

func (e *engine) wakePath() string { return filepath.Join(e.dir, "wake") }
