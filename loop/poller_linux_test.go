//go:build !valetportable

package loop

import (
	"testing"
	"time"
)

// A wait whose time has passed still looks: otherwise a timer that is always
// due would keep sockets from being served.
func TestAWaitThatIsOverReportsWhatIsReady(t *testing.T) {
	r, w := pipe(t)
	write(t, w, "x")
	p, err := newPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := p.add(r, Readable, key{slot: 7}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		p.arm(time.Now().Add(-time.Second))
		if found := p.wait(nil); len(found) != 1 || found[0].key.slot != 7 {
			t.Errorf("found %v", found)
		}
	}
}
