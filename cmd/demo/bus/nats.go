package bus

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"
)

// natsBroker is a broker with nats.go.
type natsBroker struct {
	nc     *nats.Conn
	topic  string
	closed chan struct{} // closed when nc is
}

// errReconnected says that the connection was lost while messages were in it.
var errReconnected = errors.New("bus: the connection was lost before the broker had acknowledged the message")

func connectNATS(ctx context.Context, u *url.URL, o *options, d *dialer, in *inbox) (broker, error) {
	b := &natsBroker{topic: o.topic, closed: make(chan struct{})}
	opts := []nats.Option{
		nats.SetCustomDialer(d),
		nats.MaxReconnects(-1), // for ever,
		nats.IgnoreAuthErrorAbort(),
		nats.ReconnectWait(200 * time.Millisecond),
		nats.ReconnectJitter(200*time.Millisecond, 200*time.Millisecond),
		nats.ReconnectBufSize(-1), // publishing fails meanwhile, as with Redis
		nats.PingInterval(20 * time.Second),
		nats.FlusherTimeout(publishTimeout), // of a write, during which all of the client waits
		nats.ReconnectHandler(func(nc *nats.Conn) {
			// It has asked to be subscribed. What the server has answered after
			// that, it has done after that; if it does not answer, this comes again.
			_ = nc.FlushTimeout(connectTimeout)
			in.missed()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrSlowConsumer) {
				in.missed()
			}
		}),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
	}
	if u.Scheme == "tls" && o.tls != nil {
		opts = append(opts, nats.Secure(o.tls))
	}
	var err error
	if b.nc, err = nats.Connect(u.String(), opts...); err != nil {
		return nil, err
	}
	_, err = b.nc.Subscribe(o.topic, func(m *nats.Msg) { in.message(m.Data) })
	if err == nil {
		err = b.nc.FlushWithContext(ctx)
	}
	if err == nil {
		err = b.nc.LastError() // that it may not subscribe
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// publish waits for the answer to a ping behind the messages: NATS does not
// acknowledge each.
func (b *natsBroker) publish(ctx context.Context, batch []*publication) {
	before := b.nc.Stats().Reconnects
	written := false
	for _, p := range batch {
		if p.err = ctx.Err(); p.err == nil { // Publish may write, and wait
			p.err = b.nc.Publish(b.topic, p.data)
		}
		written = written || p.err == nil
	}
	if !written {
		return
	}
	err := b.nc.FlushWithContext(ctx)
	if err == nil && b.nc.Stats().Reconnects != before { // and so the answer came by another connection
		err = errReconnected
	}
	for _, p := range batch {
		if p.err == nil {
			p.err = err
		}
	}
}

func (b *natsBroker) close() error {
	b.nc.Close()
	<-b.closed
	return nil
}
