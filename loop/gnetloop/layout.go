//go:build linux || darwin || freebsd

package gnetloop

import (
	"fmt"
	"reflect"

	"github.com/panjf2000/gnet/v2"
	"github.com/panjf2000/gnet/v2/pkg/queue"
)

// findLayout is a variable for the test of what happens when it fails.
var findLayout = layoutOf

// layout says where gnet keeps what it has no method for: the descriptor of the
// poll that serves a connection, in conn.loop.poller.fd, and the queues of that.
type layout struct {
	path   [3]int
	queues []int
}

// layoutOf checks that t, the type of a gnet connection, has the fields that
// gnet v2.9.7 has.
func layoutOf(t reflect.Type) (l layout, err error) {
	at := t
	for i, name := range []string{"loop", "poller", "fd"} {
		if at == nil || at.Kind() != reflect.Pointer || at.Elem().Kind() != reflect.Struct {
			return l, fmt.Errorf("gnetloop: this gnet is not v2.9.7 or one like it: %v is not a pointer to a struct on the way to %s", t, name)
		}
		f, ok := at.Elem().FieldByName(name)
		if !ok || len(f.Index) != 1 {
			return l, fmt.Errorf("gnetloop: this gnet is not v2.9.7 or one like it: %v has no field %s where it is expected", t, name)
		}
		if name == "fd" {
			for _, name := range []string{"urgentAsyncTaskQueue", "asyncTaskQueue"} {
				q, ok := at.Elem().FieldByName(name)
				if !ok || len(q.Index) != 1 || q.Type != reflect.TypeFor[queue.AsyncTaskQueue]() {
					return l, fmt.Errorf("gnetloop: this gnet is not v2.9.7 or one like it: the poll of %v has no %s", t, name)
				}
				l.queues = append(l.queues, q.Index[0])
			}
		}
		l.path[i], at = f.Index[0], f.Type
	}
	if at.Kind() != reflect.Int {
		return l, fmt.Errorf("gnetloop: this gnet is not v2.9.7 or one like it: the poll of %v has no descriptor of type int", t)
	}
	return l, nil
}

// poll is the descriptor of the poll that serves c.
func (l layout) poll(c gnet.Conn) int {
	v := reflect.ValueOf(c)
	for _, i := range l.path {
		v = v.Elem().Field(i)
	}
	return int(v.Int())
}

// tasks are the queues of the poll that serves c.
func (l layout) tasks(c gnet.Conn) []queue.AsyncTaskQueue {
	poll := reflect.ValueOf(c).Elem().Field(l.path[0]).Elem().Field(l.path[1]).Elem()
	var queues []queue.AsyncTaskQueue
	for _, i := range l.queues {
		f := poll.Field(i)
		queues = append(queues, *(*queue.AsyncTaskQueue)(f.Addr().UnsafePointer()))
	}
	return queues
}
