package browsertest

import (
	"context"
	"crypto/rand"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/valet-go/valet/cmd/demo/chat/guest"
)

var pictures = flag.String("pictures", "", "`folder` for the README's pictures; they take a minute then")

// takePictures takes the README's pictures, which are thrown away unless the flag
// says where they belong.
func takePictures(t *testing.T, browser context.Context, url string) {
	to := *pictures
	if to == "" {
		to = t.TempDir()
	}
	const room = "analytical-engine"
	talk := []struct{ nick, text string }{
		{"Grace", "Has anybody tried what happens when MariaDB is killed while we talk?"},
		{"Alan", "I did, with kill -9, in the middle of a transaction. Messages waited in the page, and arrived when it was back."},
		{"Alan", "Each exactly once: the page gives every message a name of its own."},
		{"Barbara", "And the server? Four of us poll. How many goroutines wait for that?"},
		{"Ada", "None. A client that waits is a connection on the loop and a few hundred bytes."},
		{"Grace", "But the drivers block!"},
		{"Ada", "They think so. Their goroutines are parked on fake sockets, and the loop wakes them when bytes have come."},
		{"Barbara", "So the handlers are callbacks on one goroutine, and there is no lock at all. I like that."},
		{"Alan", "Have a look into the engine room, and make the queries slow. It is fun to watch who freezes 🙂"},
	}
	ctx, cancel := context.WithCancel(t.Context())
	var present []chan struct{}
	for _, nick := range []string{"Grace", "Alan", "Barbara"} {
		g, gone := guest.New(strings.TrimPrefix(url, "http://"), room, nick), make(chan struct{})
		present = append(present, gone)
		go func() {
			defer close(gone)
			defer g.Leave()
			for g.Poll(ctx) == nil { // until ctx ends
			}
		}()
	}
	defer func() {
		cancel()
		for _, gone := range present {
			<-gone
		}
	}()
	for _, s := range talk {
		g := guest.New(strings.TrimPrefix(url, "http://"), room, s.nick)
		if _, err := g.Say(ctx, rand.Text(), s.text); err != nil {
			t.Fatal(err)
		}
		g.Leave()
	}

	p := visit(t, browser, url)
	p.do(quiet, chromedp.EmulateViewport(1200, 840))
	p.enter("Ada", room)
	p.is(people, []string{"Ada", "Alan", "Barbara", "Grace"})
	p.until(shown + `.length === ` + quote(len(talk)))
	p.take(filepath.Join(to, "chat.png"))

	p.do(chromedp.Navigate(url+"/engine"), chromedp.EmulateViewport(1200, 890))
	collect := func(samples int) {
		for n := range samples { // each of them has its own patience
			if *pictures != "" || n < 3 {
				p.until(`samples.length > ` + quote(n))
			}
		}
	}
	collect(80)
	p.do(chromedp.Click(chromedp.CSS("[name=slow]")), chromedp.Click(chromedp.CSS("[name=overload]")), eval(`document.activeElement.blur()`))
	collect(230)
	p.is(states, []string{"frozen", "heavy", "calm"})
	p.take(filepath.Join(to, "engine.png"))
}

// quiet asks for the bright colours, and neither for movement nor for scrollbars.
var quiet = chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: "light"},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err == nil {
		_, err = chromedp.Call(ctx, emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true})
	}
	return err
})

// take takes a picture of the window.
func (p *tab) take(path string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(path, png, 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	if len(png) < 10<<10 || len(png) > 200<<10 {
		p.t.Errorf("%s has %d bytes", filepath.Base(path), len(png))
	}
}
