package browsertest

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/valet-go/valet/cmd/internal/private"
)

// open starts a browser, which ends with the test, and returns the context of its
// first tab, which stays empty.
func open(t *testing.T) context.Context {
	t.Helper()
	path := private.RequireChromium(t)
	// It leaves a file in the temporary folder.
	opts := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.Env("TMPDIR=" + folder)}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-quic", "disable-breakpad", "disable-dev-shm-usage",
		// Pages of several people are looked at at once.
		"disable-renderer-backgrounding", "disable-backgrounding-occluded-windows", "disable-background-timer-throttling",
	} {
		opts = append(opts, chromedp.Flag(flag, true))
	}
	// Without a mouse, which this machine need not have, the page takes it for a phone.
	opts = append(opts, chromedp.Flag("blink-settings", "primaryPointerType=4,availablePointerTypes=4"))
	// The profile is a new folder, which the allocator makes, and removes after it
	// has ended all processes that use it.
	allocator, end := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a page that somebody looks at.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	console  []string // guarded by mu
	expected string   // guarded by mu; what may be in the console
}

// flushed is the last message in a console.
const flushed = "the test has ended"

// visit opens a tab in a window of its own, with its own storage, as another person
// has it. At the end of the test its console must be empty.
func visit(t *testing.T, browser context.Context, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	p := &tab{t: t, ctx: ctx}
	heard := make(chan struct{})
	messages := chromedp.Console(ctx)
	go func() {
		defer close(heard)
		for m, err := range messages {
			if err != nil || m.Text == flushed {
				return
			}
			p.mu.Lock()
			if p.expected == "" || !strings.Contains(m.Text, p.expected) {
				p.console = append(p.console, m.String()+" "+m.URL)
			}
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
			t.Logf("%s shows (%v):\n%s", url, err, text)
		}
		if err := chromedp.Do(ctx, eval("console.log("+quote(flushed)+")")); err != nil {
			t.Error(err)
			cancel()
		}
		<-heard
		cancel()
		for _, m := range p.console {
			t.Errorf("in the console of %s: %s", url, m)
		}
	})
	p.do(chromedp.Navigate(url))
	return p
}

// expect lets text that contains this be in the console.
func (p *tab) expect(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = text
}

func eval(expression string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](expression)
}
