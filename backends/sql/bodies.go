package sql

import "github.com/valet-go/valet/adapter"

// Adapter returns the adapter that the pool's calls run on, so that what else
// uses the pool, such as GORM, can run in bodies of its own that share its slots:
//
//	adapter.Go(ctx, db.Adapter(), func(ctx context.Context) (User, error) {
//		return gorm.G[User](g).Where("id = ?", id).First(ctx)
//	}, cb)
func (db *DB) Adapter() *adapter.Adapter { return db.a }
