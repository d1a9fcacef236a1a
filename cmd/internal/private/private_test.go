package private_test

import (
	"bufio"
	"database/sql"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/cmd/internal/private"
)

func TestRedisAnswersUntilClosed(t *testing.T) {
	srv := private.RequireRedis(t)
	c := dial(t, srv.Addr())
	requireReply(t, c, "SET name Ada", "+OK")
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Fatalf("second Close: %v", err)
	}
	requireRefused(t, srv.Addr())
	if err := srv.Restart(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("Restart after Close: %v; want os.ErrClosed", err)
	}
}

func TestRedisRestartsAtTheSameAddress(t *testing.T) {
	srv := private.RequireRedis(t)
	addr, pid := srv.Addr(), srv.Pid()
	srv.Kill()
	requireRefused(t, addr)
	if err := srv.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if srv.Addr() != addr || srv.Pid() == pid {
		t.Fatalf("restarted at %s, pid %d; want %s, another pid than %d", srv.Addr(), srv.Pid(), addr, pid)
	}
	requireReply(t, dial(t, addr), "PING", "+PONG")
}

func TestRedisPausesAndResumes(t *testing.T) {
	srv := private.RequireRedis(t)
	c := dial(t, srv.Addr())
	requireReply(t, c, "PING", "+PONG")
	if err := srv.Pause(); errors.Is(err, errors.ErrUnsupported) {
		return // there is nothing to test on this system
	} else if err != nil {
		t.Fatal(err)
	}
	// The signal may still be on its way, so an answer may come, but not for ever.
	for paused := false; !paused; {
		paused = ask(c, "PING", 50*time.Millisecond) != nil
	}
	if err := srv.Resume(); err != nil {
		t.Fatal(err)
	}
	requireReply(t, dial(t, srv.Addr()), "PING", "+PONG")
}

func TestMariaDBKeepsItsDataOverARestart(t *testing.T) {
	srv := private.RequireMariaDB(t)
	db := open(t, srv.DSN())
	for _, statement := range []string{
		"CREATE TABLE people (id INT PRIMARY KEY, name TEXT)",
		"INSERT INTO people VALUES (1, 'Ada')",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := srv.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	var name string
	row := open(t, srv.DSN()).QueryRowContext(t.Context(), "SELECT name FROM people")
	if err := row.Scan(&name); err != nil || name != "Ada" {
		t.Fatalf("read %q, %v; want Ada", name, err)
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	requireRefused(t, srv.Addr())
}

func TestMariaDBChecksThePassword(t *testing.T) {
	srv := private.RequireMariaDB(t)
	if err := open(t, srv.DSNFor(private.User, private.Password)).PingContext(t.Context()); err != nil {
		t.Fatalf("refused: %v", err)
	}
	err := open(t, srv.DSNFor(private.User, "wrong")).PingContext(t.Context())
	if refused := (*mysql.MySQLError)(nil); !errors.As(err, &refused) || refused.Number != 1045 {
		t.Fatalf("got %v; want error 1045", err)
	}
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func requireRefused(t *testing.T, addr string) {
	t.Helper()
	if c, err := net.Dial("tcp", addr); err == nil {
		c.Close()
		t.Fatalf("%s still accepts connections", addr)
	}
}

func requireReply(t *testing.T, c net.Conn, command, want string) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(command + "\r\n")); err != nil {
		t.Fatal(err)
	}
	reply, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || strings.TrimSpace(reply) != want {
		t.Fatalf("%s: %q, %v; want %q", command, reply, err, want)
	}
}

// ask returns an error if no answer to command comes within patience.
func ask(c net.Conn, command string, patience time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := c.Write([]byte(command + "\r\n")); err != nil {
		return err
	}
	_, err := bufio.NewReader(c).ReadString('\n')
	return err
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestMariaDBOffersTLSOverBothNetworksAndTakesSettings(t *testing.T) {
	srv := private.RequireMariaDB(t, "--max-connections=17")
	for network, addr := range map[string]string{"tcp": srv.Addr(), "unix": srv.SocketFile()} {
		c := mysql.NewConfig()
		c.Net, c.Addr, c.DBName = network, addr, private.Database
		c.User, c.Passwd, c.TLSConfig = private.User, private.Password, "skip-verify"
		var name, cipher string
		err := open(t, c.FormatDSN()).QueryRowContext(t.Context(), "SHOW STATUS LIKE 'Ssl_cipher'").Scan(&name, &cipher)
		if err != nil || cipher == "" {
			t.Errorf("over %s: cipher %q, %v", network, cipher, err)
		}
	}
	var most int
	if err := open(t, srv.DSN()).QueryRowContext(t.Context(), "SELECT @@max_connections").Scan(&most); err != nil || most != 17 {
		t.Errorf("max_connections is %d, %v; want 17", most, err)
	}
}
