package mongo_test

import (
	"context"
	"reflect"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

func TestAllSetsTheSliceAsTheDriverDoes(t *testing.T) {
	a := newAdapter(t)
	t.Cleanup(func() {
		if err := a.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	type item struct{ N int }
	for _, test := range []struct {
		docs   []any
		before []item
	}{
		{nil, nil},
		{nil, []item{}},
		{nil, []item{{7}}},
		{[]any{bson.M{"n": 1}, bson.M{"n": 2}}, nil},
		{[]any{bson.M{"n": 1}}, []item{{7}, {8}}},
	} {
		cur, err := mongo.NewCursorFromDocuments(test.docs, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := append([]item(nil), test.before...)
		if test.before != nil && want == nil {
			want = []item{}
		}
		if err := cur.All(context.Background(), &want); err != nil {
			t.Fatal(err)
		}
		if cur, err = mongo.NewCursorFromDocuments(test.docs, nil, nil); err != nil {
			t.Fatal(err)
		}
		got := test.before
		if err := adapter.WaitErr(func(cb func(error)) {
			mongo.NewCursor(a, cur).All(context.Background(), &got, cb)
		}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v into %#v: %#v, %v; the driver's is %#v", test.docs, test.before, got, err, want)
		}
	}
}
