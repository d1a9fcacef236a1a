package main

import (
	"context"
	"fmt"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
)

// balances are those of Ada and Grace.
type balances [2]int64

// transaction moves money twice, and takes the second move back.
func (d *demo) transaction(ctx context.Context) error {
	var before, first, after, second, rolledBack balances
	err := d.play(ctx, func(done func(error)) {
		then := func(next func()) func(error) {
			return func(err error) {
				if err != nil {
					done(err)
					return
				}
				next()
			}
		}
		d.readBalances(ctx, d.db.QueryRow, &before, then(func() {
			d.transfer(ctx, 30, (*mysql.Tx).Commit, &first, then(func() {
				d.readBalances(ctx, d.db.QueryRow, &after, then(func() {
					d.transfer(ctx, 50, (*mysql.Tx).Rollback, &second, then(func() {
						d.readBalances(ctx, d.db.QueryRow, &rolledBack, done)
					}))
				}))
			}))
		}))
	})
	if err != nil {
		return err
	}
	got := []balances{before, first, after, second, rolledBack}
	titles := []string{"before", "30 moved, in the transaction", "committed", "50 more moved, in another", "rolled back"}
	rows := [][]string{{"", "Ada", "Grace"}}
	for i, want := range []balances{{100, 50}, {70, 80}, {70, 80}, {20, 130}, {70, 80}} {
		if got[i] != want {
			return fmt.Errorf("%s: the balances are %v; want %v", titles[i], got[i], want)
		}
		rows = append(rows, []string{titles[i], fmt.Sprint(want[0]), fmt.Sprint(want[1])})
	}
	d.out.table(rows)
	return nil
}

// queryRow is the method of that name of a pool or of a transaction.
type queryRow func(ctx context.Context, query string, cb func(*mysql.Row, error), args ...any) *adapter.Call

// readBalances reads both at once. On the loop.
func (d *demo) readBalances(ctx context.Context, ask queryRow, into *balances, done func(error)) {
	const one = "(SELECT balance FROM valet_demo_accounts WHERE owner = ?)"
	ask(ctx, "SELECT "+one+", "+one, seen(d.w, func(row *mysql.Row, err error) {
		if err == nil {
			err = row.Scan(&into[0], &into[1])
		}
		done(err)
	}), "ada", "grace")
}

// transfer moves amount from Ada to Grace in a transaction, reads the balances
// inside it, and ends it by end, or by a rollback if anything failed. On the
// loop. A transaction's calls run in the order in which they are started, so
// they need not be nested.
func (d *demo) transfer(ctx context.Context, amount int, end func(*mysql.Tx, func(error)) *adapter.Call, inside *balances, done func(error)) {
	d.db.BeginTx(ctx, nil, seen(d.w, func(tx *mysql.Tx, err error) {
		if err != nil {
			done(err)
			return
		}
		var failed error
		keep := func(err error) {
			if failed == nil {
				failed = err
			}
		}
		for owner, change := range map[string]int{"ada": -amount, "grace": amount} {
			tx.Exec(ctx, "UPDATE valet_demo_accounts SET balance = balance + ? WHERE owner = ?",
				seen(d.w, func(_ mysql.Result, err error) { keep(err) }), change, owner)
		}
		d.readBalances(ctx, tx.QueryRow, inside, func(err error) {
			if keep(err); failed != nil {
				tx.Rollback(seenErr(d.w, func(error) { done(failed) }))
				return
			}
			end(tx, seenErr(d.w, done))
		})
	}))
}
