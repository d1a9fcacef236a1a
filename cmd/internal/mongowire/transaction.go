package mongowire

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// session is what a member knows of a client's session that wrote with a number.
type session struct {
	number int64
	reply  []byte // the elements of the reply to a retryable write
	txn    *txn   // the one with this number, if it is a transaction's
}

// txn is a transaction. It works on a store of its own, and what it does to that
// is done to the member's when it commits.
type txn struct {
	store     store // nil: it has ended
	entries   []*entry
	committed bool
	limit     *time.Timer // aborts it
}

func (t *txn) open() bool { return t != nil && t.store != nil }

// lock is what a transaction has written under: a key of an index.
type lock struct {
	made       *entry // the collection's
	index, key string
}

var (
	// errBusy makes a write that is not a transaction's wait until the
	// transaction that has written the document ends.
	errBusy     = failure(112, "WriteConflict", "an open transaction has written the document")
	errConflict = failure(112, "WriteConflict", "Caused by :: Write conflict during plan execution and yielding is disabled. :: Please retry your operation or multi-document transaction.")
)

// sessionKey is a session's key, by its lsid.
func sessionKey(lsid bson.Raw) string { return string(lookup(lsid, "id").Value) }

func (m *Member) sessionLocked(key string) *session {
	if m.sessions[key] == nil {
		m.sessions[key] = &session{number: -1}
	}
	return m.sessions[key]
}

// awaitTimeLocked waits until the member has what readConcern's afterClusterTime asks for.
func (r *request) awaitTimeLocked() {
	t, i, ok := lookup(r.doc("readConcern"), "afterClusterTime").TimestampOK()
	for ok && (bson.Timestamp{T: t, I: i}).After(r.m.last) {
		raise(r.waitLocked(r.m.changedLocked(), 0))
	}
}

// enterLocked finds the transaction or the retryable write that the request is
// a part of, and begins it.
func (r *request) enterLocked() {
	if r.number = r.num("txnNumber", -1); r.number < 0 {
		return
	}
	check(r.m.d.o.Members > 0, 20, "IllegalOperation", "Transaction numbers are only allowed on a replica set member or mongos")
	r.lsid = sessionKey(r.doc("lsid"))
	s := r.m.sessionLocked(r.lsid)
	inTxn, first := r.arg("autocommit").Type != 0, r.flag("startTransaction")
	check(r.number >= s.number, 225, "TransactionTooOld", "the session has used a later transaction number")
	switch {
	case r.number > s.number && (first || !inTxn):
		r.m.abortLocked(s.txn)
		*s = session{number: r.number}
	case !inTxn && s.reply != nil:
		r.out, r.cmd.run = append(r.out, s.reply...), says()
	default:
		check(!first, 117, "ConflictingOperationInProgress", "the transaction has been started already")
	}
	if !inTxn {
		return
	}
	check(r.cmd.txn, 263, "OperationNotSupportedInTransaction", "the command cannot be run in a multi-document transaction")
	if first {
		m, t := r.m, &txn{store: maps.Clone(r.m.store)}
		t.limit = time.AfterFunc(m.d.o.TransactionLifetime, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.abortLocked(t)
		})
		s.txn = t
		for _, c := range s.txn.store {
			c.frozen = true
		}
	}
	check(r.number == s.number && (s.txn.open() || s.txn != nil && s.txn.committed), 251, "NoSuchTransaction",
		"Given transaction number does not match any in-progress transactions.")
	check(!s.txn.committed || r.name == "commitTransaction", 256, "TransactionCommitted", "Transaction has been committed.")
	r.txn = s.txn
}

// store is what the request sees.
func (r *request) store() store {
	if r.txn != nil {
		return r.txn.store
	}
	return r.m.store
}

// claim fails if d, which is in a collection of the request's store or is to get
// there, has a unique index's key under which another transaction has written,
// or somebody since the request's own began.
func (r *request) claim(c *collection, d bson.Raw) {
	if r.txn == nil && len(r.m.locks) == 0 {
		return
	}
	for _, x := range c.indexes {
		key := x.key(nil, d)
		if key == nil {
			continue
		}
		l := lock{c.made, x.name, string(key)}
		switch by := r.m.locks[l]; {
		case by == r.txn: // or there is none of either
			continue
		case r.txn == nil:
			panic(errBusy)
		case by != nil || !bytes.Equal(x.under(key), r.m.store[c.ns].index(x.name).under(key)):
			panic(errConflict)
		}
		r.m.locks[l] = r.txn
	}
}

// under is the document that an index has under a key, or nil.
func (x *index) under(key []byte) bson.Raw {
	if x == nil || x.entries[string(key)] == nil {
		return nil
	}
	return x.entries[string(key)].doc
}

func commitTransaction(r *request) error {
	t := r.txn
	check(t != nil, 251, "NoSuchTransaction", "the command is not part of a transaction")
	for _, e := range t.entries {
		e.lsid, e.number, e.txn = r.lsid, r.number, true
		made := t.store[e.ns].made
		if c := r.m.store[e.ns]; c == nil && !slices.Contains(t.entries, made) || c != nil && c.made != made {
			r.m.abortLocked(t) // the collection is not what it was
			return errConflict
		}
	}
	r.m.commitLocked(t.entries...)
	t.committed = true
	r.m.abortLocked(t) // what is left of it
	return nil
}

func abortTransaction(r *request) error {
	check(r.txn != nil, 251, "NoSuchTransaction", "the command is not part of a transaction")
	r.m.abortLocked(r.txn)
	return nil
}

// abortLocked lets go of all that an open transaction has; nil is none.
func (m *Member) abortLocked(t *txn) {
	if t.open() {
		t.limit.Stop()
		t.store, t.entries = nil, nil
		maps.DeleteFunc(m.locks, func(_ lock, by *txn) bool { return by == t })
		m.killCursorsLocked(func(cu *cursor) bool { return cu.txn == t })
		m.wakeLocked() // who waits for its locks
	}
}

// endSessionsLocked ends the transactions and the cursors of sessions, and
// forgets them.
func (m *Member) endSessionsLocked(which func(key string) bool) {
	for key, s := range m.sessions {
		if which(key) {
			m.abortLocked(s.txn)
			delete(m.sessions, key)
		}
	}
	m.killCursorsLocked(func(cu *cursor) bool { return cu.lsid != "" && which(cu.lsid) })
}
