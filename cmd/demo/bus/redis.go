package bus

import (
	"context"
	"errors"
	"net/url"

	"github.com/redis/go-redis/v9"
)

// redisBroker is a broker with go-redis.
type redisBroker struct {
	rdb    *redis.Client
	sub    *redis.PubSub
	topic  string
	pumped chan struct{} // closed when nothing more is received
}

func connectRedis(ctx context.Context, u *url.URL, o *options, d *dialer, in *inbox) (broker, error) {
	opts, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, err
	}
	// A dialer of one's own replaces all of the client's, TLS included.
	opts.Dialer = d.DialContext
	if d.tls = opts.TLSConfig; d.tls != nil && o.tls != nil {
		d.tls = o.tls.Clone()
		if d.tls.ServerName == "" {
			d.tls.ServerName = opts.TLSConfig.ServerName
		}
	}
	opts.MaxRetries = -1 // a message that was sent twice might arrive twice
	opts.ContextTimeoutEnabled = true
	b := &redisBroker{rdb: redis.NewClient(opts), topic: o.topic, pumped: make(chan struct{})}
	b.sub = b.rdb.Subscribe(ctx, o.topic) // its errors come again:
	if _, err := b.sub.Receive(ctx); err != nil {
		return nil, errors.Join(err, b.sub.Close(), b.rdb.Close())
	}
	go b.pump(in)
	return b, nil
}

// pump ends when the subscription is closed.
func (b *redisBroker) pump(in *inbox) {
	defer close(b.pumped)
	for m := range b.sub.ChannelWithSubscriptions() {
		switch m := m.(type) {
		case *redis.Message:
			in.message([]byte(m.Payload))
		case *redis.Subscription: // the server confirms it on each new connection
			in.missed()
		}
	}
}

func (b *redisBroker) publish(ctx context.Context, batch []*publication) {
	cmds, _ := b.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // its error is one of these
		for _, m := range batch {
			p.Publish(ctx, b.topic, m.data)
		}
		return nil
	})
	for i, cmd := range cmds {
		batch[i].err = cmd.Err()
	}
}

func (b *redisBroker) close() error {
	err := errors.Join(b.sub.Close(), b.rdb.Close())
	<-b.pumped
	return err
}
