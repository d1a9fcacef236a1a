package integration

import (
	"context"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"

	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) {
	// They report every connection that they give up, and these tests cut many.
	redis.SetLogger(silent{})
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	leaktest.Main(m)
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
