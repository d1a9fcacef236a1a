// Visits is the program of the README: an evio server whose handler asks MySQL
// and MongoDB and answers from the callback, all on evio's one goroutine. Send
// it the id of a user, a line at a time:
//
//	MYSQL_DSN='root@tcp(127.0.0.1:3306)/app' MONGO_URI=mongodb://127.0.0.1 go run ./examples/visits
//	nc 127.0.0.1 5000
//
// The database app has a table of users:
//
//	CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(40))
//	INSERT INTO users VALUES (1, 'Ada')
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mysql"
	"github.com/valet-go/valet/loop"
	"github.com/valet-go/valet/loop/evioloop"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	l := must(loop.Start(ctx)) // runs on a goroutine of its own
	a := adapter.New(l)
	db := must(mysql.Open(a, os.Getenv("MYSQL_DSN"), mysql.WithMaxConns(32)))
	mc := must(mongo.Open(a, options.Client().ApplyURI(os.Getenv("MONGO_URI"))))
	hits := mc.Database("app").Collection("hits")

	srv := evioloop.Server{Data: func(c *evioloop.Conn, in []byte) { // on c's loop
		id := strings.TrimSpace(string(in))
		db.On(c).QueryRow(c.Context(), "SELECT name FROM users WHERE id = ?", func(row *mysql.Row, err error) { // on c's loop again
			var name string
			if err == nil {
				err = row.Scan(&name)
			}
			if err != nil {
				c.WriteString("error: " + err.Error() + "\n")
				return
			}
			hits.On(c).InsertOne(c.Context(), bson.M{"user": id}, func(_ *mongo.InsertOneResult, err error) {
				if err != nil {
					c.WriteString("error: " + err.Error() + "\n")
					return
				}
				c.WriteString("hello " + name + "\n")
			})
		}, id)
	}}
	log.Println(srv.Serve(ctx, "tcp://127.0.0.1:5000"))
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
