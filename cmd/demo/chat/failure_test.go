package chat_test

import (
	"crypto/rand"
	"testing"

	"github.com/valet-go/valet/cmd/demo/chat"
	"github.com/valet-go/valet/cmd/internal/mongowire"
	"github.com/valet-go/valet/cmd/internal/private"
)

// Both databases die while people talk, MySQL's with what it was doing.
func TestDatabasesDieAndNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	my := private.RequireMariaDB(t)
	mo, err := mongowire.Start(mongowire.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, mo.Close()) })
	w := worldOn(t, my.DSN(), mo.URI(), chat.Options{Writers: 3})
	rng := seeded(t)
	acknowledged := make(chan struct{}, 1000)
	rooms := []string{"red", "green"}
	var crowds []*crowd
	for _, room := range rooms {
		c := &crowd{room: room, posters: 3, each: 25, listeners: 2, breaks: 0.05, acknowledged: acknowledged}
		c.start(w, rng)
		crowds = append(crowds, c)
	}
	wait := func(n int) {
		for range n {
			select {
			case <-acknowledged:
			case <-w.ctx.Done():
				t.Fatal("nothing is acknowledged any more")
			}
		}
	}
	wait(25)
	my.Kill()
	must(t, my.Restart(w.ctx))
	wait(25)
	mo.Member(0).Kill()
	must(t, mo.Member(0).Restart())
	wait(25)
	for _, c := range crowds {
		c.check(w)
	}
	w.checkCounts(rooms...)
}

// A process dies between its insert and its commit.
func TestMessageWithoutCommit(t *testing.T) {
	w := newWorld(t, chat.Options{})
	ada, grace := w.guest("lobby", "Ada"), w.guest("lobby", "Grace")
	must(t, grace.Poll(w.ctx))
	w.say(ada, "one")
	w.insert("lobby", 2, "Alan", "two", "alans")
	if n := w.say(ada, "three"); n != 3 {
		t.Errorf("the next is number %d; want 3", n)
	}
	w.insert("lobby", 4, "Ada", "four", "adas")
	if n, err := ada.Say(w.ctx, "adas", "four, again"); n != 4 || err != nil {
		t.Errorf("sent again it is number %d, %v; want 4", n, err)
	}
	if n := w.say(ada, "five"); n != 5 {
		t.Errorf("the next is number %d; want 5", n)
	}
	if n, err := ada.Say(w.ctx, "adas", "four, once more"); n != 4 || err != nil {
		t.Errorf("sent once more it is number %d, %v; want 4", n, err)
	}
	for i, want := range []string{"one", "two", "three", "four", "five"} {
		if len(grace.Messages) == 0 {
			_, err := grace.Hear(w.ctx)
			must(t, err)
		}
		if m := grace.Messages[0]; m.N != int64(i+1) || m.Text != want {
			t.Errorf("Grace hears %+v; want number %d, %q", m, i+1, want)
		}
		grace.Messages = grace.Messages[1:]
	}
	w.checkCounts("lobby")
}

// MySQL comes back without its memory, as the embedded one does.
func TestCountsAreMadeAnew(t *testing.T) {
	w := newWorld(t, chat.Options{})
	ada, grace := w.guest("lobby", "Ada"), w.guest("lobby", "Grace")
	for range 3 {
		w.say(ada, "hello")
		w.say(grace, "hello")
	}
	w.exec("DELETE FROM " + w.name + "_users")
	w.exec("DELETE FROM " + w.name + "_rooms")
	if n := w.say(ada, "hello again"); n != 7 {
		t.Errorf("the next number is %d; want 7", n)
	}
	w.checkCounts("lobby")
}

// MongoDB comes back empty: clients must not wait for numbers of another history.
func TestOtherHistory(t *testing.T) {
	w := newWorld(t, chat.Options{})
	ada := w.guest("lobby", "Ada")
	w.say(ada, "hello")
	var news struct {
		History  string
		Older    *bool
		Messages []chat.Message
	}
	must(t, ada.Do(w.ctx, "GET", "?after=1000&history="+rand.Text(), nil, &news))
	if news.History == "" || news.Older == nil || len(news.Messages) != 1 {
		t.Errorf("%+v; want the history from its beginning", news)
	}
}

// A chat that is opened again has what was said before.
func TestHistoryOutlivesTheChat(t *testing.T) {
	w := newWorld(t, chat.Options{})
	w.say(w.guest("lobby", "Ada"), "hello")
	must(t, w.Close(w.ctx))
	c, err := chat.Open(w.ctx, w.a, w.db, w.client, "127.0.0.1:0", chat.Options{Name: w.name})
	must(t, err)
	w.Chat = c
	defer c.Close(w.ctx)
	g := w.guest("lobby", "Grace")
	must(t, g.Poll(w.ctx))
	if len(g.Messages) != 1 || g.Messages[0].Text != "hello" {
		t.Errorf("%+v; want the one message", g.Messages)
	}
	if n := w.say(g, "hello, too"); n != 2 {
		t.Errorf("the next number is %d; want 2", n)
	}
}
