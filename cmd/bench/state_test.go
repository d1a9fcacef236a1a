package main

import (
	"bufio"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// stylesHere are those that this system has.
func stylesHere() []style {
	return slices.DeleteFunc(slices.Clone(styles), func(s style) bool { return s.name == "evioloop" && runtime.GOOS != "linux" })
}

func TestStateEndToEnd(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("resident memory is read on Linux only")
	}
	file := filepath.Join(t.TempDir(), "chart.svg")
	doc := smallRun(t, "-driver", "state", "-conns", "100", "-pairs", "1", "-chart", file)
	if len(doc.Rows) != len(styles) {
		t.Fatalf("%d rows", len(doc.Rows))
	}
	d := readChart(t, file)
	for i, r := range doc.Rows {
		if r.Tokens < 20 || r.Unit != "client" || r.Path != styles[i].name {
			t.Errorf("%s: %+v", r.Path, r.sample)
		}
		d.has(t, styles[i].label)
		if r.Path == "thread" {
			if page := float64(4096); r.KernelStacks < page || r.Resident < page || r.PageTables <= 0 {
				t.Errorf("a thread has %+v", r.sample)
			}
		} else if r.KernelStacks > 4096 {
			t.Errorf("%s has %.0f bytes of threads' stacks for a client", r.Path, r.KernelStacks)
		}
	}
}

// Clients that have left are seen to have left, and others get their message.
func TestClientsOfAllStylesComeAndGo(t *testing.T) {
	for _, how := range stylesHere() {
		t.Run(how.name, func(t *testing.T) {
			srv, err := how.start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer srv.close()
			for range 2 {
				if err := comeAndGo(t.Context(), srv); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A client of the line protocol gets an answer for each line, whenever it sends
// them, and is forgotten when it goes.
func TestEveryLineIsAnswered(t *testing.T) {
	for _, how := range stylesHere() {
		if how.http {
			continue
		}
		t.Run(how.name, func(t *testing.T) {
			srv, err := how.start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer srv.close()
			c, err := net.Dial("tcp", srv.addrs[0])
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write([]byte("one\ntwo\nthree\nfo")); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(c)
			for _, message := range []string{"a\n", "b\n", "c\n"} {
				waits(t, srv, true)
				srv.broadcast([]byte(message))
				if got, err := in.ReadString('\n'); got != message || err != nil {
					t.Fatalf("got %q, %v instead of %q", got, err, message)
				}
			}
			waits(t, srv, false)
			if _, err := c.Write([]byte("ur\n")); err != nil {
				t.Fatal(err)
			}
			waits(t, srv, true)
			c.Close()
			srv.broadcast([]byte("d\n"))
			waits(t, srv, false)
		})
	}
}

// waits waits until the one client waits, or until it does not.
func waits(t *testing.T, srv *pollServer, want bool) {
	t.Helper()
	var err error
	if want {
		err = reach(t.Context(), "clients wait", 1, srv.waiting)
	} else {
		err = reach(t.Context(), "clients have stopped waiting", 1, func() int { return 1 - srv.waiting() })
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestTokensAreCounted(t *testing.T) {
	for source, want := range map[string]int{
		"package a": 0,
		"package a\n\nimport \"b\"\n\n// Comment.\nvar x = 1 // more\n":                    4,
		"package a\n\nimport (\n\t\"b\"\n\tc \"d\"\n)\n\nfunc f() { b.G(); c.H() }\n":      17,
		"package a\n\nfunc f() {\n\tb.G()\n}\n":                                            11,
		"package a\n\n/* long\ncomment */ func f(a, b int) int { return a + b*2 /* x */ }": 17,
	} {
		if got, err := tokensOf([]byte(source)); got != want || err != nil {
			t.Errorf("%q: %d, %v, want %d", source, got, err, want)
		}
	}
	if _, err := tokensOf([]byte("pack")); err == nil {
		t.Error("no package, and no error")
	}
	for _, how := range styles {
		if n, err := how.tokens(); n < 20 || err != nil {
			t.Errorf("%s: %d, %v", how.name, n, err)
		}
	}
}

func TestNumbersOfProc(t *testing.T) {
	const status = "Name:\tx\nVmRSS:\t  12 kB\nThreads:\t3\n"
	if n, err := procNumber([]byte(status), "Threads:"); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := procNumber([]byte(status), "VmPTE:"); err == nil || !strings.Contains(err.Error(), "VmPTE") {
		t.Errorf("error: %v", err)
	}
}
