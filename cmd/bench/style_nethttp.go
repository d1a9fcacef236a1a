package main

import "net/http"

// serveHTTP answers a request of net/http, on the goroutine of its client: the
// state is on its stack.
func (t *topic) serveHTTP(w http.ResponseWriter, r *http.Request) {
	text, ok := t.wait(r.Context().Done())
	if !ok {
		return // the client is gone
	}
	w.Header().Set("Content-Type", plainText)
	_, _ = w.Write(text) // an error is the client's, who will tell
}
