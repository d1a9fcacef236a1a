package main

import (
	"os"
	"testing"

	"github.com/valet-go/valet/internal/leaktest"
)

// insideEnv makes the test program the one inside a namespace.
const insideEnv = "VALET_UPSTREAM_INSIDE"

func TestMain(m *testing.M) {
	if os.Getenv(insideEnv) != "" {
		beInside()
	}
	leaktest.Main(m)
}
