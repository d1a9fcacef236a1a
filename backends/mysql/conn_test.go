package mysql

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// quickConn answers at once.
type quickConn struct {
	driverConn
	rows quickRows
}

type quickRows struct{ driverRows }

func (c *quickConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return nil, nil
}

func (c *quickConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return &c.rows, nil
}

func (c *quickConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return quickStmt{}, nil
}

type quickStmt struct{ driverStmt }

func (quickStmt) Close() error { return nil }

func (quickStmt) ExecContext(context.Context, []driver.NamedValue) (driver.Result, error) {
	return nil, nil
}

func TestOtherPoliciesPayNothingForKills(t *testing.T) {
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := adapter.New(l)
	defer a.Close(context.Background())
	for _, policy := range []adapter.CancelPolicy{adapter.Close, adapter.Abandon} {
		n, err := adapter.Wait(func(cb func(float64, error)) {
			adapter.Go(context.Background(), a, func(ctx context.Context) (float64, error) {
				c := &conn{driverConn: &quickConn{}}
				return testing.AllocsPerRun(1000, func() {
					if _, err := c.ExecContext(ctx, "", nil); err != nil {
						t.Error(err)
					}
					if rows, _ := c.QueryContext(ctx, "", nil); rows == nil {
						t.Error("no rows")
					}
					s, err := c.PrepareContext(ctx, "")
					if err != nil {
						t.Error(err)
					}
					if _, err := s.(driver.StmtExecContext).ExecContext(ctx, nil); err != nil {
						t.Error(err)
					}
					s.Close()
				}), nil
			}, cb, adapter.CancelWith(policy))
		})
		if err != nil || n != 0 {
			t.Errorf("with the policy %v: %v allocations, %v", policy, n, err)
		}
	}
}

func TestConnKeepsWhatTheDriversCanDo(t *testing.T) {
	var c any = &conn{}
	for what, ok := range map[string]bool{
		"SessionResetter":   is[driver.SessionResetter](c),
		"Validator":         is[driver.Validator](c),
		"Pinger":            is[driver.Pinger](c),
		"NamedValueChecker": is[driver.NamedValueChecker](c),
		"Exec": is[interface {
			Exec(string, []driver.Value) (driver.Result, error)
		}](c),
	} {
		if !ok {
			t.Errorf("it is no %s", what)
		}
	}
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}
