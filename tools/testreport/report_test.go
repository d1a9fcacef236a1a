package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name    string
		in      []string
		noSkips bool
		want    []string // lines
	}{
		{
			name: "nothing at all",
			want: []string{"0 passed, 0 failed, 0 skipped"},
		},
		{
			name: "a passing package is one line",
			in: []string{
				`{"Action":"start","Package":"p"}`,
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}`,
				`{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}`,
				`{"Action":"output","Package":"p","Output":"PASS\n"}`,
				`{"Action":"pass","Package":"p","Elapsed":1.24}`,
			},
			want: []string{"ok   \tp\t1.2s", "1 passed, 0 failed, 0 skipped"},
		},
		{
			name: "a failing test shows its output",
			in: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: wrong\n"}`,
				`{"Action":"fail","Package":"p","Test":"TestA"}`,
				`{"Action":"fail","Package":"p","Elapsed":1}`,
			},
			want: []string{
				"FAIL \tp\t1.0s", "        a_test.go:1: wrong",
				"Failed: p: TestA", "0 passed, 1 failed, 0 skipped",
			},
		},
		{
			name: "a skip is listed with its reason",
			in: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: no redis: run make deps\n"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}`,
				`{"Action":"skip","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p","Elapsed":1}`,
			},
			want: []string{
				"ok   \tp\t1.0s", "Left out: TestA: no redis: run make deps",
				"0 passed, 0 failed, 1 skipped",
			},
		},
		{
			name: "a skip is a failure where none is allowed",
			in: []string{
				`{"Action":"skip","Package":"p","Test":"TestA"}`,
				`{"Action":"pass","Package":"p","Elapsed":1}`,
			},
			noSkips: true,
			want: []string{
				"ok   \tp\t1.0s", "Failed: TestA was left out: no reason given",
				"0 passed, 1 failed, 0 skipped",
			},
		},
		{
			name: "a failure of no test is the package's",
			in: []string{
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Output":"leaktest: goroutines left behind\n"}`,
				`{"Action":"output","Package":"p","Output":"FAIL\tp\t1s\n"}`,
				`{"Action":"fail","Package":"p","Elapsed":1}`,
			},
			want: []string{
				"FAIL \tp\t1.0s", "    leaktest: goroutines left behind",
				"Failed: p", "1 passed, 1 failed, 0 skipped",
			},
		},
		{
			name: "a panic shows the test that was running",
			in: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: oh\n"}`,
				`{"Action":"fail","Package":"p","Elapsed":1}`,
			},
			want: []string{
				"FAIL \tp\t1.0s", "    panic: oh",
				"Failed: p: did not end: TestA", "0 passed, 1 failed, 0 skipped",
			},
		},
		{
			name: "a package that never ends has failed",
			in: []string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"last words\n"}`,
			},
			want: []string{
				"FAIL \tp\t0.0s", "    last words",
				"Failed: p: did not end: TestA", "0 passed, 1 failed, 0 skipped",
			},
		},
		{
			name: "a failed build shows the compiler's messages",
			in: []string{
				`{"ImportPath":"p [p.test]","Action":"build-output","Output":"a.go:1: undefined: x\n"}`,
				`{"ImportPath":"p [p.test]","Action":"build-fail"}`,
				`{"Action":"fail","Package":"p","Elapsed":0,"FailedBuild":"p [p.test]"}`,
			},
			want: []string{
				"FAIL \tp\t0.0s", "    a.go:1: undefined: x",
				"Failed: p", "0 passed, 1 failed, 0 skipped",
			},
		},
		{
			name: "other lines are passed on",
			in: []string{
				"go: downloading example.com/m v1.0.0",
				`{"Action":"skip","Package":"p"}`,
			},
			want: []string{
				"go: downloading example.com/m v1.0.0", "-    \tp\t[no test files]",
				"0 passed, 0 failed, 0 skipped",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(strings.Join(c.in, "\n"))); err != nil {
				t.Fatal(err)
			}
			if c.noSkips {
				r.failSkips()
			}
			r.writeSum(&out)
			if got, want := out.String(), strings.Join(c.want, "\n")+"\n"; got != want {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
		})
	}
}

// TestReportOfTheGoCommand reads what today's go command really prints.
func TestReportOfTheGoCommand(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.test/m\n\ngo 1.26.0\n",
		"good_test.go": `package m
import "testing"
func TestGood(t *testing.T) { t.Run("sub", func(*testing.T) {}) }
func TestLeft(t *testing.T) { t.Skip("not here") }
`,
		"bad/bad_test.go": `package bad
import "testing"
func TestBad(t *testing.T) { t.Error("wrong") }
`,
		"broken/broken_test.go": "package broken\nvar x = undefined\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-json", "-vet=off", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	printed, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("go test reported success")
	}

	var out strings.Builder
	r := newReport(&out)
	if err := r.read(strings.NewReader(string(printed))); err != nil {
		t.Fatal(err)
	}
	r.writeSum(&out)
	for _, want := range []string{
		"ok   \texample.test/m\t", "bad_test.go:3: wrong", "undefined: undefined",
		"Left out: TestLeft: not here\n", "Failed: example.test/m/broken\n",
		"Failed: example.test/m/bad: TestBad\n", "\n2 passed, 2 failed, 1 skipped\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
}
