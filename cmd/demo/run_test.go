package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/cmd/demo/chat/guest"
	"github.com/valet-go/valet/cmd/internal/embedded"
)

// small is how the demo is run where the size of the crowd does not matter:
// under the race detector the embedded servers are slow.
var small = config{once: true, addr: "127.0.0.1:0", crowd: 20, listeners: 20}

// account runs the demo, which must end well, and returns what it printed.
func account(t *testing.T, do func(stdout, stderr io.Writer) int) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := do(&out, &errs); code != 0 {
		t.Fatalf("exit %d: %s\nafter:\n%s", code, &errs, &out)
	}
	return out.String()
}

// expect fails the test for each expression that the account lacks.
func expect(t *testing.T, account string, expressions ...string) {
	t.Helper()
	for _, want := range expressions {
		if !regexp.MustCompile(`(?m)` + want).MatchString(account) {
			t.Errorf("%q is missing in:\n%s", want, account)
		}
	}
}

func TestOnceTellsEverythingAndLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	got := account(t, func(stdout, stderr io.Writer) int { return run(t.Context(), []string{"-once"}, stdout, stderr) })
	expect(t, got,
		`mongo-driver/v2 +v2\.\S+ +h1:`, `go-sql-driver/mysql +v1\.\S+ +h1:`, `each a \*fakesock\.Conn$`,
		`^ +\(1\) +0 µs +loop`, `\(2\) .*worker`, `\(3\) .*worker`, `\(4\) .*worker`,
		`\(5\) .*worker`, `\(6\) .*loop`, `\(7\) .*worker`, `\(8\) .*loop`,
		`500 documents in 4 batches`, `rolled back +70 +80`,
		`at most 1,000 in flight`, `on the loop, meanwhile +p50 .*, p99 .*, max `,
		`a wrong password +Error 1045`, `a panic in the body +adapter: panic`,
		`Ada joins, then Grace; Ada's long-poll tells her so`, `Grace's long-poll has it after`,
		`who comes late gets the newest 50, and then the 10 before them`, `sent twice is number 61 both times; the next is 62`,
		`too long: 400 .*at most 2000 characters`, `415 Unsupported`, `200 clients poll; one message has reached all`,
		`all but Ada leave`,
		`callbacks, all on the loop goroutine \(goroutine \d+\), each exactly once$`,
		`^Stopped in `)
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

// served runs the demo as a server, calls visit with its address, and interrupts
// it.
func served(t *testing.T, cfg config, visit func(addr string)) {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	reader, writer := io.Pipe()
	var errs bytes.Buffer
	code := make(chan int, 1)
	cfg.once = false
	go func() {
		code <- execute(ctx, cfg, writer, &errs)
		writer.Close()
	}()
	visited := false
	lines := bufio.NewScanner(reader)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "Chat at http://"); ok {
			addr, _, _ = strings.Cut(addr, "/")
			visit(addr)
			visited = true
			interrupt()
		}
	}
	if c := <-code; c != 0 || errs.Len() > 0 || !visited {
		t.Errorf("exit %d, visited %t: %s", c, visited, &errs)
	}
}

// speak posts in the lobby and returns the message's number.
func speak(t *testing.T, addr, text string) (n int64) {
	t.Helper()
	g := guest.New(addr, "lobby", "Grace")
	defer g.Leave()
	n, err := g.Say(t.Context(), rand.Text(), text)
	if err != nil {
		t.Error(err)
	}
	return n
}

func TestServesUntilInterruptedAndLeavesNothing(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	served(t, small, func(addr string) {
		if n := speak(t, addr, "hello"); n != 1 {
			t.Errorf("the first message is number %d", n)
		}
		resp, err := http.Get("http://" + addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		page, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		http.DefaultClient.CloseIdleConnections()
		if resp.StatusCode != http.StatusOK || !bytes.Contains(page, []byte("<title>Valet chat</title>")) {
			t.Errorf("status %d, %s", resp.StatusCode, page)
		}
		for path, want := range map[string]int{"/engine": http.StatusOK, "/elsewhere": http.StatusNotFound} {
			resp, err := http.Get("http://" + addr + path)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			http.DefaultClient.CloseIdleConnections()
			if resp.StatusCode != want {
				t.Errorf("%s: status %d; want %d", path, resp.StatusCode, want)
			}
		}
	})
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
}

// What was said is there again, although the embedded MySQL has forgotten it.
func TestDataIsKept(t *testing.T) {
	cfg := small
	cfg.data = t.TempDir()
	for want := range int64(2) {
		served(t, cfg, func(addr string) {
			if n := speak(t, addr, "hello"); n != want+1 {
				t.Errorf("the message is number %d; want %d", n, want+1)
			}
		})
	}
}

// The account leaves nothing in the servers of others; a chat that was served stays.
func TestServersOfOthers(t *testing.T) {
	my, err := embedded.StartMySQL()
	if err != nil {
		t.Fatal(err)
	}
	defer my.Close()
	mo, err := embedded.StartMongo(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer mo.Close()
	cfg := small
	cfg.mongo, cfg.mysql = mo.URI(), my.DSN()
	for range 2 {
		got := account(t, func(stdout, stderr io.Writer) int { return execute(t.Context(), cfg, stdout, stderr) })
		expect(t, got, `MySQL +yours`, `MongoDB +yours`)
	}
	db, err := sql.Open("mysql", my.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var table string
	if err := db.QueryRowContext(t.Context(), "SHOW TABLES").Scan(&table); err != sql.ErrNoRows {
		t.Errorf("it left the table %q, %v", table, err)
	}
	for want := range int64(2) {
		served(t, cfg, func(addr string) {
			if n := speak(t, addr, "hello"); n != want+1 {
				t.Errorf("the message is number %d; want %d", n, want+1)
			}
		})
	}
	var posts int
	if err := db.QueryRowContext(t.Context(), "SELECT posts FROM valet_demo_chat_users").Scan(&posts); err != nil || posts != 2 {
		t.Errorf("%d posts, %v; want 2", posts, err)
	}
}

func TestInterruptedEarly(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 0, ""},
		{[]string{"-once"}, 1, "demo: The drivers, unmodified: interrupted\n"},
	} {
		var errs bytes.Buffer
		if code := run(ctx, c.args, io.Discard, &errs); code != c.code || errs.String() != c.says {
			t.Errorf("%v: exit %d: %s", c.args, code, &errs)
		}
	}
}

func TestWrongFlagsExitWith2(t *testing.T) {
	for _, args := range [][]string{
		{"-twice"},
		{"now"},
		{"-addr", "8080"},
		{"-mongo", "http://127.0.0.1/"},
		{"-mysql", "127.0.0.1:3306"},
		{"-mysql", "root@tcp(127.0.0.1:3306)/"},
		{"-mongo", "mongodb://127.0.0.1/", "-data", "here"},
		{"-bus", "http://127.0.0.1/"},
		{"-bus", "nats://127.0.0.1:4222"},
		{"-bus", "nats://127.0.0.1:4222", "-once"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), args, &out, &errs)
		if code != 2 || out.Len() > 0 || !strings.HasSuffix(errs.String(), "; -help lists the flags\n") {
			t.Errorf("%q: exit %d, %s%s", args, code, &out, &errs)
		}
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-help"}, &out, &errs); code != 0 || !strings.Contains(errs.String(), "-once") {
		t.Errorf("-help: exit %d, %s", code, &errs)
	}
}

func TestTraceIsDrawn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace.svg")
	got := account(t, func(stdout, stderr io.Writer) int {
		return run(t.Context(), []string{"trace", "-o", file}, stdout, stderr)
	})
	expect(t, got, regexp.QuoteMeta(file))
	if svg, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(svg, []byte("<svg")) {
		t.Errorf("it wrote %.40q, %v", svg, err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-twice"}, 2, "-twice"},
		{[]string{"there"}, 2, "everything behind trace is a flag"},
		{[]string{"-o", filepath.Join(file, "x")}, 1, "not a directory"},
		{[]string{"-mysql", "nonsense"}, 1, "DSN"},
	} {
		var errs bytes.Buffer
		if code := run(t.Context(), append([]string{"trace"}, c.args...), io.Discard, &errs); code != c.code {
			t.Errorf("%q: exit %d", c.args, code)
		}
		expect(t, errs.String(), c.says)
	}
}

func TestFailuresExitWith1AndNameTheStep(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*config)
		says   string
	}{
		{func(c *config) { c.addr = taken.Addr().String() }, "demo: A chat on evio, by long-polling: .*in use"},
		{func(c *config) { c.mysql = "root@tcp(" + nobody.Addr().String() + ")/x" }, "demo: The drivers, unmodified: .*refused"},
		{func(c *config) { c.data = file }, "demo: the folder for MongoDB's data: .*" + file},
	} {
		cfg := small
		c.change(&cfg)
		var errs bytes.Buffer
		if code := execute(t.Context(), cfg, io.Discard, &errs); code != 1 {
			t.Errorf("exit %d; want 1 and %q", code, c.says)
		}
		expect(t, errs.String(), c.says)
	}
}
