package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) {
	// backends/sql has a goroutine of database/sql's from its init on.
	leaktest.Main(m, goleak.IgnoreCurrent())
}
