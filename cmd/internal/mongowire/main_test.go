package mongowire

import (
	"testing"

	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
