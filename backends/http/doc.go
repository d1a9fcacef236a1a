// Package http fetches over HTTP under callbacks: the client of net/http, over
// the sockets of package fakesock.
//
//	client, err := http.New(a)
//	...
//	client.Get(ctx, "https://example.com/", func(res *http.Response, err error) { // on the loop
//		if err == nil {
//			fmt.Println(res.StatusCode, len(res.Body))
//		}
//	})
//
// All that [net/http.Transport] does is there: keep-alive, TLS, HTTP/2, proxies,
// redirects by [net/http.Client].
//
// # Goroutines
//
// Every method may be called from any goroutine, and none blocks. Callbacks run
// on the executor of the adapter, or the one given to [Client.On].
//
// # Limits
//
// As many requests run at once as the backend has slots; more wait. A response
// comes complete, in memory, up to a limit; [Client.Stream] gives it in pieces.
// The transport does its I/O on goroutines of its own, two for each connection:
// a callback costs no goroutine, a connection does.
//
// # Cancelling
//
// A request that is cancelled ends at once, with its connection if that is one
// of HTTP/1. So [adapter.Close] is the policy to have; Kill is the same. With
// [adapter.Abandon] a request that was abandoned goes on until the server has
// answered, or until Close, and keeps its slot: only the transport's own timeouts
// can end it, such as ResponseHeaderTimeout.
package http
