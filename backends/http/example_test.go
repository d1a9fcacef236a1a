package http_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/valet-go/valet/adapter"
	valethttp "github.com/valet-go/valet/backends/http"
	"github.com/valet-go/valet/loop"
)

func Example() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "you asked for "+r.URL.Path)
	}))
	defer srv.Close()

	ctx := context.Background()
	l, err := loop.Start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	client, err := valethttp.New(adapter.New(l))
	if err != nil {
		log.Fatal(err)
	}

	done := make(chan struct{})
	client.Get(ctx, srv.URL+"/first", func(res *valethttp.Response, err error) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(res.StatusCode, string(res.Body)) // on the loop
		client.Close(ctx, func(error) { close(done) })
	})
	<-done
	// Output: 200 you asked for /first
}
