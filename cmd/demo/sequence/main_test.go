package sequence

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m, goleak.IgnoreCurrent()) }
