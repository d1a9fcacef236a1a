// Package role is the child's side of how a benchmark talks to the processes
// that it starts.
//
// The first argument names the role. A line of JSON on standard input says
// what to do, and standard input then stays open: its end means that the
// parent is gone, and ends the child. The child answers with one line of JSON
// on standard output, or a line for each report.
package role

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Func does what the JSON in says. It calls ready once: a server with its
// address, before it serves until the process ends; a measurement with its
// result. Clients of a server that is measured call it with each of their reports.
type Func func(ctx context.Context, in json.RawMessage, ready func(v any) error) error

// Reply is a child's answer; one of the fields is set.
type Reply struct {
	Error  string          `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// Run is a child process from start to end; it returns the exit code. It ends
// the process itself when stdin ends.
func Run(do Func, stdin io.Reader, stdout, stderr io.Writer) int {
	decoder := json.NewDecoder(stdin)
	var in json.RawMessage
	if err := decoder.Decode(&in); err != nil {
		fmt.Fprintln(stderr, "bench: this is a child process of a benchmark:", err)
		return 2
	}
	go func() {
		io.Copy(io.Discard, stdin)
		os.Exit(1)
	}()
	out := json.NewEncoder(stdout)
	err := do(context.Background(), in, func(v any) error {
		result, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return out.Encode(Reply{Result: result})
	})
	if err != nil {
		out.Encode(Reply{Error: err.Error()})
		return 1
	}
	return 0
}
