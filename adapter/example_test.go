package adapter_test

import (
	"context"
	"fmt"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

func Example() {
	l, err := loop.New()
	if err != nil {
		panic(err)
	}
	defer l.Close()
	a := adapter.New(l)

	adapter.Go(context.Background(), a, func(context.Context) (int, error) {
		return 6 * 7, nil // may block: it is not on the loop
	}, func(answer int, err error) {
		fmt.Println(answer, err, "on the loop:", l.OnLoop())
		l.Stop()
	})
	if err := l.Run(context.Background()); err != nil {
		panic(err)
	}
	if err := a.Close(context.Background()); err != nil {
		panic(err)
	}
	// Output: 42 <nil> on the loop: true
}
