package browsertest

import (
	"context"
	"testing"
)

// What needs no server of its own shares one, since the race detector makes it slow
// to start.
func TestPages(t *testing.T) {
	browser, url := open(t), serve(t)
	for _, c := range []struct {
		name string
		test func(t *testing.T, browser context.Context, url string)
	}{
		{"two people talk", talk},
		{"history is there again", history},
		{"the keyboard is enough", keyboard},
		{"a phone is wide enough", phone},
		{"the engine room draws", engineRoom},
		{"pictures are taken", takePictures},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, browser, url) })
	}
}

func talk(t *testing.T, browser context.Context, url string) {
	ada, grace := visit(t, browser, url), visit(t, browser, url)
	ada.enter("Ada", "talk")
	grace.enter("Grace", "talk")
	for _, p := range []*tab{ada, grace} {
		p.is(people, []string{"Ada", "Grace"})
	}
	ada.say("one", "two")
	grace.sees("one", "two")
	grace.say("three")
	hostile := []string{
		`<img src=x onerror="hacked = 1">`, `<script>hacked = 1</script>`, `<svg onload="hacked = 1">`,
		`javascript:hacked=1`, `"><b>bold</b>&amp;`,
	}
	ada.sees("one", "two", "three")
	ada.say(hostile...)
	for _, p := range []*tab{ada, grace} {
		p.sees(append([]string{"one", "two", "three"}, hostile...)...)
		p.is(sending, []string{})
	}
	mallory := visit(t, browser, url)
	mallory.enter(`<b onclick=hacked=1>`, "talk")
	mallory.say("hello")
	for _, p := range []*tab{ada, grace, mallory} {
		p.is(people, []string{`<b onclick=hacked=1>`, "Ada", "Grace"})
		p.until(`[...document.querySelectorAll("#log .nick")].at(-1).textContent === "<b onclick=hacked=1>"`)
		if read[bool](p, `"hacked" in window || document.querySelector("#log :is(img, script, svg, b), #people b") !== null`) {
			t.Error("text has become markup")
		}
	}
}
