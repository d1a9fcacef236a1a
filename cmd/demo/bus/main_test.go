package bus

import (
	"context"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) {
	redis.SetLogger(silent{}) // it reports every connection that it gives up, and these tests cut many
	leaktest.Main(m)
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
