package debughttp

import (
	"fmt"
	"net/url"
	"strconv"
)

// Bounds of queries.
const (
	defaultWaiting = 100
	maxWaiting     = 10_000
	maxRefresh     = 3600 // seconds
)

// query is what was asked for.
type query struct {
	json      bool
	waiting   int // calls to list of each backend and class
	refresh   int // seconds; 0: never
	stack     bool
	goroutine uint64
}

func parse(v url.Values) (q query, err error) {
	switch format := v.Get("format"); format {
	case "", "html":
	case "json":
		q.json = true
	default:
		return q, fmt.Errorf("format=%q: there are html and json", format)
	}
	if q.waiting, err = number(v, "waiting", defaultWaiting, maxWaiting); err != nil {
		return q, err
	}
	if q.refresh, err = number(v, "refresh", 0, maxRefresh); err != nil {
		return q, err
	}
	if q.stack = v.Has("goroutine"); q.stack {
		if q.goroutine, err = strconv.ParseUint(v.Get("goroutine"), 10, 64); err != nil {
			return q, fmt.Errorf("goroutine=%q: want the number of a goroutine", v.Get("goroutine"))
		}
	}
	return q, nil
}

func number(v url.Values, name string, missing, most int) (int, error) {
	if !v.Has(name) {
		return missing, nil
	}
	n, err := strconv.Atoi(v.Get(name))
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s=%q: want a number from 0 to %d", name, v.Get(name), most)
	}
	return n, nil
}

// link is the query that asks for the page, or for JSON, with so many calls, and
// refreshed so often.
func (q query) link(json bool, waiting, refresh int) string {
	v := url.Values{}
	if json {
		v.Set("format", "json")
	}
	if waiting != defaultWaiting {
		v.Set("waiting", strconv.Itoa(waiting))
	}
	if refresh != 0 {
		v.Set("refresh", strconv.Itoa(refresh))
	}
	return "?" + v.Encode()
}
