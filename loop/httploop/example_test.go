package httploop_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"

	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/httploop"
)

// A long-poll: who asks for /next waits until somebody asks for /say.
func Example() {
	var waiting []*httploop.Exchange
	srv := &httploop.Server{Handler: func(x *httploop.Exchange) {
		switch string(x.Request().URI().Path()) {
		case "/next":
			waiting = append(waiting, x) // answered later
		case "/say":
			for _, w := range waiting {
				w.Text(http.StatusOK, "hello")
			}
			x.JSON(http.StatusOK, map[string]int{"heard by": len(waiting)})
			waiting = nil
		case "/waiting":
			x.JSON(http.StatusOK, len(waiting))
		default:
			x.Error(http.StatusNotFound, "")
		}
	}}

	l, err := loop.Start(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	ln, err := srv.Listen(l, "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	get := func(path string) string {
		res, err := http.Get("http://" + ln.Addr().String() + path)
		if err != nil {
			log.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			log.Fatal(err)
		}
		return string(body)
	}

	heard := make(chan string)
	go func() { heard <- get("/next") }()
	for get("/waiting") != "1" {
	}
	fmt.Println(get("/say"))
	fmt.Println(<-heard)
	// Output:
	// {"heard by":1}
	// hello
}
