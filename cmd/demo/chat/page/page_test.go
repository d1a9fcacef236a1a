package page_test

import (
	"io/fs"
	"regexp"
	"testing"

	"github.com/valet-go/valet/cmd/demo/chat/page"
)

// What the page's policy forbids, and what could make markup of a user's text.
func TestNothingInlineAndNoMarkup(t *testing.T) {
	const script = `innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|new Function|setAttribute\("style`
	for name, forbidden := range map[string]string{
		"index.html": `(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script[^>]*>[^<]`,
		"chat.js":    script,
		"parts.js":   script,
		"chat.css":   `url\(|@import`,
	} {
		text, err := fs.ReadFile(page.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(forbidden).Find(text); found != nil {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestEveryInputHasItsLabel(t *testing.T) {
	text, err := fs.ReadFile(page.Files, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	inputs := regexp.MustCompile(`<(?:input|textarea)[^>]* id="(\w+)"`).FindAllSubmatch(text, -1)
	if len(inputs) == 0 {
		t.Error("there is no input")
	}
	for _, input := range inputs {
		if !regexp.MustCompile(`<label for="` + string(input[1]) + `"`).Match(text) {
			t.Errorf("nothing labels %s", input[1])
		}
	}
}
