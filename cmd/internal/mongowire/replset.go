package mongowire

import (
	"bytes"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const setName = "rs0"

// role is what a member is at present; its mutex guards it.
type role struct {
	alive   bool
	leader  *Member       // the primary, itself if that it is, or nil
	term    int64         // how often that has changed: topologyVersion's counter
	process bson.ObjectID // topologyVersion's
	turned  chan struct{} // closed and replaced with each term
	frozen  time.Time     // until when it does not stand for election
	paused  bool          // by PauseReplication
	fail    failPoint
}

// each calls f for every member, under its mutex.
func (d *Deployment) each(f func(m *Member)) {
	for _, m := range d.members {
		m.mu.Lock()
		f(m)
		m.mu.Unlock()
	}
}

// startSet elects the first primary, and keeps a set going until Close.
func (d *Deployment) startSet() {
	if d.tend(); d.o.Members == 0 {
		return
	}
	d.wg.Go(func() {
		for tick := time.Tick(50 * time.Millisecond); d.ctx.Err() == nil; {
			select {
			case <-d.tend():
			case <-tick:
			case <-d.ctx.Done():
			}
		}
	})
}

// tend ends the term of a primary that has died, stepped down or lost the
// majority, or if there is none elects the member with the newest log of those
// alive, and lets the others catch up. The channel is closed when there is more.
func (d *Deployment) tend() <-chan struct{} {
	d.roles.Lock()
	defer d.roles.Unlock()
	best, alive, leads := (*Member)(nil), 0, false
	var last, newest bson.Timestamp // of those alive, of all
	d.each(func(m *Member) {
		if m.last.After(newest) {
			newest = m.last
		}
		if !m.alive {
			return
		}
		alive, leads = alive+1, leads || m.leader == m
		if m.last.After(last) {
			best, last = nil, m.last
		}
		if best == nil && m.last == last && time.Now().After(m.frozen) {
			best = m
		}
	})
	switch majority := 2*alive > len(d.members); {
	case d.primary != nil && !(leads && majority):
		d.leadLocked(nil, newest)
	case d.primary == nil && majority && best != nil:
		d.leadLocked(best, newest)
	}
	if d.primary == nil {
		return nil
	}
	d.primary.mu.Lock()
	defer d.primary.mu.Unlock()
	d.primary.spreadLocked()
	return d.primary.changedLocked()
}

// leadLocked makes p the primary, or nobody if it is nil. Its first entry is newer
// than all that ever was: whoever has a later one has the primary's log.
func (d *Deployment) leadLocked(p *Member, newest bson.Timestamp) {
	d.primary = p
	d.term++
	d.each(func(m *Member) {
		if m.leader, m.term = p, d.term; m == p {
			m.last = newest
			m.commitLocked(&entry{})
		}
		for _, s := range m.sessions { // only a primary could go on with it
			m.abortLocked(s.txn)
		}
		close(m.turned)
		m.turned = make(chan struct{})
		m.wakeLocked()
	})
}

// spreadLocked lets the others catch up with the primary, in one go as half of a
// command must not survive it, and returns how many members have all that it has.
func (m *Member) spreadLocked() (n int) {
	for _, other := range m.d.members {
		if other == m || other.follow(m.log) {
			n++
		}
	}
	return n
}

// follow applies what is missing of the primary's log. If the member's has what is
// not in it, all data are made anew, the records of retryable writes with them.
func (m *Member) follow(log []*entry) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.alive || m.paused {
		return false
	}
	same := min(len(m.log), len(log))
	for same > 0 && m.log[same-1] != log[same-1] {
		same--
	}
	if same < len(m.log) {
		m.store, m.sessions, m.log, same = store{}, map[string]*session{}, nil, 0
		m.killCursorsLocked(func(*cursor) bool { return true })
	}
	for _, e := range log[same:] {
		m.applyLocked(e)
		m.wakeLocked()
	}
	return true
}

// Primary is the primary, or nil while there is none.
func (d *Deployment) Primary() *Member {
	d.roles.Lock()
	defer d.roles.Unlock()
	return d.primary
}

// PauseReplication lets the member fall behind. It remains a member, and votes.
func (m *Member) PauseReplication(paused bool) {
	m.mu.Lock()
	m.paused = paused
	m.mu.Unlock()
	m.d.tend()
	m.d.each((*Member).wakeLocked) // write concerns
}

// Kill lets the member die until Restart: clients see a reset, or nobody who
// listens. The others elect a primary if need be, or without a majority have none.
func (m *Member) Kill() {
	m.shut(true)
	m.d.tend()
}

// Restart starts a killed member with its old address and data, which soon lose
// what the primary does not have. It fails if somebody else has taken the port.
func (m *Member) Restart() error {
	m.mu.Lock()
	m.alive, m.frozen, m.fail = true, time.Time{}, failPoint{}
	m.killCursorsLocked(func(*cursor) bool { return true })
	m.mu.Unlock()
	m.d.tend()
	m.d.each((*Member).wakeLocked) // write concerns
	err := m.listen(m.addr)
	if err != nil {
		m.Kill()
	}
	return err
}

// StepDown makes the primary a secondary, which for a while does not stand for
// election. It fails if there is no primary, or no majority with all its writes.
func (d *Deployment) StepDown() error {
	if p := d.Primary(); p != nil {
		return p.stepDown(time.Second)
	}
	return errNotPrimary
}

func (m *Member) stepDown(frozen time.Duration) (err error) {
	m.mu.Lock()
	switch all := len(m.d.members); {
	case m.leader != m:
		err = errNotPrimary
	case all == 1 || 2*m.spreadLocked() <= all:
		err = failure(262, "ExceededTimeLimit", "no electable secondaries have caught up")
	default:
		// The next term begins here: to a client an error with the old version
		// would be one that it knows of.
		m.leader, m.term, m.frozen = nil, m.term+1, time.Now().Add(frozen)
	}
	m.mu.Unlock()
	m.d.tend()
	return err
}

// hello says what the member is. A client that tells which topologyVersion it
// knows gets the answer when there is another one or maxAwaitTimeMS is over; if
// it allows that, one answer after the other until it goes away.
func hello(r *request) error {
	m, limit := r.m, time.Duration(r.num("maxAwaitTimeMS", 0))*time.Millisecond
	if r.seen == nil { // or else this is not the first answer
		r.seen = r.doc("topologyVersion")
	}
	if r.seen != nil && limit > 0 {
		m.mu.Lock()
		current, turned := m.topologyLocked(), m.turned
		m.mu.Unlock()
		if bytes.Equal(current, r.seen) {
			if err := r.wait(turned, limit); err != nil {
				return err
			}
		}
		r.again = r.exhaust
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r.seen = m.topologyLocked()
	pairs := []any{
		"ismaster", m.leader == m, "isWritablePrimary", m.leader == m, "helloOk", true, "topologyVersion", r.seen,
		"maxBsonObjectSize", int32(maxDocument), "maxMessageSizeBytes", int32(maxMessage), "maxWriteBatchSize", int32(100000),
		"logicalSessionTimeoutMinutes", int32(30), "connectionId", r.c.id, "minWireVersion", int32(0), "maxWireVersion", int32(25),
	}
	if m.d.o.Members > 0 {
		hosts := bson.A{}
		for _, other := range m.d.members {
			hosts = append(hosts, other.addr)
		}
		pairs = append(pairs, "setName", setName, "setVersion", int32(1), "hosts", hosts, "me", m.addr, "secondary", m.leader != m,
			"lastWrite", object("opTime", object("ts", m.last, "t", m.term), "lastWriteDate", time.Unix(int64(m.last.T), 0)))
		if m.leader != nil {
			pairs = append(pairs, "primary", m.leader.addr)
		}
		if m.leader == m { // an election's id orders it after all of earlier terms
			pairs = append(pairs, "electionId", bson.ObjectID{0: 0x7f, 10: byte(m.term >> 8), 11: byte(m.term)})
		}
	}
	return r.reply(object(pairs...))
}

// topologyLocked is the topologyVersion: what hello says may differ between two.
func (m *Member) topologyLocked() bson.Raw {
	return toRaw(object("processId", m.process, "counter", m.term))
}
