package browsertest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// states is what the engine room says of its lanes.
const states = `[...document.querySelectorAll(".lane")].map((l) => l.dataset.state)`

func engineRoom(t *testing.T, browser context.Context, url string) {
	p := visit(t, browser, url+"/engine")

	// Every chart of every lane gets points, which are joined by lines.
	p.until(`document.querySelectorAll(".plot .line").length === 9`)
	p.until(`[...document.querySelectorAll(".plot .line")].every((l) => /^M.*L.*L/.test(l.getAttribute("d")))`)
	p.until(states + `[0] === "calm"`)

	// Eight clients of lane A ask five times a second each for a tenth of a second
	// of its only goroutine, so it must freeze on any machine.
	p.press(kb.Tab + kb.Tab) // over the link to the chat
	if got := p.focused(); got != "switch Slow queries each takes the database 100 ms" {
		t.Fatalf("the focus is on %q", got)
	}
	p.press(" ")
	p.until(states + `[0] === "frozen" && ` + states + `[2] === "calm"`)
	p.until(`document.getElementById("status").textContent.startsWith("A is frozen; ")`)
	p.until(`document.querySelectorAll("#calls tr").length > 1 && /read .* → /.test(document.getElementById("calls").textContent)`)
	p.press(" ")
	p.until(states + `[0] === "calm" && ` + states + `[2] === "calm"`)

	// The picture is one of a request, and the next one of another.
	p.until(`picture.complete && picture.naturalWidth > 0 && !again.disabled`)
	first := p.picture()
	for step := 1; step <= 8; step++ {
		if !strings.Contains(first, fmt.Sprintf(`data-step="%d"`, step)) {
			t.Errorf("step %d is not in the picture", step)
		}
	}
	before := read[string](p, `picture.src`)
	p.press(kb.Tab + kb.Tab + kb.Tab) // over the other switch and the table
	if got := p.focused(); got != "button Trace another request" {
		t.Fatalf("the focus is on %q", got)
	}
	p.press(kb.Enter)
	p.until(`picture.src !== ` + quote(before) + ` && picture.complete && !again.disabled && picture.naturalWidth > 0`)
	p.until(`document.getElementById("traced").textContent.startsWith("Traced at ")`)
	if p.picture() == first {
		t.Error("the second picture is the first")
	}
}

// picture returns the text of the sequence diagram that is being shown.
func (p *tab) picture() (svg string) {
	p.t.Helper()
	src := read[string](p, `picture.src`)
	p.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		tree, err := cdp.Call(ctx, t, page.GetFrameTree, cdp.Empty{})
		if err != nil {
			return err
		}
		r, err := cdp.Call(ctx, t, page.GetResourceContent, page.GetResourceContentParams{FrameID: tree.FrameTree.Frame.ID, URL: src})
		svg = string(r.Content)
		return err
	}))
	return svg
}
