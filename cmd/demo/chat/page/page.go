// Package page is what the chat's clients see: plain HTML, CSS and JavaScript.
package page

import (
	"embed"
	"io/fs"
)

// Files are the page's, as they are served.
//
//go:embed index.html chat.css chat.js parts.js icon.svg
var Files embed.FS

// Has reports whether there is a file of that name.
func Has(name string) bool {
	_, err := fs.Stat(Files, name)
	return err == nil && name != "."
}
