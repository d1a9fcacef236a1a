package mongowire

import (
	"maps"
	"slices"
	"sort"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// cursor is what getMore continues: a scan of a collection, a list of documents
// or a change stream.
type cursor struct {
	ns    string
	docs  []bson.Raw // what is to be looked at next, in buf if scanned
	buf   []bson.Raw
	made  *entry // of the collection that is scanned; nil: none is
	seq   int64  // of the last record that was looked at
	log   *stream
	tail  bool // at the end of the collection, it is not done
	await bool // getMore waits if there is nothing

	match       *matcher // nil: all match
	skip, limit int64    // of those that match; limit 0: all
	project     func(bson.Raw) (bson.Raw, error)

	rest []bson.Raw // what no batch took yet
	done bool       // there is no more than that
	lsid string     // the session that made it
	txn  *txn
	busy bool // a getMore is using it
}

// chunk is how many documents are looked at without letting others in.
const chunk = 1000

// fill gets the next documents: about n, more only at no cost. None, without an
// end, is what there is if something tailed has nothing new.
func (cu *cursor) fill(r *request, n int) {
	for end := false; len(cu.rest) == 0 && !cu.done && !end; {
		raise(r.interrupted())
		switch {
		case cu.log != nil:
			cu.docs, end = cu.log.read(r, n), true
			cu.done = cu.log.at.invalid
		case cu.made != nil:
			end = cu.scan(r, n)
			cu.done = end && !cu.tail
		default:
			cu.done = true
		}
		cu.rest, cu.docs = cu.pick(cu.docs), nil
	}
}

func (cu *cursor) scan(r *request, n int) (end bool) {
	r.m.mu.Unlock() // whoever waits gets it
	r.m.mu.Lock()
	if cu.match != nil || n > chunk {
		n = chunk
	}
	c := r.store()[cu.ns]
	check(c != nil && c.made == cu.made, 175, "QueryPlanKilled", "collection dropped")
	i := sort.Search(len(c.records), func(i int) bool { return c.records[i].seq > cu.seq })
	check(!cu.tail || cu.seq == 0 || i == len(c.records) || c.records[i].seq == cu.seq+1, 136, "CappedPositionLost", "the documents to continue with have been overwritten")
	for cu.docs = cu.buf[:0]; i < len(c.records) && n > 0; i++ {
		if cu.seq = c.records[i].seq; c.records[i].doc != nil {
			cu.docs, n = append(cu.docs, c.records[i].doc), n-1
		}
	}
	cu.buf = cu.docs
	return i == len(c.records)
}

// pick makes of some documents, in place, what the client is to get.
func (cu *cursor) pick(docs []bson.Raw) []bson.Raw {
	if cu.match != nil {
		docs = slices.DeleteFunc(docs, func(d bson.Raw) bool { return !cu.match.match(d) })
		raise(cu.match.err())
	}
	drop := min(cu.skip, int64(len(docs)))
	docs, cu.skip = docs[drop:], cu.skip-drop
	if cu.limit > 0 {
		docs = docs[:min(cu.limit, int64(len(docs)))]
		cu.limit -= int64(len(docs))
		cu.done = cu.done || cu.limit == 0
	}
	for i := 0; i < len(docs) && cu.project != nil; i++ {
		docs[i] = try(cu.project(docs[i]))
	}
	return docs
}

// over tells that there will be no more batch.
func (cu *cursor) over() bool { return cu.done && len(cu.rest) == 0 }

// all are all documents of a cursor.
func (cu *cursor) all(r *request) (all []bson.Raw) {
	for !cu.done {
		cu.fill(r, chunk)
		all, cu.rest = append(all, cu.rest...), nil
	}
	return all
}

// first replies a cursor's first batch, and keeps the cursor if there is more.
func (r *request) first(cu *cursor, batch int64, single bool) error {
	cu.txn = r.txn
	r.batch(cu, "firstBatch", r.num("batchSize", number(lookup(r.doc("cursor"), "batchSize"), batch)), single)
	return nil
}

// batch appends the next documents of a cursor, up to n, to the reply and returns
// how many there were.
func (r *request) batch(cu *cursor, name string, n int64, last bool) (sent int64) {
	start, out := bsoncore.AppendDocumentElementStart(r.out, "cursor")
	array, out := bsoncore.AppendArrayElementStart(out, name)
	for ; sent < n; sent++ {
		if len(cu.rest) == 0 {
			cu.fill(r, int(min(n-sent, chunk)))
		}
		if len(cu.rest) == 0 || sent > 0 && len(out)+len(cu.rest[0]) > maxDocument {
			break
		}
		out = append(out, byte(bson.TypeEmbeddedDocument))
		out = append(strconv.AppendInt(out, sent, 10), 0)
		out, cu.rest = append(out, cu.rest[0]...), cu.rest[1:]
	}
	out, _ = bsoncore.AppendArrayEnd(out, array)
	id := r.num("getMore", 0)
	if last || cu.over() {
		id = 0
	} else if id == 0 {
		id = r.m.ids.Add(1)<<20 | int64(r.m.index+1)     // no other member takes it for its own
		r.c.in, cu.lsid = nil, sessionKey(r.doc("lsid")) // what the command asked for is still needed
		r.m.cursors[id] = cu
	}
	out = bsoncore.AppendInt64Element(out, "id", id)
	out = bsoncore.AppendStringElement(out, "ns", cu.ns)
	if cu.log != nil {
		out = bsoncore.AppendDocumentElement(out, "postBatchResumeToken", cu.log.at.token())
	}
	r.out, _ = bsoncore.AppendDocumentEnd(out, start)
	return sent
}

// getMore replies the next batch. If there is none, a cursor that awaits waits.
func getMore(r *request) (err error) {
	id, limit := r.num("getMore", 0), r.num("batchSize", 0)
	if limit == 0 {
		limit = 1 << 40
	}
	cu := r.m.cursors[id]
	check(cu != nil && !cu.busy && cu.txn == r.txn, 43, "CursorNotFound", "cursor id %d not found", id)
	cu.busy = true
	defer func() {
		if cu.busy = false; err != nil || cu.over() {
			delete(r.m.cursors, id)
		}
	}()
	defer catch(&err)
	end := time.Now().Add(time.Duration(r.num("maxTimeMS", 1000)) * time.Millisecond)
	for out := r.out; ; r.out = out {
		n := r.batch(cu, "nextBatch", limit, false)
		check(r.m.cursors[id] == cu, 237, "CursorKilled", "cursor id %d has been killed", id)
		left := time.Until(end)
		if n > 0 || !cu.await || cu.over() || left <= 0 {
			return nil
		}
		raise(r.waitLocked(r.m.changedLocked(), left))
	}
}

func killCursors(r *request) error {
	killed, unknown := []int64{}, []int64{}
	for _, v := range elements(r.arg("cursors")) {
		if id := number(v, 0); r.m.cursors[id] != nil {
			delete(r.m.cursors, id)
			killed = append(killed, id)
		} else {
			unknown = append(unknown, id)
		}
	}
	r.m.wakeLocked()
	return r.reply(object("cursorsKilled", killed, "cursorsNotFound", unknown, "cursorsAlive", bson.A{}, "cursorsUnknown", bson.A{}))
}

// killCursorsLocked kills the cursors that which is true for.
func (m *Member) killCursorsLocked(which func(*cursor) bool) {
	maps.DeleteFunc(m.cursors, func(_ int64, cu *cursor) bool { return which(cu) })
	m.wakeLocked()
}
