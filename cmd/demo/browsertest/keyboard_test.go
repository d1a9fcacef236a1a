package browsertest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func keyboard(t *testing.T, browser context.Context, url string) {
	p := visit(t, browser, url)
	p.until(`document.activeElement.id === "nick"`)
	p.named()
	p.visits(kb.Tab, "textbox Nickname", "combobox Room an existing one, or a new name", "button Join", "link Engine room")
	p.do(eval(`document.activeElement.blur()`), chromedp.Focus(chromedp.CSS("#nick")))
	p.enter("Ada", "keys")
	p.named()
	if got := p.focused(); got != "textbox Message" {
		t.Errorf("who has entered is at %q", got)
	}
	p.press("one line")
	p.press(kb.Enter, chromedp.ModifierShift)
	p.press("and another")
	p.press(kb.Enter)
	p.sees("one line\nand another")
	p.press(kb.Enter) // nothing to send
	p.press("by the button" + kb.Tab + " ")
	p.sees("one line\nand another", "by the button")
	p.visits(kb.Tab, "textbox Message", "button Send", "link #history")
	p.do(chromedp.Focus(chromedp.CSS("#rooms li:last-child a")))
	p.visits(kb.Tab, "link #lobby", "textbox Name of another room", "button Go", "button Change")

	// To another room and back, and out of the door.
	p.do(chromedp.Focus(chromedp.CSS("#newRoom")))
	p.press("coffee" + kb.Enter)
	p.is(`document.getElementById("roomName").textContent`, "coffee")
	p.sees()
	p.do(chromedp.Focus(chromedp.CSS("#leave")))
	p.press(kb.Enter)
	p.until(`document.activeElement.id === "nick" && document.getElementById("chat").hidden`)
}

// phone is narrow, and has no precise pointer.
func phone(t *testing.T, browser context.Context, url string) {
	p := visit(t, browser, url)
	p.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch), chromedp.Reload())
	fits := func(where string) {
		t.Helper()
		if w := read[int](p, `Math.max(document.documentElement.scrollWidth, document.body.scrollWidth, window.innerWidth)`); w != 390 {
			t.Errorf("%s is %d wide", where, w)
		}
	}
	fits("the door")
	p.enter("Ada", strings.Repeat("tea", 10))
	long := strings.Repeat("incomprehensibilities", 5)
	p.say(long)
	p.sees(long)
	fits("the room")
	if read[bool](p, scroll+`.scrollWidth > `+scroll+`.clientWidth`) {
		t.Error("messages scroll sideways")
	}
	p.do(chromedp.Tap(chromedp.CSS("#sideButton")))
	p.until(`getComputedStyle(document.getElementById("side")).visibility === "visible"`)
	p.named()
	fits("the side")
	p.press(kb.Escape)
	p.until(`getComputedStyle(document.getElementById("side")).visibility === "hidden" && document.activeElement.id === "sideButton"`)
	p.do(chromedp.Navigate(url + "/engine"))
	p.until(`document.querySelectorAll(".lane:not([data-state=none])").length === 3`)
	fits("the engine room")
}

// focusable are the elements that the keyboard reaches, as a screen reader tells of
// them: role and name.
func (p *tab) focusable() (all []string, focused string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		tree, err := cdp.Call(ctx, t, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			return err
		}
		for _, node := range tree.Nodes {
			if node.Ignored || text(node.Role) == "RootWebArea" {
				continue
			}
			element := text(node.Role) + " " + text(node.Name)
			for _, property := range node.Properties {
				switch {
				case string(property.Value.Value) != "true":
				case property.Name == accessibility.PropertyNameFocusable:
					all = append(all, element)
				case property.Name == accessibility.PropertyNameFocused:
					focused = element
				}
			}
		}
		return nil
	}))
	return all, focused
}

func text(v *accessibility.Value) (s string) {
	if v != nil {
		_ = json.Unmarshal([]byte(v.Value), &s) // else it is no text
	}
	return s
}

func (p *tab) focused() string {
	p.t.Helper()
	_, focused := p.focusable()
	return focused
}

// named fails the test if something that the keyboard reaches has no name.
func (p *tab) named() {
	p.t.Helper()
	all, _ := p.focusable()
	if len(all) == 0 {
		p.t.Error("the keyboard reaches nothing")
	}
	for _, element := range all {
		if role, name, _ := strings.Cut(element, " "); strings.TrimSpace(name) == "" {
			p.t.Errorf("a %s has no name; there are %q", role, all)
		}
	}
}

// visits fails the test unless the focus is on the first of these, and the key
// moves it on to the others.
func (p *tab) visits(key string, elements ...string) {
	p.t.Helper()
	for i, want := range elements {
		if i > 0 {
			p.press(key)
		}
		got := strings.TrimRight(p.focused(), " 0123456789") // a room's size is not always the newest
		if got != want {
			p.t.Errorf("the focus is on %q; want %q", got, want)
		}
	}
}
