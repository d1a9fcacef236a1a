package fakesock_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"

	"github.com/valet-go/valet/fakesock"
	"github.com/valet-go/valet/loop"
)

// A server and a client of net/http whose connections wait on one loop.
func ExampleListen() {
	l, err := loop.Start(context.Background())
	if err != nil {
		panic(err)
	}
	defer l.Close()

	ln, err := fakesock.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "served over the loop")
	})}
	go srv.Serve(ln)
	defer srv.Close()

	d := &fakesock.Dialer{Loop: l}
	client := &http.Client{Transport: &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}}
	resp, err := client.Get("http://" + ln.Addr().String())
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(string(body), err)
	// Output: served over the loop <nil>
}

// Parked shows what a program waits for.
func ExampleParked() {
	l, err := loop.Start(context.Background())
	if err != nil {
		panic(err)
	}
	defer l.Close()
	ln, err := fakesock.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	accepted := make(chan error)
	go func() {
		_, err := ln.Accept()
		accepted <- err
	}()
	for len(fakesock.Parked(l)) == 0 { // until Accept has got there
		runtime.Gosched()
	}
	for _, op := range fakesock.Parked(l) {
		fmt.Println(op.Op, op.Local.String() == ln.Addr().String(), op.Deadline.IsZero())
	}
	ln.Close()
	<-accepted
	// Output: accept true true
}
