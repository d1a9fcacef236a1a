package loop

import "fmt"

// ListenOption configures a [Listener].
type ListenOption func(*listenConfig) error

type listenConfig struct {
	maxConns  int
	reusePort bool
}

// WithMaxConns caps the streams of the listener that are open at a time, at n,
// which must be positive. At the cap no more are accepted: clients wait in the
// kernel's backlog, and accepting goes on as streams end. By default there is
// no cap but the number of descriptors.
func WithMaxConns(n int) ListenOption {
	return func(c *listenConfig) error {
		if n <= 0 {
			return fmt.Errorf("loop: WithMaxConns needs a positive number, not %d", n)
		}
		c.maxConns = n
		return nil
	}
}

// WithReusePort lets listeners of several loops share one TCP port, among which
// the system spreads the connections; each of them must have the option. On
// systems that do not spread, and for unix sockets, Listen reports
// [errors.ErrUnsupported]; Linux and FreeBSD do. By default it is off.
func WithReusePort() ListenOption {
	return func(c *listenConfig) error {
		c.reusePort = true
		return nil
	}
}
