package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"

	"github.com/valet-go/valet/cmd/demo/bus"
	"github.com/valet-go/valet/cmd/demo/chat"
	"github.com/valet-go/valet/cmd/demo/engine"
	"github.com/valet-go/valet/loop/httploop"
)

// openChat starts the chat that opts describe.
func (d *demo) openChat(ctx context.Context, addr string, opts chat.Options) error {
	opts.Writers = 4
	if d.servers.mysql != nil {
		opts.Writers = 1 // transactions at once would lose rows there
	}
	c, err := chat.Open(ctx, d.a, d.db, d.client, addr, opts)
	d.chat = c
	return err
}

// serveChat serves the chat, and the engine room beside it, until ctx ends, which
// is the user's wish, or evio does.
func (d *demo) serveChat(ctx context.Context, cfg config, g *guard) error {
	g.enter("starting the chat")
	if err := d.openAll(ctx, cfg); err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	if g.free(); ctx.Err() == nil {
		addr := reachable(d.chat.Addr())
		fmt.Fprintf(d.out.w, "\nChat at http://%s/ in two windows, or with a friend, until Ctrl-C.\n", addr)
		fmt.Fprintf(d.out.w, "Engine room at http://%s%s\n", addr, engine.Path)
	}
	select {
	case <-ctx.Done():
		return errInterrupted
	case <-d.chat.Ended():
		return errors.New("the chat ended")
	}
}

// reachable is an address that a browser on this machine can be given.
func reachable(addr string) string {
	at, err := netip.ParseAddrPort(addr)
	if err != nil || !at.Addr().IsUnspecified() {
		return addr
	}
	return net.JoinHostPort("localhost", strconv.Itoa(int(at.Port())))
}

// openAll opens all that is served, the chat last.
func (d *demo) openAll(ctx context.Context, cfg config) (err error) {
	if d.engine, err = engine.Open(ctx, engine.Config{MySQL: d.servers.mysqlDSN}); err != nil {
		return fmt.Errorf("the engine room: %w", err)
	}
	opts := chat.Options{Name: chat.DefaultName, Fallback: func(x *httploop.Exchange) {
		if !d.engine.Serve(x) {
			x.Error(http.StatusNotFound, "nothing is here; the chat is at /, the engine room at "+engine.Path)
		}
	}}
	var served atomic.Pointer[chat.Chat] // the bus is there before it
	if cfg.bus != "" {
		d.bus, err = bus.Open(ctx, d.a, cfg.bus,
			func(data []byte) {
				if c := served.Load(); c != nil {
					c.Deliver(data)
				}
			},
			bus.WithMissed(func() {
				if c := served.Load(); c != nil {
					c.CatchUp()
				}
			}))
		if err != nil {
			return err
		}
		opts.Bus = d.bus
	}
	if err := d.openChat(ctx, cfg.addr, opts); err != nil {
		return fmt.Errorf("the chat: %w", err)
	}
	served.Store(d.chat)
	return nil
}

// stopServing ends what openAll opened, whatever there is of it.
func (d *demo) stopServing(ctx context.Context) error {
	var errs []error
	if d.chat != nil {
		errs = append(errs, d.chat.Close(ctx))
	}
	if d.bus != nil {
		errs = append(errs, d.bus.Close(ctx))
	}
	if d.engine != nil {
		errs = append(errs, d.engine.Close())
	}
	return errors.Join(errs...)
}
