package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/internal/owner"
	"github.com/valet-go/valet/loop"
)

// Bus is a connection to a broker. Its methods may be called from any goroutine.
type Bus struct {
	a      *adapter.Adapter // on a backend of the bus's own
	o      options
	broker broker
	inbox  *inbox

	// receive and inReceive, which says that receive or missed has been called
	// and has not returned, belong to the executor.
	receive   func([]byte)
	inReceive bool

	life context.Context // until Close
	end  context.CancelFunc

	closing  sync.Once
	closed   chan struct{} // closed when the broker is
	closeErr error         // then

	lane    adapter.Lane
	mu      sync.Mutex     // guards waiting
	waiting []*publication // for the lane, in the order of publishing
}

// broker is a client with its subscription. Its methods block.
type broker interface {
	// publish sets the error of each publication.
	publish(ctx context.Context, batch []*publication)
	close() error
}

// Option is an option of [Open].
type Option func(*options)

type options struct {
	topic  string
	missed func()
	tls    *tls.Config
	dialed func(net.Conn) // for tests
}

// DefaultTopic is what messages are published under without [WithTopic].
const DefaultTopic = "valet.demo"

// WithTopic names the topic: NATS's subject, Redis's channel. Only buses with
// the same one hear of each other.
func WithTopic(topic string) Option { return func(o *options) { o.topic = topic } }

// WithMissed names a function that is called on the executor when messages may
// have been missed; see the package's documentation.
func WithMissed(missed func()) Option { return func(o *options) { o.missed = missed } }

// WithTLS sets what TLS is done with, where the URL asks for TLS. The name of the
// server is the URL's host unless it is set there. By default the system's
// authorities are trusted.
func WithTLS(cfg *tls.Config) Option { return func(o *options) { o.tls = cfg } }

// Open connects to the broker of the URL and subscribes, which ctx bounds. It
// blocks: not on a loop or front end, where it reports [loop.ErrWouldBlockLoop].
// From then on receive is called on a's executor, one message after another,
// perhaps before Open has returned. The data are receive's to keep. If it panics,
// the executor reports that, messages behind it are lost, and the bus says so.
// When a's executor is closed, or its context ends, nothing is received any more.
// Errors do not tell passwords.
func Open(ctx context.Context, a *adapter.Adapter, url string, receive func(data []byte), opts ...Option) (*Bus, error) {
	if owner.Here() {
		return nil, loop.ErrWouldBlockLoop
	}
	o := options{topic: DefaultTopic, missed: func() {}, dialed: func(net.Conn) {}}
	for _, opt := range opts {
		opt(&o)
	}
	u, connect, err := parse(url)
	if err != nil {
		return nil, err
	}
	b := newBus(a, receive, o)
	d := &dialer{sock: fakesock.Dialer{Loop: a.Loop()}, life: b.life, dialed: o.dialed}
	b.broker, err = adapter.Wait(func(cb func(broker, error)) {
		adapter.Go(ctx, b.a.On(a.Loop()), func(ctx context.Context) (broker, error) {
			ctx, cancel := context.WithTimeout(ctx, connectTimeout)
			defer cancel()
			return connect(ctx, u, &o, d, b.inbox)
		}, cb, adapter.Name("connect"), adapter.OnDrop(func(v any) { v.(broker).close() }))
	})
	if err != nil {
		b.end()
		// The host alone: a user's name may be a token.
		err = fmt.Errorf("bus: connect to %s://%s: %w", u.Scheme, u.Host, err)
		return nil, errors.Join(err, b.a.Close(context.Background()))
	}
	b.listen()
	return b, nil
}

// newBus returns a bus without its broker.
func newBus(a *adapter.Adapter, receive func([]byte), o options) *Bus {
	b := &Bus{
		// Two slots, of which the lane uses one, or one is abandoned.
		a: a.Backend("bus", adapter.WithSlots(2), adapter.WithQueue(maxWaiting)),
		o: o, inbox: newInbox(), receive: receive, closed: make(chan struct{}),
	}
	b.life, b.end = context.WithCancel(context.Background())
	return b
}

// listen gives the executor what the inbox has, until the bus is closed.
func (b *Bus) listen() {
	adapter.NewStream(b.a, nil, b.inbox.take, func() error { return nil }).Each(b.life, b.deliver, func(error) {
		if b.inReceive { // it panicked, and so the stream has ended
			b.inReceive = false
			b.inbox.missed()
			b.listen()
		}
	})
}

// deliver is on the executor.
func (b *Bus) deliver(it item) error {
	b.inReceive = true
	defer func() {
		if b.inReceive { // it panics, and the stream's end waits for a fetch
			b.inbox.missed()
		}
	}()
	if it.missed {
		b.o.missed()
	} else {
		b.receive(it.data)
	}
	b.inReceive = false
	return nil
}

// Close ends the subscription, waits for what is being published, which fails if
// it needs a new connection, and closes the connections. When ctx ends first it
// reports that, and does not wait for the client, which may take until a write of
// its own times out. It blocks: not on a loop or front end, where it does nothing
// but report [loop.ErrWouldBlockLoop]. What has come and was not given to receive
// before is dropped. A second call waits as well.
func (b *Bus) Close(ctx context.Context) error {
	if owner.Here() {
		return loop.ErrWouldBlockLoop
	}
	b.end()
	err := b.a.Close(ctx)
	b.closing.Do(func() {
		go func() {
			defer close(b.closed)
			b.closeErr = b.broker.close()
		}()
	})
	select {
	case <-b.closed:
		return errors.Join(err, b.closeErr)
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}
