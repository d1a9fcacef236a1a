package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/valet-go/valet/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestHello(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatalf("%v; it had printed:\n%s", err, &out)
	}
	for _, want := range []string{
		"SET greeting: OK (callback on the loop: true)\n",
		"100 GETs started in ",
		"; 0 answered so far\n",
		"GET greeting: 100 answers, 0 errors, in ",
		": \"hello from the loop\"\n",
		"INCR greeting: ERR value is not an integer",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, &out)
		}
	}
}
