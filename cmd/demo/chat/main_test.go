package chat_test

import (
	"testing"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) {
	// It reports every connection that it gives up, and some tests cut many.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	// backends/sql has a goroutine of database/sql's from its init on.
	leaktest.Main(m, goleak.IgnoreCurrent())
}
