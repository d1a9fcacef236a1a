package integration

import (
	"reflect"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
)

func testMongoErrorBehindDocuments(t *testing.T, w *wireEnv) {
	w.fill(350)
	for name, read := range map[string]func(c *mongo.Cursor, seen *int) error{
		"Next": func(c *mongo.Cursor, seen *int) error {
			*seen = len(w.nexts(c.Next, 100))
			return begin(w.env, func(cb func(bson.Raw, error)) *adapter.Call { return c.Next(bg, cb) }).fails()
		},
		"NextBatch": func(c *mongo.Cursor, seen *int) error {
			*seen = len(w.next(c).must())
			return w.next(c).fails()
		},
		"Each": func(c *mongo.Cursor, seen *int) error {
			return begin(w.env, finish(func(cb func(error)) {
				c.Each(bg, func(bson.Raw) error { *seen++; return nil }, cb)
			})).fails()
		},
		"typed Each": func(c *mongo.Cursor, seen *int) error {
			return begin(w.env, finish(func(cb func(error)) {
				mongo.Each(bg, c, func(numbered) error { *seen++; return nil }, cb)
			})).fails()
		},
		"ToList": func(c *mongo.Cursor, seen *int) error {
			*seen = len(w.list(c, 100))
			return begin(w.env, func(cb func([]bson.Raw, error)) *adapter.Call { return c.ToList(bg, 150, cb) }).fails()
		},
		"Cursor.All": func(c *mongo.Cursor, seen *int) error {
			got := make([]numbered, 100)
			err := begin(w.env, void(func(cb func(error)) *adapter.Call { return c.All(bg, &got, cb) })).fails()
			*seen = len(got) // as it was
			return err
		},
	} {
		w.fail(0, times(1), bson.M{"failCommands": bson.A{"getMore"}, "errorCode": 8000})
		c, seen := w.found(), 0
		var answer mongo.CommandError
		if err := read(c, &seen); !asError(err, &answer) || answer.Code != 8000 {
			t.Errorf("%s: got the error %v, want number 8000", name, err)
		}
		if seen != 100 {
			t.Errorf("%s: got %d documents before, want 100", name, seen)
		}
		if name == "Cursor.All" || name == "Each" || name == "typed Each" {
			w.next(c).fails()
		}
		eventually(t, "no cursor is open after "+name, func() bool { return w.cursors() == 0 })
	}
}

func testMongoAllFails(t *testing.T, w *wireEnv) {
	w.fill(350)
	var number int
	var list []struct{ Label int }
	for _, results := range []any{nil, &number, list, &list} {
		c := w.found()
		begin(w.env, void(func(cb func(error)) *adapter.Call { return c.All(bg, results, cb) })).fails()
		eventually(t, "no cursor is open", func() bool { return w.cursors() == 0 })
		w.wantNoSession()
	}
	if list != nil {
		t.Errorf("after an error the slice has %d elements, not what it had", len(list))
	}
}

// celsius is a type with a decoder that only a registry knows.
type celsius struct{ degrees float64 }

func testMongoRegistry(t *testing.T, w *wireEnv) {
	reg := bson.NewRegistry()
	reg.RegisterTypeDecoder(reflect.TypeFor[celsius](), bson.ValueDecoderFunc(func(_ bson.DecodeContext, vr bson.ValueReader, v reflect.Value) error {
		f, err := vr.ReadDouble()
		v.Set(reflect.ValueOf(celsius{f / 10}))
		return err
	}))
	own := w.with(options.Client().SetRegistry(reg))
	type day struct {
		ID   int `bson:"_id"`
		High celsius
	}
	for i := range 30 {
		w.beginInsert(bg, bson.M{"_id": i, "high": float64(i * 10)}).must()
	}
	find := func() *mongo.Cursor {
		return own.findIn(bg, options.Find().SetBatchSize(7).SetSort(bson.M{"_id": 1})).must()
	}
	for name, days := range map[string]func() []day{
		"All": func() []day {
			return must(w.env, func(cb func([]day, error)) *adapter.Call { return mongo.All(bg, find(), cb) })
		},
		"Cursor.All": func() (days []day) {
			must(w.env, void(func(cb func(error)) *adapter.Call { return find().All(bg, &days, cb) }))
			return days
		},
		"Each": func() (days []day) {
			must(w.env, finish(func(cb func(error)) {
				mongo.Each(bg, find(), func(d day) error { days = append(days, d); return nil }, cb)
			}))
			return days
		},
		"ToList": func() (days []day) {
			return must(w.env, func(cb func([]day, error)) *adapter.Call { return mongo.ToList(bg, find(), 0, cb) })
		},
		"Decode": func() (days []day) {
			c := find()
			for _, doc := range w.each(c) {
				var d day
				if err := c.Decode(doc, &d); err != nil {
					t.Fatal(err)
				}
				days = append(days, d)
			}
			return days
		},
	} {
		got := days()
		if len(got) != 30 {
			t.Fatalf("%s gave %d days", name, len(got))
		}
		for i, d := range got {
			if d != (day{i, celsius{float64(i)}}) {
				t.Errorf("%s: day %d is %+v", name, i, d)
			}
		}
	}
}
