package private_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/valet-go/valet/cmd/internal/private"
	"github.com/valet-go/valet/internal/leaktest"
)

// parentEnv makes the test program a parent to be killed.
const parentEnv = "VALET_PRIVATE_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentEnv) != "" {
		beParent()
	}
	leaktest.Main(m)
}

// beParent starts a server, reports its address and waits to be killed.
func beParent() {
	srv, err := private.StartRedis(context.Background())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(srv.Addr())
	select {}
}
