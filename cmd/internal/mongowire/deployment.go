package mongowire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Options say what Start starts.
type Options struct {
	Members int         // of the replica set "rs0"; 0: a standalone server
	TLS     *tls.Config // if not nil, what every member demands of its clients

	// TransactionLifetime is how long a transaction may be open, after which it
	// is aborted, as by mongod's transactionLifetimeLimitSeconds: 0 is a minute.
	TransactionLifetime time.Duration
}

// Deployment is a running standalone server or replica set.
type Deployment struct {
	o       Options
	members []*Member
	ctx     context.Context // ends with Close
	cancel  context.CancelCauseFunc
	wg      sync.WaitGroup // every goroutine of every member

	roles   sync.Mutex // taken before any member's
	primary *Member    // guarded by roles, as is term
	term    int64      // of all members, once leadLocked has been there
}

// Start listens on a free port of 127.0.0.1 for each member and returns when
// clients can connect; a replica set has a primary by then.
func Start(o Options) (*Deployment, error) {
	if o.TransactionLifetime == 0 {
		o.TransactionLifetime = time.Minute
	}
	d := &Deployment{o: o}
	d.ctx, d.cancel = context.WithCancelCause(context.Background())
	for i := range max(o.Members, 1) {
		m := &Member{
			d: d, index: i, conns: map[*conn]struct{}{}, store: store{},
			cursors: map[int64]*cursor{}, sessions: map[string]*session{}, locks: map[lock]*txn{},
			role: role{alive: true, process: bson.NewObjectID(), turned: make(chan struct{})},
		}
		d.members = append(d.members, m)
		if err := m.listen("127.0.0.1:0"); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	d.startSet()
	return d, nil
}

// URI is the connection string of all the members. It says nothing of TLS.
func (d *Deployment) URI() string {
	var addrs []string
	for _, m := range d.members {
		addrs = append(addrs, m.addr)
	}
	uri := "mongodb://" + strings.Join(addrs, ",") + "/"
	if d.o.Members > 0 {
		uri += "?replicaSet=" + setName
	}
	return uri
}

// Member returns the member i, counted from 0 as in the URI.
func (d *Deployment) Member(i int) *Member { return d.members[i] }

// Close stops all the members and returns when no goroutine and no descriptor
// of theirs is left. It may be called more than once.
func (d *Deployment) Close() error {
	d.cancel(errShutdown)
	for _, m := range d.members {
		m.shut(false)
	}
	d.wg.Wait()
	return nil
}

// Member is one server of a deployment.
type Member struct {
	d     *Deployment
	index int
	addr  string
	ids   atomic.Int64 // of connections, requests and cursors

	mu       sync.Mutex // guards all below, and what the store holds
	ln       net.Listener
	conns    map[*conn]struct{}
	changed  chan struct{} // closed by the next commit or change of role; nil: nobody waits
	store    store
	log      []*entry       // of a replica set's member, oldest first
	last     bson.Timestamp // of the last entry
	cursors  map[int64]*cursor
	sessions map[string]*session // by sessionKey; those that wrote with a number
	locks    map[lock]*txn       // the open transaction that has it

	role // what a member of a replica set is at present
}

// Addr is the host and port where the member listens.
func (m *Member) Addr() string { return m.addr }

// listen opens addr and serves whoever connects until shut.
func (m *Member) listen(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ln = ln
	if m.addr == "" { // a restarted member's stays, and is read without the mutex
		m.addr = ln.Addr().String()
	}
	m.d.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return // closed: nothing else ends a loopback listener
			}
			c := newConn(m, nc.(*net.TCPConn))
			m.mu.Lock()
			if m.ln == ln {
				m.conns[c] = struct{}{}
				m.d.wg.Go(c.serve)
			} else {
				nc.Close()
			}
			m.mu.Unlock()
		}
	})
	return nil
}

// shut closes the listener and the connections; with reset, so that clients
// see a reset rather than an end of file.
func (m *Member) shut(reset bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alive = false
	if m.ln != nil {
		m.ln.Close()
		m.ln = nil
	}
	for c := range m.conns {
		if reset {
			_ = c.tcp.SetLinger(0)
		}
		c.cancel(errShutdown)
		c.tcp.Close()
	}
}

// entry is one write and what it left behind. The members of a set share it:
// nothing changes it once the mutex under which it was committed is released.
type entry struct {
	ts     bson.Timestamp
	kind   string   // as a change stream or a command is called; none: no change
	ns     string   // or a database and a dot
	before bson.Raw // the document that was there
	doc    bson.Raw // the one that is there now; or a collection's options, or an index
	name   string   // the new namespace of a renamed collection, the name of a dropped index
	wall   time.Time

	// Which session made it, and what was replied: another primary must not do
	// a retried write twice.
	lsid   string
	number int64
	txn    bool
	reply  []byte
}

// id is the _id of the document that was written.
func (e *entry) id() value {
	if e.doc != nil {
		return lookup(e.doc, "_id")
	}
	return lookup(e.before, "_id")
}

// changedLocked returns a channel that the next commit or change of role closes.
func (m *Member) changedLocked() <-chan struct{} {
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	return m.changed
}

// wakeLocked wakes everyone that waits for a change.
func (m *Member) wakeLocked() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// commit makes the entry happen, or makes it a part of the request's transaction.
func (r *request) commit(e *entry) {
	if r.txn != nil {
		r.txn.store.apply(e)
		r.txn.entries = append(r.txn.entries, e)
	} else {
		r.wrote = e
		r.m.commitLocked(e)
	}
}

// commitLocked makes the entries happen: all writes of a primary go through it,
// so that secondaries, change streams and transactions see the same.
func (m *Member) commitLocked(es ...*entry) {
	for _, e := range es {
		e.wall = time.Now()
		if e.ts = (bson.Timestamp{T: uint32(e.wall.Unix()), I: 1}); !e.ts.After(m.last) {
			e.ts = bson.Timestamp{T: m.last.T, I: m.last.I + 1}
		}
		m.applyLocked(e)
	}
	m.wakeLocked()
}

// applyLocked does what the entry says and appends it to the log. A secondary
// calls it with the primary's entries.
func (m *Member) applyLocked(e *entry) {
	m.last = e.ts
	m.store.apply(e)
	if e.lsid != "" {
		s := m.sessionLocked(e.lsid)
		if e.number > s.number {
			*s = session{number: e.number}
		}
		if s.reply = e.reply; e.txn && s.txn == nil {
			s.txn = &txn{committed: true}
		}
	}
	if m.d.o.Members > 0 {
		m.log = append(m.log, e)
	}
}

// rememberLocked keeps the reply for a retry of a retryable write.
func (r *request) rememberLocked() {
	if e := r.wrote; e != nil && r.number >= 0 && r.txn == nil {
		e.lsid, e.number, e.reply = r.lsid, r.number, slices.Clone(r.out[r.start+4:])
		r.m.sessionLocked(r.lsid).reply = e.reply
	}
}
