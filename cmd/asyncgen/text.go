package main

import "strings"

// comment returns a doc comment of the sentences, and a last paragraph if the
// thing is deprecated.
func comment(sentences []string, deprecated string) string {
	var b strings.Builder
	fill(&b, strings.Join(sentences, " "))
	if deprecated != "" {
		b.WriteString("//\n")
		fill(&b, deprecated)
	}
	return b.String()
}

// fill breaks text into lines of a comment.
func fill(b *strings.Builder, text string) {
	const width = 80
	line := "//"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > width && line != "//" {
			b.WriteString(line + "\n")
			line = "//"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

// sentence makes one of a rule's reason.
func sentence(s string) string {
	if s == "" {
		return s
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}
