package loop_test

import (
	"context"
	"fmt"
	"time"

	"github.com/valet-go/valet/loop"
)

func Example() {
	l, err := loop.New()
	if err != nil {
		panic(err)
	}
	defer l.Close()

	l.AfterFunc(2*time.Millisecond, func() {
		fmt.Println("a timer")
		l.Stop()
	})
	l.Post(func() {
		fmt.Println("a callback")
		l.Post(func() { fmt.Println("another, one iteration later") })
	})
	if err := l.Run(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// a callback
	// another, one iteration later
	// a timer
}
