package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const visitsEach = 5 // of each visitor, over one connection

// frontEnd starts the HTTP front end and visits it, as Go's own HTTP client.
func (d *demo) frontEnd(ctx context.Context, addr string) error {
	w, err := startWeb(addr, d.db, d.client.Database(hitsDatabase).Collection("hits"))
	if err != nil {
		return err
	}
	d.web = w
	d.out.line("evio listens on http://%s/", w.addr)
	// A visitor each, all at once, for one user each, so that every count can
	// be checked.
	answers, errs := make([][]string, len(users)), make([]error, len(users))
	var all sync.WaitGroup
	began := time.Now()
	for i, user := range users {
		all.Go(func() { answers[i], errs[i] = visits(ctx, "http://"+w.addr, user.id, user.name) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	took := time.Since(began)
	if n := w.conns.Load(); n != int64(len(users)) {
		return fmt.Errorf("%d visitors needed %d connections; keep-alive failed", len(users), n)
	}
	d.out.line("%d visitors at once, %d requests each over one connection: %d answers in %s",
		len(users), visitsEach, len(users)*visitsEach, ms(took))
	d.out.line("the last for Ada: GET /hello?user=ada: %s", answers[0][visitsEach-1])
	return d.oddRequests(ctx)
}

// visitor is one HTTP client, with a connection of its own.
type visitor struct {
	base   string
	client http.Client
}

func newVisitor(base string) *visitor {
	return &visitor{base, http.Client{Transport: &http.Transport{}}} // and no proxy
}

func (v *visitor) leave() { v.client.CloseIdleConnections() }

// ask sends a request and returns the answer's status and body.
func (v *visitor) ask(ctx context.Context, method, path string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, v.base+path, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", fmt.Errorf("%s %s: the body: %w", method, path, err)
	}
	if method != http.MethodHead && resp.ContentLength != int64(len(all)) {
		return 0, "", fmt.Errorf("%s %s: Content-Length %d, and %d bytes", method, path, resp.ContentLength, len(all))
	}
	return resp.StatusCode, strings.TrimSpace(string(all)), nil
}

// visits says hello a few times and checks that each visit was counted.
func visits(ctx context.Context, base, user, name string) (answers []string, err error) {
	v := newVisitor(base)
	defer v.leave()
	before := 0 // those of earlier runs
	for i := range visitsEach {
		status, body, err := v.ask(ctx, http.MethodGet, "/hello?user="+user)
		if err != nil {
			return nil, err
		}
		var answer struct {
			Hello  string
			Visits int
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("GET /hello?user=%s: status %d: %s", user, status, body)
		}
		if i == 0 {
			before = answer.Visits - 1
		}
		if answer.Hello != name || answer.Visits != before+i+1 {
			return nil, fmt.Errorf("GET /hello?user=%s: %s; want %s with %d visits", user, body, name, before+i+1)
		}
		answers = append(answers, body)
	}
	return answers, nil
}

// oddRequests makes requests that are answered otherwise.
func (d *demo) oddRequests(ctx context.Context) error {
	v := newVisitor("http://" + d.web.addr)
	defer v.leave()
	var said []string
	for _, r := range []struct {
		method, path string
		status       int
		contains     string
	}{
		{http.MethodGet, "/", 200, "/hello?user=ada"},
		{http.MethodHead, "/", 200, ""},
		{http.MethodGet, "/hello", 400, "error"},
		{http.MethodGet, "/hello?user=nobody", 404, "error"},
		{http.MethodGet, "/elsewhere", 404, "error"},
		{http.MethodDelete, "/", 405, ""},
	} {
		status, body, err := v.ask(ctx, r.method, r.path)
		if err != nil {
			return err
		}
		if status != r.status || !strings.Contains(body, r.contains) {
			return fmt.Errorf("%s %s: status %d, %q; want status %d", r.method, r.path, status, body, r.status)
		}
		said = append(said, fmt.Sprintf("%s %s %d", r.method, r.path, status))
	}
	d.out.line("also: %s", strings.Join(said, ", "))
	return nil
}
