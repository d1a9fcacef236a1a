package private

import (
	"context"
	"errors"
	"os"
)

// TB is the part of [testing.TB] that is needed here; programs use this package
// too, and package testing does not belong into them.
type TB interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Skip(args ...any)
	Fatal(args ...any)
}

// RequireRedis starts a Redis that is closed at the end of the test. Where none
// is installed it skips the test, or fails it if VALET_REQUIRE_ALL is 1.
func RequireRedis(tb TB) *Server {
	tb.Helper()
	s, err := StartRedis(tb.Context())
	require(tb, err)
	tb.Cleanup(func() { s.Close() })
	return s
}

// RequireMariaDB starts a MariaDB with the settings, which is closed at the end of
// the test. Where none is installed it skips the test, or fails it if
// VALET_REQUIRE_ALL is 1.
func RequireMariaDB(tb TB, settings ...string) *MariaDB {
	tb.Helper()
	m, err := StartMariaDB(tb.Context(), settings...)
	require(tb, err)
	tb.Cleanup(func() { m.Close() })
	return m
}

// RequirePostgres starts a PostgreSQL that is closed at the end of the test.
// Where none is installed it skips the test, or fails it if VALET_REQUIRE_ALL
// is 1.
func RequirePostgres(tb TB) *Postgres {
	tb.Helper()
	p, err := StartPostgres(tb.Context())
	require(tb, err)
	tb.Cleanup(func() { p.Close() })
	return p
}

// RequireChromium returns the path of an installed Chromium, or Chrome. Where there
// is none it skips the test, or fails it if VALET_REQUIRE_ALL is 1.
func RequireChromium(tb TB) string {
	tb.Helper()
	path, err := find("chromium", "chromium")
	for _, name := range []string{"chromium-browser", "google-chrome"} {
		if err == nil {
			break
		}
		if other, otherErr := find(name, "chromium"); otherErr == nil {
			path, err = other, nil
		}
	}
	require(tb, err)
	return path
}

func require(tb TB, err error) {
	tb.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrNotInstalled) && os.Getenv("VALET_REQUIRE_ALL") != "1":
		tb.Skip(err)
	default:
		tb.Fatal(err)
	}
}
