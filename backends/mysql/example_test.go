package mysql_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/loop"
)

func Example() {
	ctx := context.Background()
	l, err := loop.Start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	db, err := mysql.Open(adapter.New(l), os.Getenv("MYSQL_DSN"), mysql.WithMaxConns(32))
	if err != nil {
		log.Fatal(err)
	}
	db.QueryRow(ctx, "SELECT name FROM users WHERE id = ?", func(row *mysql.Row, err error) { // on the loop
		var name string
		if err == nil {
			err = row.Scan(&name)
		}
		fmt.Println(name, err)
	}, 42)
}

func ExampleDB_transaction() {
	var db *mysql.DB // of Open
	ctx := context.Background()
	db.BeginTx(ctx, nil, func(tx *mysql.Tx, err error) {
		if err != nil {
			log.Print(err)
			return
		}
		// The calls of a transaction run in this order.
		failed := false
		done := func(_ mysql.Result, err error) { failed = failed || err != nil }
		tx.Exec(ctx, "UPDATE accounts SET balance = balance - ? WHERE id = ?", done, 10, 1)
		tx.Exec(ctx, "UPDATE accounts SET balance = balance + ? WHERE id = ?", func(res mysql.Result, err error) {
			done(res, err)
			if failed {
				tx.Rollback(nil)
				return
			}
			tx.Commit(func(err error) { fmt.Println("committed:", err) })
		}, 10, 2)
	})
}

func ExampleRows() {
	var db *mysql.DB // of Open
	ctx := context.Background()
	db.Query(ctx, "SELECT name FROM users", func(rows *mysql.Rows, err error) {
		if err != nil {
			log.Print(err)
			return
		}
		rows.Each(ctx, func(row *mysql.Row) error {
			var name string
			err := row.Scan(&name)
			fmt.Println(name)
			return err
		}, func(err error) {
			fmt.Println("no more rows:", err)
		})
	})
}

func ExampleAll() {
	type user struct {
		ID    int64
		Name  string  `db:"full_name"`
		Email *string // nil for NULL
	}
	var db *mysql.DB // of Open
	mysql.All(context.Background(), db, "SELECT id, full_name, email FROM users WHERE id < ?", 100, func(users []user, err error) {
		for _, u := range users {
			fmt.Println(u.ID, u.Name)
		}
		fmt.Println(err)
	}, 42)
}
