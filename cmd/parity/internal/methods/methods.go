// Package methods counts which of a driver's methods a parity suite has called
// through callbacks, and judges whether they were enough.
package methods

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// least is how much of what is wrapped must have been called, in percent.
const least = 90

// Seen is what was called. A nil one, the raw driver's, counts nothing.
type Seen struct {
	mu      sync.Mutex        // guards the others
	calls   map[string]int    // of the adapter, by their names
	through map[string]int    // methods that were called, and whose call was heard
	names   map[string]string // of the calls that methods start; a method that is not here starts none
}

// NewSeen takes what the calls are named that methods, such as "DB.Query", start.
func NewSeen(names map[string]string) *Seen {
	return &Seen{calls: map[string]int{}, through: map[string]int{}, names: names}
}

// Hear counts a call of the adapter.
func (s *Seen) Hear(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
}

// Heard is how many calls there were that are named as the method's.
func (s *Seen) Heard(method string) int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[s.names[method]]
}

// Called counts a method whose call, if it makes one, was heard since there were
// so many before.
func (s *Seen) Called(method string, before int) {
	if s == nil {
		return
	}
	if _, starts := s.names[method]; starts && s.Heard(method) == before {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.through[method]++
}

// Judge reports which methods of those that should be were called, and fails if
// that is too little, or if there should be fewer than few.
func (s *Seen) Judge(t *testing.T, what string, want []string, few int) {
	t.Helper()
	var missing, receivers []string
	of, have := map[string]int{}, map[string]int{}
	for _, method := range want {
		receiver, _, _ := strings.Cut(method, ".")
		if of[receiver]++; of[receiver] == 1 {
			receivers = append(receivers, receiver)
		}
		if s.through[method] > 0 {
			have[receiver]++
		} else {
			missing = append(missing, method)
		}
	}
	for _, r := range receivers {
		t.Logf("%s: %d of %d methods", r, have[r], of[r])
	}
	slices.Sort(missing)
	called := len(want) - len(missing)
	percent := 100 * called / max(1, len(want))
	t.Logf("%d of %d %s were called through callbacks, %d %%; missing: %v", called, len(want), what, percent, missing)
	if percent < least || len(want) < few {
		t.Errorf("%d %% of %d %s were called, want at least %d %% of %d", percent, len(want), what, least, few)
	}
}
