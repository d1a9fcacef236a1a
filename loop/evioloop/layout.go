//go:build linux || darwin || freebsd

package evioloop

import (
	"fmt"
	"reflect"

	"github.com/tidwall/evio"
)

// findLayout is a variable for the test of what happens when it fails.
var findLayout = layoutOf

// layout says where evio keeps the descriptors that it has no method for: a
// connection's in conn.fd, and those of its poll in conn.loop.poll; and which loop
// serves it, in conn.loop.idx.
type layout struct {
	fd, loop, index, poll int // numbers of the fields of conn and loop
	pollFDs               []int
}

// layoutOf checks that t, the type of an evio connection, has the fields that
// evio v1.0.8 has.
func layoutOf(t reflect.Type) (layout, error) {
	var l layout
	wrong := func(what string) (layout, error) {
		return layout{}, fmt.Errorf("evioloop: this evio is not v1.0.8 or one like it: %v %s", t, what)
	}
	conn, ok := pointee(t)
	if !ok {
		return wrong("is not a pointer to a struct")
	}
	fd, ok := conn.FieldByName("fd")
	if !ok || fd.Type.Kind() != reflect.Int || len(fd.Index) != 1 {
		return wrong("has no field fd of type int")
	}
	loop, ok := conn.FieldByName("loop")
	if !ok || len(loop.Index) != 1 {
		return wrong("has no field loop")
	}
	loopType, ok := pointee(loop.Type)
	if !ok {
		return wrong("has a field loop that is not a pointer to a struct")
	}
	index, ok := loopType.FieldByName("idx")
	if !ok || index.Type.Kind() != reflect.Int || len(index.Index) != 1 {
		return wrong("has a loop without a field idx of type int")
	}
	poll, ok := loopType.FieldByName("poll")
	if !ok || len(poll.Index) != 1 {
		return wrong("has a loop without a field poll")
	}
	pollType, ok := pointee(poll.Type)
	if !ok {
		return wrong("has a loop whose poll is not a pointer to a struct")
	}
	for _, name := range []string{"fd", "wfd"} { // kqueue needs no wfd
		f, ok := pollType.FieldByName(name)
		switch {
		case ok && f.Type.Kind() == reflect.Int && len(f.Index) == 1:
			l.pollFDs = append(l.pollFDs, f.Index[0])
		case ok || name == "fd":
			return wrong("has a poll without a field " + name + " of type int")
		}
	}
	l.fd, l.loop, l.index, l.poll = fd.Index[0], loop.Index[0], index.Index[0], poll.Index[0]
	return l, nil
}

func pointee(t reflect.Type) (reflect.Type, bool) {
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil, false
	}
	return t.Elem(), true
}

// connFD is the descriptor of c.
func (l layout) connFD(c evio.Conn) int {
	return int(reflect.ValueOf(c).Elem().Field(l.fd).Int())
}

// loopIndex is the number of the loop that serves c.
func (l layout) loopIndex(c evio.Conn) int {
	return int(reflect.ValueOf(c).Elem().Field(l.loop).Elem().Field(l.index).Int())
}

// polls are the descriptors of the poll that serves c: the poll itself, then,
// on Linux, the eventfd that wakes it.
func (l layout) polls(c evio.Conn) []int {
	poll := reflect.ValueOf(c).Elem().Field(l.loop).Elem().Field(l.poll).Elem()
	var fds []int
	for _, i := range l.pollFDs {
		fds = append(fds, int(poll.Field(i).Int()))
	}
	return fds
}
