package private_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/valet-go/valet/cmd/internal/private"
	"github.com/valet-go/valet/internal/leaktest"
)

// parentEnv makes the test program a parent to be killed, of the server that it
// names.
const parentEnv = "VALET_PRIVATE_PARENT"

func TestMain(m *testing.M) {
	if server := os.Getenv(parentEnv); server != "" {
		beParent(server)
	}
	leaktest.Main(m)
}

// beParent starts a server, reports its address and waits to be killed.
func beParent(server string) {
	var srv interface{ Addr() string }
	var err error
	switch server {
	case "redis":
		srv, err = private.StartRedis(context.Background())
	case "postgres":
		srv, err = private.StartPostgres(context.Background())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(srv.Addr())
	select {}
}
