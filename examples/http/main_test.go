package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestHTTP(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, in, "127.0.0.1:0") }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url, _, _ := strings.Cut(line, " ")
	defer http.DefaultClient.CloseIdleConnections()
	get := func(path string) (visits int) {
		res, err := http.Get(url + path)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&visits); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %v", path, res.Status, err)
		}
		return visits
	}

	next := make(chan int, 1)
	go func() { next <- get("next") }()
	heard := 0
	for visits := 1; heard == 0; visits++ { // some may come before it waits
		if got := get(""); got != visits {
			t.Fatalf("%d visits, want %d", got, visits)
		}
		select {
		case heard = <-next:
			if heard > visits {
				t.Errorf("heard of %d visits, of %d", heard, visits)
			}
		default:
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The README shows the server that is run here.
func TestTheReadmeShowsTheServer(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, server, found := strings.Cut(string(program), "\nfunc newServer")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !found || !strings.Contains(string(readme), "```go\nfunc newServer"+server+"```\n") {
		t.Error("README.md does not contain newServer of main.go as it is")
	}
}
