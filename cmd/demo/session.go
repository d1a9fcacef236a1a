package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/valet-go/valet/cmd/demo/chat"
	"github.com/valet-go/valet/cmd/demo/chat/guest"
)

const (
	chatListeners = 200 // long-polls at once
	chatHistory   = 60  // messages, more than a client gets at once
)

// chatSession opens the chat and talks there, as Go's own HTTP client.
func (d *demo) chatSession(ctx context.Context, addr string, listeners int) error {
	if err := d.openChat(ctx, addr, chat.Options{Name: onceChat}); err != nil {
		return err
	}
	d.out.line("evio listens on http://%s/, with one loop", d.chat.Addr())
	room := strings.ToLower(rand.Text()[:8])
	ada, grace := guest.New(d.chat.Addr(), room, "Ada"), guest.New(d.chat.Addr(), room, "Grace")
	defer ada.Leave()
	defer grace.Leave()
	for _, step := range []func(context.Context, *report, *guest.Guest, *guest.Guest) error{join, talk, readBack, repeat, refusals} {
		if err := step(ctx, d.out, ada, grace); err != nil {
			return err
		}
	}
	if err := broadcast(ctx, d.out, ada, listeners); err != nil {
		return err
	}
	return depart(ctx, d.out, ada, grace)
}

// join: two people come into the room, and the first is told of the second.
func join(ctx context.Context, out *report, ada, grace *guest.Guest) error {
	if err := ada.Poll(ctx); err != nil {
		return err
	}
	told := make(chan error, 1)
	go func() { told <- ada.See(ctx, "Ada", "Grace") }()
	began := time.Now()
	if err := errors.Join(grace.See(ctx, "Ada", "Grace"), <-told); err != nil {
		return err
	}
	out.line("Ada joins, then Grace; Ada's long-poll tells her so after %s", ms(time.Since(began)))
	return nil
}

// talk: a message reaches the long-poll of another.
func talk(ctx context.Context, out *report, ada, grace *guest.Guest) error {
	type heard struct {
		chat.Message
		at  time.Time
		err error
	}
	got := make(chan heard, 1)
	go func() {
		m, err := grace.Hear(ctx)
		got <- heard{m, time.Now(), err}
	}()
	const text = "<b>Hello</b>, Grace!"
	began := time.Now()
	n, err := ada.Say(ctx, rand.Text(), text)
	took := time.Since(began)
	h := <-got
	if err := errors.Join(err, h.err); err != nil {
		return err
	}
	if n != 1 || h.N != n || h.Nick != "Ada" || h.Text != text {
		return fmt.Errorf("heard %+v; want Ada's number %d, %q", h.Message, n, text)
	}
	out.line("Ada posts; acknowledged, by MySQL and MongoDB, after %s; Grace's long-poll has it after %s", ms(took), ms(h.at.Sub(began)))
	return nil
}

// readBack: what was said before can be read page by page.
func readBack(ctx context.Context, out *report, ada, grace *guest.Guest) error {
	began := time.Now()
	var all sync.WaitGroup
	errs := make([]error, chatHistory-1)
	for i := range errs {
		all.Go(func() { _, errs[i] = ada.Say(ctx, rand.Text(), fmt.Sprint("message ", i)) })
	}
	all.Wait()
	took := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	late := ada.Beside("Late")
	defer late.Leave()
	if err := late.Poll(ctx); err != nil {
		return err
	}
	var before struct {
		Messages []chat.Message
		Older    bool
	}
	newest := late.Messages
	if len(newest) == 0 || !late.Older {
		return fmt.Errorf("the newest of %d messages are %d, and nothing is older", chatHistory, len(newest))
	}
	if err := late.Do(ctx, http.MethodGet, fmt.Sprintf("?before=%d", newest[0].N), nil, &before); err != nil {
		return err
	}
	for i, m := range append(before.Messages, newest...) {
		if m.N != int64(i+1) {
			return fmt.Errorf("message %d of the history has the number %d", i+1, m.N)
		}
	}
	if got := len(before.Messages) + len(newest); got != chatHistory || before.Older {
		return fmt.Errorf("the history has %d messages; want %d", got, chatHistory)
	}
	out.line("%d posted at once in %s; who comes late gets the newest %d, and then the %d before them, from MongoDB",
		len(errs), ms(took), len(newest), len(before.Messages))
	return nil
}

// repeat: what is sent again is not stored again.
func repeat(ctx context.Context, out *report, ada, grace *guest.Guest) error {
	id := rand.Text()
	n, err := ada.Say(ctx, id, "once")
	again, err2 := ada.Say(ctx, id, "once")
	next, err3 := ada.Say(ctx, rand.Text(), "and on")
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	if again != n || next != n+1 {
		return fmt.Errorf("a message got number %d, sent again %d, and the next %d", n, again, next)
	}
	out.line("a message that is sent twice is number %d both times; the next is %d", n, next)
	return nil
}

// refusals: what is not taken.
func refusals(ctx context.Context, out *report, ada, grace *guest.Guest) error {
	_, err := ada.Say(ctx, rand.Text(), strings.Repeat("a", chat.MaxText+1))
	if guest.Status(err) != http.StatusBadRequest {
		return fmt.Errorf("a message that is too long: %v; want status 400", err)
	}
	out.line("too long: %v", err)
	resp, err := ada.Client.Post(ada.URL, "text/plain", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnsupportedMediaType {
		return fmt.Errorf("as a form of another site could post: %s; want status 415", resp.Status)
	}
	out.line("as another site's form could send it: %s", resp.Status)
	return nil
}

// broadcast: one message answers the long-polls of very many.
func broadcast(ctx context.Context, out *report, ada *guest.Guest, listeners int) error {
	ctx, cancel := context.WithCancel(ctx) // ends the others if one fails
	defer cancel()
	const text = "Hello, everybody!"
	errs := make([]error, listeners)
	var joined, heard sync.WaitGroup
	joined.Add(listeners)
	for i := range errs {
		g := ada.Beside("") // unseen: two hundred who come and go would be news, too
		heard.Go(func() {
			defer g.Leave()
			err := g.Poll(ctx)
			joined.Done()
			var m chat.Message
			if err == nil {
				m, err = g.Hear(ctx)
			}
			if err == nil && m.Text != text {
				err = fmt.Errorf("listener %d heard %q", i, m.Text)
			}
			if errs[i] = err; err != nil {
				cancel()
			}
		})
	}
	joined.Wait()
	began := time.Now()
	_, err := ada.Say(ctx, rand.Text(), text)
	if err != nil {
		cancel()
	}
	heard.Wait()
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	out.line("%d clients poll; one message has reached all of them after %s", listeners, ms(time.Since(began)))
	return nil
}

// depart: who leaves is seen leaving.
func depart(ctx context.Context, out *report, ada, grace *guest.Guest) error {
	began := time.Now()
	if err := ada.See(ctx, "Ada"); err != nil {
		return err
	}
	out.line("all but Ada leave; her long-polls have told her so after %s", ms(time.Since(began)))
	return nil
}
