package evioloop

import (
	"context"
	"reflect"
	"strings"
	"testing"
)

func TestForeignEvio(t *testing.T) {
	for _, v := range []any{
		nil, 1,
		struct{}{},
		&struct{}{},
		&struct{ fd string }{},
		&struct{ fd int }{},
		&struct{ fd, loop int }{},
		&struct {
			fd   int
			loop *int
		}{},
		&struct {
			fd   int
			loop *struct{}
		}{},
		&struct {
			fd   int
			loop *struct{ idx string }
		}{},
		&struct {
			fd   int
			loop *struct{ idx, poll int }
		}{},
		&struct {
			fd   int
			loop *struct {
				idx  int
				poll *struct{ fd uint }
			}
		}{},
		&struct {
			fd   int
			loop *struct {
				idx  int
				poll *struct {
					fd  int
					wfd string
				}
			}
		}{},
	} {
		if _, err := layoutOf(reflect.TypeOf(v)); err == nil || !strings.Contains(err.Error(), "evio") {
			t.Errorf("%T: %v", v, err)
		}
	}
	if l, err := layoutOf(reflect.TypeOf(&struct {
		fd   int
		loop *struct {
			idx  int
			poll *struct{ fd int }
		}
	}{})); err != nil || len(l.pollFDs) != 1 {
		t.Errorf("kqueue's layout: %v", err)
	}

	defer func() { findLayout = layoutOf }()
	findLayout = func(reflect.Type) (layout, error) { return layoutOf(nil) }
	s := Server{Data: echo}
	if err := s.Serve(context.Background(), "tcp://127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "v1.0.8") {
		t.Errorf("Serve: %v", err)
	}
}
