package browsertest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// quote writes v as JavaScript.
func quote(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// do fails the test if the page does not do that.
func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// read returns what an expression is in the page.
func read[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits for an expression to be true in the page.
func (p *tab) until(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void]("!!("+expression+")",
		chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(0)))
	if err != nil {
		p.t.Fatalf("it never was so that %s: %v", expression, err)
	}
}

// press presses keys, one after another.
func (p *tab) press(keys string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// enter joins a room, with the keyboard.
func (p *tab) enter(nick, room string) {
	p.t.Helper()
	p.until(`document.activeElement.id === "nick"`)
	p.press(nick + kb.Tab)
	p.until(`document.activeElement.id === "room"`)
	p.press(room + kb.Enter) // what is there is selected
	p.until(`!document.getElementById("chat").hidden && document.getElementById("people").children.length`)
}

// say types a message and sends it. Nobody waits for it to arrive.
func (p *tab) say(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.do(chromedp.Focus(chromedp.CSS("#text")), chromedp.KeyEvent(text+kb.Enter))
	}
}

// Expressions of the chat's page.
const (
	shown   = `[...document.querySelectorAll("#log .message")].map((m) => m.querySelector(".text").textContent)`
	sending = `[...document.querySelectorAll("#outbox .sending")].map((m) => m.querySelector(".text").textContent)`
	scroll  = `document.getElementById("scroll")`
	people  = `[...document.querySelectorAll("#people .nick")].map((m) => m.textContent)`
)

// sees waits for the page to show these messages, in this order, and no others.
func (p *tab) sees(texts ...string) {
	p.t.Helper()
	p.is(shown, append([]string{}, texts...))
}

// is waits for an expression to be equal to want.
func (p *tab) is(expression string, want any) {
	p.t.Helper()
	p.until("JSON.stringify(" + expression + ") === JSON.stringify(" + quote(want) + ")")
}

// reload loads the page anew, and waits for the room.
func (p *tab) reload() {
	p.t.Helper()
	p.do(chromedp.Reload())
	p.until(`document.getElementById("people").children.length`)
}
