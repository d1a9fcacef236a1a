package gnetloop_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/valet-go/valet/loop/gnetloop"
)

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	srv := gnetloop.Server{
		Data: func(c *gnetloop.Conn, in []byte) { // on c's loop
			name := strings.TrimSpace(string(in))
			go func() { // something that takes its time
				greeting := "hello " + name
				c.Post(func() { c.WriteString(greeting + "\n") }) // on c's loop again
			}()
		},
		Ready: func(addrs []net.Addr) {
			go client(addrs[0].String(), stop)
		},
	}
	fmt.Println(srv.Serve(ctx, "tcp://127.0.0.1:0"))
	// Output:
	// hello valet
	// <nil>
}

func client(addr string, stop func()) {
	defer stop()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Fprintln(c, "valet")
	line, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Print(line)
}
