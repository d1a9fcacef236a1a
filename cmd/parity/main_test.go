package parity

import (
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) {
	// It reports every connection that it gives up, and these tests cut some.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	leaktest.Main(m)
}
