package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/valet-go/valet/adapter"
)

// All reads the cursor to its end, and calls cb with all its documents,
// decoded; or with the first error. They are decoded on another goroutine. ctx
// bounds it all. The cursor is then closed.
func All[T any](ctx context.Context, c *Cursor, cb func([]T, error)) *adapter.Call {
	return adapter.CollectFunc(ctx, c.s, 0, func(doc bson.Raw) (v T, err error) {
		err = c.Decode(doc, &v)
		return v, err
	}, cb)
}

// ToList is [Cursor.ToList] with decoded documents. They are decoded on another
// goroutine. After an error the cursor is closed.
func ToList[T any](ctx context.Context, c *Cursor, limit int, cb func([]T, error)) *adapter.Call {
	all := []T{}
	return toList(ctx, c, want{limit: limit, fill: true, each: func(doc bson.Raw) error {
		var v T
		err := c.Decode(doc, &v)
		all = append(all, v)
		return err
	}}, func(_ []bson.Raw, err error) {
		if err != nil {
			cb(nil, err)
			return
		}
		cb(all, nil)
	})
}

// Each is [Cursor.Each] with decoded documents. They are decoded on another
// goroutine.
func Each[T any](ctx context.Context, c *Cursor, item func(T) error, done func(error)) {
	if item == nil || done == nil {
		panic("valet/mongo: Each needs both functions, not nil")
	}
	t := &typed[T]{c: c}
	s := adapter.NewStream(c.a, c.lane, t.fetch, c.f.stop)
	eachOf(ctx, s, item, func(err error) {
		c.s.Close(nil) // nobody may read on
		done(err)
	})
}

// typed are documents that are decoded while they are fetched. For bodies.
type typed[T any] struct {
	c      *Cursor
	failed error // that comes after what was fetched
}

// fetch is the stream's.
func (t *typed[T]) fetch(ctx context.Context) (batch []T, err error) {
	if t.failed != nil {
		return nil, t.failed
	}
	_, err = t.c.f.read(ctx, wantOf(ctx), func(left int) error {
		if batch == nil {
			batch = make([]T, 0, left+1)
		}
		var v T
		err := t.c.cur.Decode(&v)
		if err == nil {
			batch = append(batch, v)
		}
		return err
	})
	if err != nil && len(batch) > 0 {
		t.failed = err
		err = nil
	}
	return batch, err
}
