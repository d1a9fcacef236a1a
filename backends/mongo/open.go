package mongo

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/fakesock"
)

// defaultMaxPool is the driver's own default of MaxPoolSize.
const defaultMaxPool = 100

// Option configures Open.
type Option func(*settings)

type settings struct {
	queue int
	calls []adapter.Option
}

// WithQueue sets how many calls may wait for a slot, beyond which they fail
// with [adapter.ErrOverloaded]: 0 or more; by default [adapter.DefaultQueue].
// There are as many slots as the client's MaxPoolSize, which is 100 by
// default; if it is set to 0, which the driver takes for unlimited, 100 again.
func WithQueue(n int) Option { return func(s *settings) { s.queue = n } }

// WithCalls sets how the client's calls behave: by [adapter.WithCancel],
// [adapter.WithTimeout], [adapter.WithHook] and the like. What is not set is
// inherited from the adapter given to Open.
func WithCalls(opts ...adapter.Option) Option {
	return func(s *settings) { s.calls = append(s.calls, opts...) }
}

// Open returns a client for the driver's own options, which are copied. Like
// the driver's Connect it does not wait for the deployment, but starts to look
// for it in the background; [Client.Connect] waits. A dialer set in the options
// is left alone.
func Open(a *adapter.Adapter, opts *options.ClientOptions, more ...Option) (*Client, error) {
	set := settings{queue: adapter.DefaultQueue}
	for _, o := range more {
		o(&set)
	}
	if set.queue < 0 {
		return nil, fmt.Errorf("valet/mongo: WithQueue(%d): the bound cannot be negative", set.queue)
	}
	own := options.Client()
	if opts != nil {
		*own = *opts
	}
	if own.Dialer == nil {
		own.SetDialer(ReadAhead(&fakesock.Dialer{Loop: a.Loop()}))
	}
	slots := defaultMaxPool
	if own.MaxPoolSize != nil && *own.MaxPoolSize > 0 {
		slots = int(*own.MaxPoolSize)
	}
	calls := append(set.calls, adapter.WithSlots(slots), adapter.WithQueue(set.queue))
	b := a.Backend("mongo", calls...)
	s := &state{}
	if b.CancelPolicy() == adapter.Kill {
		plain := *own // without the killer's monitor
		s.killer = &killer{opts: &plain}
		own.SetMonitor(s.killer.monitor(own.Monitor))
	}
	c, err := mongo.Connect(own)
	if err != nil {
		go b.Close(context.Background()) // which has nothing to wait for, but would refuse to on the loop
		return nil, fmt.Errorf("valet/mongo: %w", err)
	}
	states.Store(c, s)
	return NewClient(b, c), nil
}
