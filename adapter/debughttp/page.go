package debughttp

import (
	"crypto/sha256"
	_ "embed" // for page.html and page.css
	"encoding/base64"
	"html/template"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

// page is executed with a view. It escapes whatever it is given.
var page = template.Must(template.New("page").Parse(pageHTML))

// policy allows the page its own style sheet, by its hash, and nothing else: no
// script, no frame, no other resource.
var policy = "default-src 'none'; style-src 'sha256-" + digest(pageCSS) +
	"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// refreshEvery is what the page offers, in seconds.
const refreshEvery = 5

// view is what the page shows.
type view struct {
	snapshot
	q query
}

// Style is trusted: it is a constant.
func (view) Style() template.CSS { return template.CSS(pageCSS) }

// Refresh is in seconds, or 0.
func (v view) Refresh() int { return v.q.refresh }

// Switch is the query that turns refreshing on, or off.
func (v view) Switch() string {
	if v.q.refresh != 0 {
		return v.q.link(false, v.q.waiting, 0)
	}
	return v.q.link(false, v.q.waiting, refreshEvery)
}

// RefreshEvery is what Switch turns on.
func (view) RefreshEvery() int { return refreshEvery }

// Again is the query for the page as it is.
func (v view) Again() string { return v.q.link(false, v.q.waiting, v.q.refresh) }

// JSON is the query for the same as JSON.
func (v view) JSON() string { return v.q.link(true, v.q.waiting, 0) }

// More is the query for ten times as many calls that wait, or "" if there is
// nothing to be gained.
func (v view) More() string {
	more := min(max(10*v.q.waiting, defaultWaiting), maxWaiting)
	if v.Unlisted == 0 || more == v.q.waiting {
		return ""
	}
	return v.q.link(false, more, v.q.refresh)
}
