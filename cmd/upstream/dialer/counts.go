package dialer

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
)

// Counts is what went through dialers.
type Counts struct {
	Dials         int64 // that succeeded
	Read, Written int64 // bytes
	Calls         int64 // with callbacks that package sql started
}

// counter keeps its counts in a file as well, because nothing of ours runs when
// a test program ends. They are saved with every dial and Close; what is moved
// after the last of them is not in the file.
type counter struct {
	dials, read, written, calls atomic.Int64

	mu   sync.Mutex // guards writing to file
	file *os.File   // nil without a folder
}

// record is of the same length always, and so one overwrites another in a single
// write.
const record = "%20d %20d %20d %20d\n"

func newCounter(folder string) (*counter, error) {
	c := &counter{}
	if folder == "" {
		return c, nil
	}
	name := filepath.Join(folder, strconv.Itoa(os.Getpid())) // a driver's packages are tested by a program each
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("upstream: counts: %w", err)
	}
	c.file = file
	return c, nil
}

func (c *counter) save() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		return
	}
	line := fmt.Sprintf(record, c.dials.Load(), c.read.Load(), c.written.Load(), c.calls.Load())
	if _, err := c.file.WriteAt([]byte(line), 0); err != nil {
		panic("upstream: counts: " + err.Error()) // the tests could not be believed
	}
}

// Sum adds up what all dialers have saved to the folder.
func Sum(folder string) (Counts, error) {
	var sum Counts
	files, err := os.ReadDir(folder)
	if err != nil {
		return sum, fmt.Errorf("upstream: counts: %w", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return sum, fmt.Errorf("upstream: counts: %w", err)
		}
		if len(text) == 0 {
			continue // nobody dialled
		}
		var c Counts
		if _, err := fmt.Sscanf(string(text), record, &c.Dials, &c.Read, &c.Written, &c.Calls); err != nil {
			return sum, fmt.Errorf("upstream: counts %q: %w", text, err)
		}
		sum.Dials += c.Dials
		sum.Read += c.Read
		sum.Written += c.Written
		sum.Calls += c.Calls
	}
	return sum, nil
}
