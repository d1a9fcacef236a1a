package integration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/cmd/internal/mongowire"
)

// account is money; transfers move it.
type account struct {
	ID    int `bson:"_id"`
	Money int
}

// TestMongoTransfers moves money between few accounts in many transactions at
// once, some of which are aborted or cancelled. The sum holds whenever it is
// looked at.
func TestMongoTransfers(t *testing.T) {
	const accounts, lines, transfers, money = 6, 5, 24, 1000
	// What a cancelled call has sent may arrive after the driver has sent the
	// abortion, over another connection: it begins the transaction then, which
	// is left for the server to end.
	w := newWireEnvWith(t, mongowire.Options{Members: 3, TransactionLifetime: 2 * time.Second})
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var docs []account
	for i := range accounts {
		docs = append(docs, account{i, money})
	}
	must(w.env, func(cb func(*mongo.InsertManyResult, error)) *adapter.Call { return w.coll.InsertMany(bg, docs, cb) })
	own := w.with(options.Client().SetMaxPoolSize(4))
	done := make(chan int, lines)
	for line := range lines {
		go func() {
			rng := rand.New(rand.NewPCG(seed, uint64(line)))
			moved := 0
			defer func() { done <- moved }()
			sess, err := own.client.StartSession()
			if err != nil {
				t.Error(err)
				return
			}
			for i := 0; i < transfers && !t.Failed(); i++ {
				if err := own.transfer(rng, sess, accounts); err == nil {
					moved++
				}
				if i%8 == 0 {
					if sum, err := own.sum(sess); sum != accounts*money || err != nil {
						t.Errorf("the sum is %d, %v; want %d", sum, err, accounts*money)
					}
				}
			}
			if err := adapter.WaitErr(func(cb func(error)) { sess.EndSession(bg, cb) }); err != nil {
				t.Error(err)
			}
		}()
	}
	moved := 0
	for range lines {
		moved += await(t, done)
	}
	t.Logf("%d transfers of %d succeeded", moved, lines*transfers)
	if moved == 0 || moved == lines*transfers {
		t.Error("want some that succeed and some that do not")
	}
	sess, _ := own.session()
	if sum, err := own.sum(sess); sum != accounts*money || err != nil {
		t.Errorf("the sum is %d, %v; want %d", sum, err, accounts*money)
	}
}

var errPoor = fmt.Errorf("there is not enough money")

func (w *wireEnv) transfer(rng *rand.Rand, sess *mongo.Session, accounts int) error {
	from := rng.IntN(accounts)
	to := (from + 1 + rng.IntN(accounts-1)) % accounts
	amount := 1 + rng.IntN(400)
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	if rng.IntN(6) == 0 {
		defer time.AfterFunc(time.Duration(rng.IntN(15))*time.Millisecond, cancel).Stop()
	}
	move := func(ctx context.Context, id, by int, then func(error)) {
		w.coll.UpdateByID(ctx, id, bson.M{"$inc": bson.M{"money": by}}, func(r *mongo.UpdateResult, err error) {
			if err == nil && r.ModifiedCount != 1 {
				err = fmt.Errorf("account %d was changed %d times", id, r.ModifiedCount)
			}
			then(err)
		})
	}
	return adapter.WaitErr(func(cb func(error)) {
		sess.Transaction(ctx, func(ctx context.Context, end func(error)) {
			move(ctx, from, -amount, func(err error) {
				if err != nil {
					end(err)
					return
				}
				w.coll.FindOne(ctx, bson.M{"_id": from}, func(r *mongo.SingleResult, err error) {
					var a account
					if err == nil {
						err = r.Decode(&a)
					}
					if err == nil && a.Money < 0 {
						err = errPoor
					}
					if err != nil {
						end(err)
						return
					}
					move(ctx, to, amount, end)
				})
			})
		}, cb)
	})
}

// sum adds up all accounts in a transaction.
func (w *wireEnv) sum(sess *mongo.Session) (sum int, err error) {
	err = adapter.WaitErr(func(cb func(error)) {
		sess.Transaction(bg, func(ctx context.Context, end func(error)) {
			sum = 0
			w.coll.Find(ctx, bson.M{}, func(c *mongo.Cursor, err error) {
				if err != nil {
					end(err)
					return
				}
				mongo.Each(ctx, c, func(a account) error { sum += a.Money; return nil }, end)
			}, options.Find().SetBatchSize(2))
		}, cb)
	})
	return sum, err
}
