package integration

import (
	"bufio"
	"context"
	stdsql "database/sql"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/cmd/internal/embedded"
)

const visits = "../../examples/visits/main.go"

// The README's program is the one that is compiled and run here.
func TestTheReadmeShowsTheProgram(t *testing.T) {
	program, err := os.ReadFile(visits)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(program), "\nfunc main()")
	body, _, found := strings.Cut("func main()"+after, "\nfunc must")
	if !found {
		t.Fatalf("%s has no main followed by must", visits)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```go\n"+strings.TrimSpace(body)+"\n```\n") {
		t.Errorf("README.md does not contain the main of %s as it is", visits)
	}
}

func TestTheReadmesProgramRuns(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()

	my, err := embedded.StartMySQL()
	if err != nil {
		t.Fatal(err)
	}
	defer my.Close()
	db, err := stdsql.Open("mysql", my.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range []string{
		"CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40))",
		"INSERT INTO users VALUES (1, 'Ada')",
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	mo, err := embedded.StartMongo(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer mo.Close()

	addr := freeAddr(t)
	program := buildOn(t, ctx, addr)
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), "MYSQL_DSN="+my.DSN(), "MONGO_URI="+mo.URI())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	conn := dialUntilUp(t, ctx, addr)
	defer conn.Close()
	in := bufio.NewReader(conn)
	for request, want := range map[string]string{"1\n": "hello Ada\n", "2\n": "error: sql: no rows in result set\n"} {
		if _, err := conn.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		if got, err := in.ReadString('\n'); err != nil || got != want {
			t.Errorf("%q was answered with %q, %v; want %q", request, got, err, want)
		}
	}
	checkHits(t, ctx, mo.URI())

	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-ctx.Done():
		t.Error("the program did not end when interrupted")
		cmd.Process.Kill()
		<-ended
	}
}

// buildOn builds the program with another address than its own.
func buildOn(t *testing.T, ctx context.Context, addr string) string {
	t.Helper()
	program, err := os.ReadFile(visits)
	if err != nil {
		t.Fatal(err)
	}
	own := regexp.MustCompile(`"tcp://[^"]*"`)
	if n := len(own.FindAll(program, -1)); n != 1 {
		t.Fatalf("%s has %d addresses, want 1", visits, n)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "main.go")
	if err := os.WriteFile(changed, own.ReplaceAll(program, []byte(`"tcp://`+addr+`"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	original, err := filepath.Abs(visits)
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, []byte(`{"Replace":{"`+original+`":"`+changed+`"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "visits")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", binary, "./visits")
	build.Dir = filepath.Dir(filepath.Dir(original))
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// freeAddr returns a loopback address where nobody listens at the moment.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func dialUntilUp(t *testing.T, ctx context.Context, addr string) net.Conn {
	t.Helper()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			conn.SetDeadline(time.Now().Add(time.Minute))
			return conn
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			t.Fatalf("the program does not listen: %v", err)
		}
	}
}

// checkHits looks, with the raw driver, for what the program inserted.
func checkHits(t *testing.T, ctx context.Context, uri string) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(ctx)
	n, err := client.Database("app").Collection("hits").CountDocuments(ctx, bson.M{"user": "1"})
	if err != nil || n != 1 {
		t.Errorf("%d hits of user 1, %v; want 1", n, err)
	}
}
