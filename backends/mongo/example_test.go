package mongo_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/loop"
)

func Example() {
	ctx := context.Background()
	l, err := loop.Start(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client, err := mongo.Open(adapter.New(l), options.Client().ApplyURI(os.Getenv("MONGO_URI")))
	if err != nil {
		log.Fatal(err)
	}
	hits := client.Database("app").Collection("hits")
	hits.InsertOne(ctx, bson.M{"user": "ada"}, func(res *mongo.InsertOneResult, err error) { // on the loop
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Println(res.InsertedID)
	})
}

func ExampleAll() {
	type hit struct{ User string }
	var hits *mongo.Collection // of Database.Collection
	ctx := context.Background()
	hits.Find(ctx, bson.M{"user": "ada"}, func(cur *mongo.Cursor, err error) {
		if err != nil {
			log.Print(err)
			return
		}
		mongo.All(ctx, cur, func(all []hit, err error) { fmt.Println(all, err) })
	})
}
