package adapter

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// Hook observes the calls of a backend, for logs, traces and metrics. Each
// function may be nil; none may block, nor end its goroutine. A panic in Start,
// or its returning no context, reaches whoever started the call, which then has
// not started, and no End comes; in the others a panic is logged by
// [slog.Default] and otherwise ignored.
type Hook struct {
	// Start runs on the goroutine that starts the call, before it is admitted.
	// What it returns, ctx or one made from it, is the context of the call: so
	// values, such as a span, reach the body and the other functions.
	Start func(ctx context.Context, call CallStart) context.Context

	// End runs before the callback is posted, on the goroutine that ended the
	// call, with the context that this hook's Start returned. It runs once for
	// each Start.
	End func(ctx context.Context, call CallEnd)

	// Panic runs on the body's goroutine when the body has panicked, with the
	// same context, also when no callback hears of it because the call was
	// abandoned.
	Panic func(ctx context.Context, call CallStart, p *PanicError)
}

// CallStart is what is known of a call when it starts.
type CallStart struct {
	Backend string
	Name    string // as given to [Name], or ""
	Held    bool
	Long    bool
}

// CallEnd is what is known of a call when it has ended.
type CallEnd struct {
	CallStart
	Err     error         // what the callback gets
	Refused bool          // it was not admitted
	Began   bool          // its body was run
	Waited  time.Duration // for a slot, or for its turn
	Ran     time.Duration // up to the end of its body, or until it was abandoned
}

// LogHook returns a hook that logs the end of every call, failed ones at level
// Warn, others at level Debug, with the call's context, so that the handler can
// add what that holds; and panics at level Error.
func LogHook(log *slog.Logger) Hook {
	if log == nil {
		panic("adapter: LogHook needs a logger, not nil")
	}
	return Hook{
		End: func(ctx context.Context, c CallEnd) {
			level := slog.LevelDebug
			attrs := append(make([]slog.Attr, 0, 5), slog.String("backend", c.Backend), slog.String("call", c.Name),
				slog.Duration("waited", c.Waited), slog.Duration("ran", c.Ran))
			if c.Err != nil {
				level = slog.LevelWarn
				attrs = append(attrs, slog.Any("error", c.Err))
			}
			log.LogAttrs(ctx, level, "call ended", attrs...)
		},
		Panic: func(ctx context.Context, c CallStart, p *PanicError) {
			log.LogAttrs(ctx, slog.LevelError, "panic in a call", slog.String("backend", c.Backend),
				slog.String("call", c.Name), slog.Any("panic", p.Value), slog.String("stack", string(p.Stack)))
		},
	}
}

// hookStart tells the hooks that c starts, and takes the context from them.
func (c *Call) hookStart() {
	hooks := c.hooks()
	if len(hooks) == 0 {
		return
	}
	r := c.needRare()
	r.hookCtx = make([]context.Context, len(hooks))
	for i, h := range hooks {
		if h.Start != nil {
			if c.ctx = h.Start(c.ctx, c.about()); c.ctx == nil {
				panic("adapter: the Start of a hook returned no context")
			}
		}
		r.hookCtx[i] = c.ctx
	}
}

func (c *Call) hookEnd(err error, refused bool) {
	hooks := c.hooks()
	if len(hooks) == 0 {
		return
	}
	end := CallEnd{CallStart: c.about(), Err: err, Refused: refused}
	r := c.rare.Load()
	at, began := now(), r.began.Load()
	if began == 0 {
		end.Waited = time.Duration(at - c.started)
	} else {
		end.Began, end.Waited, end.Ran = true, time.Duration(began-c.started), time.Duration(at-began)
	}
	for i, h := range hooks {
		if h.End != nil {
			guard("End", func() { h.End(r.hookCtx[i], end) })
		}
	}
}

func (c *Call) hookPanic(p *PanicError) {
	for i, h := range c.hooks() {
		if h.Panic != nil {
			guard("Panic", func() { h.Panic(c.rare.Load().hookCtx[i], c.about(), p) })
		}
	}
}

func (c *Call) hooks() []Hook { return c.a.b.settings.hooks }

func (c *Call) about() CallStart {
	return CallStart{Backend: c.a.b.name, Name: c.name, Held: c.class == held, Long: c.class == long}
}

// guard keeps a panic of a hook from ending the process.
func guard(what string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			slog.Error("adapter: panic in a hook", "function", what, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	f()
}
