package evioloop

import (
	"testing"

	"github.com/valet-go/valet/internal/frontendtest"
)

func TestIdleConnectionIsSmall(t *testing.T) {
	frontendtest.IdleConnection(t, host(1), 500)
}
