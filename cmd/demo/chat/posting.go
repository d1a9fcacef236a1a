package chat

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/backends/mysql"
)

const (
	maxTries = 5 // of one posting

	postTimeout = 10 * time.Second // of one posting
)

// posting writes messages of a room in one transaction; the steps are in doc.go.
// It belongs to the loop: each step begins in the callback of the one before.
type posting struct {
	r     *room
	posts []*post
	tries int

	// Of one try:
	ctx    context.Context
	cancel context.CancelFunc
	tx     *mysql.Tx
	last   int64            // the room's greatest number according to MySQL
	top    int64            // and now
	counts map[string]int64 // by nick: messages above last
	left   []*post          // that have no number yet
}

// begin is step 1. The transaction is not the clients': it goes on when they
// leave.
func (p *posting) begin() {
	p.tries++
	p.left, p.tx = p.posts, nil
	p.ctx, p.cancel = context.WithTimeout(context.Background(), postTimeout)
	p.r.c.started()
	p.r.c.store.db.On(p.r.c.home.Load()).BeginTx(p.ctx, nil, func(tx *mysql.Tx, err error) {
		if p.tx = tx; err != nil {
			p.fail(err)
			return
		}
		p.lock()
	})
}

// lock is step 2.
func (p *posting) lock() {
	s := p.r.c.store
	p.exec("INSERT INTO "+s.rooms+" (name, last) VALUES (?, 0) ON DUPLICATE KEY UPDATE last = last", func() {
		p.tx.QueryRow(p.ctx, "SELECT last FROM "+s.rooms+" WHERE name = ? FOR UPDATE", func(row *mysql.Row, err error) {
			if err == nil {
				err = row.Scan(&p.last)
			}
			if err != nil {
				p.fail(err)
				return
			}
			p.number(p.last, nil)
			p.insert()
		}, p.r.name)
	}, p.r.name)
}

// number gives numbers above top to the messages that have none. The room has the
// messages of others, by nick, between last and top.
func (p *posting) number(top int64, others map[string]int64) {
	p.top, p.counts = top, map[string]int64{}
	maps.Copy(p.counts, others)
	for _, post := range p.left {
		p.top++
		post.N = p.top
		p.counts[post.Nick]++
	}
}

// insert is step 3.
func (p *posting) insert() {
	if len(p.left) == 0 {
		p.count()
		return
	}
	docs := make([]document, len(p.left))
	for i, post := range p.left {
		docs[i] = post.document(p.r.name)
	}
	s := p.r.c.store
	s.messages.On(p.r.c.home.Load()).InsertMany(p.ctx, docs, func(_ *mongo.InsertManyResult, err error) {
		switch {
		case mongo.IsDuplicateKeyError(err):
			p.reconcile()
		case err != nil:
			p.fail(err)
		default:
			p.count()
		}
	})
}

// reconcile finds out what MongoDB has that MySQL does not know of, after a
// number or an id was taken, and inserts what is left.
func (p *posting) reconcile() {
	if p.tries++; p.tries > maxTries {
		p.fail(errNumbers)
		return
	}
	ids := make([]string, len(p.posts))
	for i, post := range p.posts {
		ids[i] = post.ID
	}
	filter := bson.M{"_id.room": p.r.name, "$or": bson.A{
		bson.M{"_id.n": bson.M{"$gt": p.last}},
		bson.M{"client": bson.M{"$in": ids}},
	}}
	without := options.Find().SetProjection(bson.M{"text": 0})
	p.r.c.store.list(p.ctx, p.r.c.home.Load(), filter, without, func(docs []document, err error) {
		if err != nil {
			p.fail(err)
			return
		}
		top, counts, taken := p.last, map[string]int64{}, map[string]document{}
		for _, d := range docs {
			if d.ID.N > p.last {
				top = max(top, d.ID.N)
				counts[d.Nick]++
			}
			taken[d.Client] = d
		}
		p.left = nil
		for _, post := range p.posts {
			if d, ok := taken[post.ID]; ok {
				post.N, post.At = d.ID.N, d.At.UnixMilli()
			} else {
				p.left = append(p.left, post)
			}
		}
		p.number(top, counts)
		p.insert()
	})
}

// count is steps 4 and 5. The order of the rows is the same in each transaction,
// so that two do not wait for each other.
func (p *posting) count() {
	if p.top == p.last { // all were repetitions
		p.end(p.tx.Commit, p.done)
		return
	}
	var args []any
	for _, nick := range slices.Sorted(maps.Keys(p.counts)) {
		args = append(args, nick, p.counts[nick])
	}
	s := p.r.c.store
	values := strings.Repeat(", (?, ?)", len(p.counts))[len(", "):]
	p.exec("INSERT INTO "+s.users+" (nick, posts) VALUES "+values+" ON DUPLICATE KEY UPDATE posts = posts + VALUES(posts)", func() {
		p.exec("UPDATE "+s.rooms+" SET last = ? WHERE name = ?", func() {
			p.end(p.tx.Commit, p.done)
		}, p.top, p.r.name)
	}, args...)
}

// exec runs a statement of the transaction, and then goes on.
func (p *posting) exec(query string, then func(), args ...any) {
	p.tx.Exec(p.ctx, query, func(_ mysql.Result, err error) {
		if err != nil {
			p.fail(err)
			return
		}
		then()
	}, args...)
}

// end ends the transaction by Commit or Rollback, which have no context: the
// posting's bounds them, too.
func (p *posting) end(how func(func(error)) *adapter.Call, then func(error)) {
	var stop func() bool
	call := how(func(err error) {
		stop()
		p.cancel()
		then(err)
		p.r.c.ended()
	})
	stop = context.AfterFunc(p.ctx, func() { call.Cancel() })
}

// fail ends a try. What was inserted is still in MongoDB, where the next posting
// finds it.
func (p *posting) fail(err error) {
	again := func(error) {
		if deadlock(err) && p.tries < maxTries {
			p.begin()
			return
		}
		p.done(err)
	}
	if p.tx == nil { // it did not begin
		p.cancel()
		again(nil)
		p.r.c.ended()
		return
	}
	p.end(p.tx.Rollback, again)
}

// deadlock reports that MySQL chose this transaction as a victim, and expects it
// to be made again.
func deadlock(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && (refused.Number == 1213 || refused.Number == 1205)
}
