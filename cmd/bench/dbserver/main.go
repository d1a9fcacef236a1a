// Command dbserver is the embedded database server of a benchmark, which
// builds and starts it when it needs one; it is of no use on its own.
//
// It is a program apart because its packages take 0.3 s of CPU time to
// initialize, 7 s under the race detector, and add 45 MB to the resident memory
// of any process that they are part of: too much for the processes that are
// measured.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/valet-go/valet/cmd/bench/internal/role"
	"github.com/valet-go/valet/cmd/internal/embedded"
)

var roles = map[string]role.Func{"mysql": serveMySQL}

func main() {
	if len(os.Args) == 2 {
		if do, ok := roles[os.Args[1]]; ok {
			os.Exit(role.Run(do, os.Stdin, os.Stdout, os.Stderr))
		}
	}
	fmt.Fprintln(os.Stderr, "dbserver: started by go run ./cmd/bench, not by hand")
	os.Exit(2)
}

// serveMySQL serves MySQL's protocol from memory until the process ends.
func serveMySQL(ctx context.Context, _ json.RawMessage, ready func(any) error) error {
	s, err := embedded.StartMySQL()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := ready(s.DSN()); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}
