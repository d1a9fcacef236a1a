package debughttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/adapter/debughttp"
	"github.com/valet-go/valet/loop"
)

func ExampleHandler() {
	l, err := loop.Start(context.Background())
	if err != nil {
		panic(err)
	}
	defer l.Close()
	a := adapter.New(l)
	defer a.Close(context.Background())

	mux := http.NewServeMux()
	mux.Handle("/debug/valet", debughttp.Handler(a))
	srv := httptest.NewServer(mux) // a program's listens where operators alone get
	defer srv.Close()

	resp, err := http.Get(srv.URL + "/debug/valet?goroutine=1")
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fmt.Print(resp.Status, "\n", string(text))
	if err != nil {
		panic(err)
	}
	// Output:
	// 404 Not Found
	// debughttp: no call in flight runs on goroutine 1; it may have ended meanwhile
}
