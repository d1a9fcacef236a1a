package browsertest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/valet-go/valet/cmd/demo/chat/guest"
)

func history(t *testing.T, browser context.Context, url string) {
	const many = 120
	var texts []string
	grace := guest.New(strings.TrimPrefix(url, "http://"), "history", "Grace")
	defer grace.Leave()
	for i := range many {
		texts = append(texts, fmt.Sprintf("message %d", i+1))
		if _, err := grace.Say(t.Context(), rand.Text(), texts[i]); err != nil {
			t.Fatal(err)
		}
	}
	ada := visit(t, browser, url)
	ada.enter("Ada", "history")
	for _, reloaded := range []bool{false, true} {
		if reloaded {
			ada.reload() // she need not join again
		}
		ada.sees(texts[many-50:]...)
		ada.until(scroll + `.scrollHeight - ` + scroll + `.scrollTop - ` + scroll + `.clientHeight < 2`)
		for older := many - 100; older > -50; older -= 50 {
			// She goes up to the button and presses it. What she reads stays where it is.
			ada.do(eval(scroll + `.scrollTop = 0; older.focus()`))
			place := `[...document.querySelectorAll("#log .text")].find((e) => e.textContent === ` + quote(texts[older+50]) + `).getBoundingClientRect().top`
			before := read[float64](ada, place)
			ada.press(kb.Enter)
			ada.sees(texts[max(0, older):]...)
			if after := read[float64](ada, place); after < before-2 || after > before+2 {
				t.Errorf("what is being read has moved from %v to %v", before, after)
			}
			ada.until(fmt.Sprintf(`older.hidden === %t && !older.disabled`, older <= 0))
			ada.is(`[...document.querySelectorAll("#log .day")].map((e) => e.textContent)`, []string{"Today"})
		}
	}
	ada.say("the last one")
	ada.sees(append(texts, "the last one")...)
}
