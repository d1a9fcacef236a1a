package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/jackc/pgx/v5"
)

// noise is n bytes that no compression makes less of.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // cannot fail
	return b
}

func testPgLarge(t *testing.T, e *pgEnv) {
	table := e.table("id INT, b BYTEA")
	for id, n := range []int{0, 1, 8191, 8192, 8193, 1 << 16, 1 << 20, 16 << 20} {
		want := noise(n)
		e.exec("INSERT INTO "+table+" VALUES ($1, $2)", id, want)
		got, err := pgOne[[]byte](bg, e.pool, "SELECT b FROM "+table+" WHERE id = $1", id)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("read %d bytes of %d, %v", len(got), n, err)
		}
	}
}

func testPgRows(t *testing.T, e *pgEnv) {
	const n = 50_000
	const query = "SELECT n, repeat('x', n % 200) FROM generate_series(1, $1::int) n"
	c := e.conn()
	rows, err := c.Query(bg, query, n)
	if err != nil {
		t.Fatal(err)
	}
	seen, number, text := 0, 0, ""
	_, err = pgx.ForEachRow(rows, []any{&number, &text}, func() error {
		if seen++; number != seen || len(text) != seen%200 {
			return fmt.Errorf("row %d is %d with %d bytes", seen, number, len(text))
		}
		return nil
	})
	if err != nil || seen != n {
		t.Fatalf("read %d rows of %d, %v", seen, n, err)
	}
	// Rows that are given up are read to their end, and the connection goes on.
	if rows, err = c.Query(bg, query, n); err != nil {
		t.Fatal(err)
	}
	rows.Next()
	rows.Close()
	if err := c.Ping(bg); err != nil {
		t.Errorf("after rows that were given up: %v", err)
	}
}

func testPgCopy(t *testing.T, e *pgEnv) {
	const n = 100_000
	table := e.table("id INT, s TEXT")
	copied, err := e.pool.CopyFrom(bg, pgx.Identifier{table}, []string{"id", "s"},
		pgx.CopyFromSlice(n, func(i int) ([]any, error) { return []any{i, fmt.Sprint("row ", i)}, nil }))
	if err != nil || copied != n {
		t.Fatalf("copied %d rows in, %v; want %d", copied, err, n)
	}
	var want, got bytes.Buffer
	for i := range n {
		fmt.Fprintf(&want, "%d,row %d\n", i, i)
	}
	tag, err := e.conn().PgConn().CopyTo(bg, &got, "COPY (SELECT * FROM "+table+" ORDER BY id) TO STDOUT (FORMAT csv)")
	if err != nil || tag.RowsAffected() != n || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Fatalf("copied %d rows out, %d bytes, %v; want %d rows, %d bytes", tag.RowsAffected(), got.Len(), err, n, want.Len())
	}
}

// testPgCopyFails has pgx, which reads in the background while it copies, notice
// the server's error long before the end.
func testPgCopyFails(t *testing.T, e *pgEnv) {
	c, table := e.conn(), e.table("id INT PRIMARY KEY, b BYTEA")
	row, sent := noise(1<<10), 0
	_, err := c.CopyFrom(bg, pgx.Identifier{table}, []string{"id", "b"}, pgx.CopyFromFunc(func() ([]any, error) {
		if sent++; sent > 1<<20 {
			return nil, nil
		}
		return []any{sent / 2, row}, nil // 0, 1, 1: a duplicate
	}))
	if !hasPgCode(err, "23505") {
		t.Errorf("a duplicate: %v", err)
	}
	if sent > 1<<19 {
		t.Errorf("the error was noticed after %d rows", sent)
	}
	// One that the source ends.
	fault := errors.New("no more")
	_, err = c.PgConn().CopyFrom(bg, io.MultiReader(bytes.NewReader([]byte("7,\n")), faultyReader{fault}),
		"COPY "+table+" FROM STDIN (FORMAT csv)")
	if err == nil {
		t.Error("a copy whose source failed did not fail")
	}
	if n, err := pgOne[int64](bg, c, "SELECT count(*) FROM "+table); err != nil || n != 0 {
		t.Errorf("after the failures there are %d rows, %v", n, err)
	}
}

type faultyReader struct{ err error }

func (r faultyReader) Read([]byte) (int, error) { return 0, r.err }

// testPgBatch fills the buffers of both directions: the server does not read on
// while nobody reads what it answers, so that pgx, whose write does not get on,
// has to read at the same time.
func testPgBatch(t *testing.T, e *pgEnv) {
	const n = 1000
	value := noise(32 << 10)
	var batch pgx.Batch
	seen := 0
	for i := range n {
		batch.Queue("SELECT $1::int, $2::bytea", i, value).QueryRow(func(row pgx.Row) error {
			var number int
			var got []byte
			if err := row.Scan(&number, &got); err != nil {
				return err
			}
			if number != i || !bytes.Equal(got, value) {
				return fmt.Errorf("result %d is %d with %d bytes", i, number, len(got))
			}
			seen++
			return nil
		})
	}
	if err := e.pool.SendBatch(bg, &batch).Close(); err != nil || seen != n {
		t.Errorf("%d results of %d, %v", seen, n, err)
	}
}
