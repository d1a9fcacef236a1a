package chat_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/cmd/demo/chat"
	"github.com/valet-go/valet/cmd/demo/chat/guest"
)

func TestWhoComesAndGoesIsSeen(t *testing.T) {
	w := newWorld(t, chat.Options{Poll: time.Hour})
	ada, grace, unseen := w.guest("lobby", "Ada"), w.guest("lobby", "Grace"), w.guest("lobby", "")
	must(t, ada.See(w.ctx, "Ada"))
	must(t, unseen.See(w.ctx, "Ada"))
	waits, leave := context.WithCancel(w.ctx)
	left := make(chan error, 1)
	must(t, grace.Poll(w.ctx))
	go func() { left <- grace.See(waits, "nobody") }()
	must(t, ada.See(w.ctx, "Ada", "Grace"))
	leave() // in the middle of a poll
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	must(t, ada.See(w.ctx, "Ada"))
}

func TestPollEndsWithoutNews(t *testing.T) {
	w := newWorld(t, chat.Options{Poll: time.Second})
	g := w.guest("lobby", "")
	must(t, g.Poll(w.ctx))
	g.Messages = []chat.Message{{}}
	must(t, g.Poll(w.ctx))
	if len(g.Messages) != 0 {
		t.Errorf("got %+v", g.Messages)
	}
}

// Who waits is let go when the chat closes, and who comes then is told.
func TestCloseLetsEverybodyGo(t *testing.T) {
	w := newWorld(t, chat.Options{})
	var ended sync.WaitGroup
	for range 20 {
		g := w.guest("lobby", "")
		must(t, g.Poll(w.ctx))
		ended.Go(func() { _ = g.Poll(w.ctx) }) // an answer, or the end of the connection
	}
	must(t, w.Close(w.ctx))
	ended.Wait()
	must(t, w.Close(w.ctx))
	select {
	case <-w.Ended():
	default:
		t.Error("it has not ended")
	}
}

// hints is a bus between chats of this process, which loses what it is told to.
type hints struct {
	mu    sync.Mutex // guards chats
	chats []*chat.Chat
	lose  func(fields map[string]json.RawMessage) bool
}

func (h *hints) Publish(_ context.Context, data []byte, cb func(error)) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil || h.lose != nil && h.lose(fields) {
		cb(errors.Join(err, errors.New("lost")))
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.chats {
		c.Deliver(data)
		c.Deliver(data) // as it may
	}
	cb(nil)
}

func (h *hints) add(c *chat.Chat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.chats = append(h.chats, c)
}

func TestSeveralProcesses(t *testing.T) {
	hasMessages := func(fields map[string]json.RawMessage) bool { return fields["messages"] != nil }
	for name, lose := range map[string]func(map[string]json.RawMessage) bool{
		"all hints come":             nil,
		"those of messages are lost": hasMessages,
	} {
		t.Run(name, func(t *testing.T) {
			bus := &hints{lose: lose}
			w := newWorld(t, chat.Options{Bus: bus})
			other, err := chat.Open(w.ctx, w.a, w.db, w.client, "127.0.0.1:0", chat.Options{Name: w.name, Bus: bus, Logger: slog.New(slog.DiscardHandler)})
			must(t, err)
			defer other.Close(w.ctx)
			bus.add(w.Chat)
			bus.add(other)
			w.Deliver([]byte("what nobody has published"))

			ada, grace := w.guest("lobby", "Ada"), guest.New(other.Addr(), "lobby", "Grace")
			defer grace.Leave()
			must(t, errors.Join(ada.Poll(w.ctx), grace.Poll(w.ctx)))
			must(t, ada.See(w.ctx, "Ada", "Grace"))
			must(t, grace.See(w.ctx, "Ada", "Grace"))
			for i, from := range []*guest.Guest{ada, grace, grace, ada} {
				to := ada
				if from == ada {
					to = grace
				}
				n := w.say(from, "hello")
				if n != int64(i+1) {
					t.Errorf("message %d has number %d", i+1, n)
				}
				for to.Last < n {
					_, err := to.Hear(w.ctx)
					must(t, err)
				}
			}
			w.checkCounts("lobby")
		})
	}
}

func TestWhatTheBusLostIsCaughtUpWith(t *testing.T) {
	bus := &hints{lose: func(map[string]json.RawMessage) bool { return true }}
	opts := chat.Options{Bus: bus, Logger: slog.New(slog.DiscardHandler)}
	w := newWorld(t, opts)
	opts.Name = w.name
	other, err := chat.Open(w.ctx, w.a, w.db, w.client, "127.0.0.1:0", opts)
	must(t, err)
	defer other.Close(w.ctx)
	ada, grace := w.guest("lobby", "Ada"), guest.New(other.Addr(), "lobby", "Grace")
	defer grace.Leave()
	must(t, grace.Poll(w.ctx))
	n := w.say(ada, "hello")
	other.CatchUp()
	for grace.Last < n {
		_, err := grace.Hear(w.ctx)
		must(t, err)
	}
}

func TestOverloadAndTimeoutsAreTold(t *testing.T) {
	w := newWorld(t, chat.Options{})
	g := w.guest("lobby", "Ada")
	g.URL = "http://" + w.Addr() + "/api/rooms"
	backend := w.db.Adapter()
	release := make(chan struct{})
	var all sync.WaitGroup
	for range backend.Stats().MaxSlots {
		all.Add(1)
		adapter.Go(w.ctx, backend, func(context.Context) (any, error) { <-release; return nil, nil }, func(any, error) { all.Done() })
	}
	defer all.Wait()
	defer close(release)

	var got any
	if err := g.Do(w.ctx, http.MethodGet, "", nil, &got); guest.Status(err) != http.StatusGatewayTimeout {
		t.Errorf("%v; want status 504", err)
	}
	for range backend.Stats().MaxQueue {
		all.Add(1)
		adapter.Go(w.ctx, backend, func(context.Context) (any, error) { return nil, nil }, func(any, error) { all.Done() })
	}
	resp, err := g.Client.Get(g.URL)
	must(t, err)
	must(t, resp.Body.Close())
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%s, Retry-After %q; want status 503", resp.Status, resp.Header.Get("Retry-After"))
	}
}
