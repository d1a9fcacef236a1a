package mongowire

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// setCommands are those that ask for the role or change it, or what is going on.
var setCommands = map[string]command{
	"hello":              {run: hello},
	"ismaster":           {run: hello},
	"isMaster":           {run: hello},
	"replSetStepDown":    {run: func(r *request) error { return r.m.stepDown(time.Duration(r.num(r.name, 60)) * time.Second) }},
	"configureFailPoint": {run: configureFailPoint, locked: true},
	"killOp":             {run: killOp, locked: true},
	"endSessions":        {run: killSessions, locked: true},
	"killSessions":       {run: killSessions, locked: true},
	"killAllSessions":    {run: killSessions, locked: true},
}

var (
	errNotPrimary  = failure(10107, "NotWritablePrimary", "not primary")
	errNoSecondary = failure(13435, "NotPrimaryNoSecondaryOk", "not primary and secondaryOk=false")
	errSteppedDown = failure(189, "PrimarySteppedDown", "primary stepped down while waiting for replication")
	errKilled      = failure(11601, "Interrupted", "operation was interrupted")
	errWTimeout    = failure(64, "WriteConcernFailed", "waiting for replication timed out")

	// The codes that make a client look for another primary, those after which it
	// may try a write again, and more of them for transactions and change streams.
	roleCodes   = []int32{189, 10107, 11602, 13435, 13436}
	retryCodes  = append([]int32{6, 7, 89, 91, 134, 262, 9001, 11600}, roleCodes...)
	txnCodes    = []int32{24, 112, 246, 251, 267}
	streamCodes = []int32{43, 63, 133, 150, 234, 13388}
)

// roleLocked is an error if the member's role does not let it execute the
// request. A write commits under the same hold of the mutex.
func (m *Member) roleLocked(r *request) error {
	switch {
	case !m.alive || r.c.ctx.Err() != nil:
		return errShutdown
	case m.leader == m:
		r.term = m.term
	case r.cmd.write:
		return errNotPrimary
	case r.cmd.read:
		if mode, _ := r.body.Lookup("$readPreference", "mode").StringValueOK(); mode == "" || mode == "primary" {
			return errNoSecondary
		}
	}
	return nil
}

// awaitConcern waits for a write's concern, and replies if it has not been met.
func (r *request) awaitConcern() {
	failed := r.armed.WriteConcernError
	if failed == nil && r.m.d.o.Members > 0 && (r.arg("autocommit").Type == 0 || strings.HasSuffix(r.name, "Transaction")) {
		if err := r.replicated(); err != nil {
			e := asError(err)
			failed = toRaw(object("code", e.code, "codeName", e.name, "errmsg", e.msg, "errInfo", object("wtimeout", e == errWTimeout)))
		}
	}
	if failed != nil {
		code, _ := failed.Lookup("code").AsInt64OK()
		r.out = appendD(r.out, append(object("writeConcernError", failed), r.circumstances(int32(code), true)...))
	}
}

// replicated waits until as many members as the write concern says have all that
// the primary has; without one that is a majority, as it is at the server.
func (r *request) replicated() error {
	m, all, concern := r.m, len(r.m.d.members), r.doc("writeConcern")
	need := int(number(lookup(concern, "w"), int64(all/2+1)))
	limit := time.Duration(number(lookup(concern, "wtimeout"), 0)) * time.Millisecond
	if need > all {
		return failure(100, "UnsatisfiableWriteConcern", "not enough data-bearing nodes")
	}
	for end := time.Now().Add(limit); ; {
		m.mu.Lock()
		leads, n, changed := m.alive && m.leader == m && m.term == r.term, 1, m.changedLocked()
		if leads && need > 1 {
			n = m.spreadLocked()
		}
		m.mu.Unlock()
		left := time.Until(end)
		switch {
		case n >= need:
			return nil
		case !leads:
			return errSteppedDown
		case limit > 0 && left <= 0:
			return errWTimeout
		}
		if err := r.wait(changed, max(left, 0)); err != nil {
			return err
		}
	}
}

// circumstances go with an error's code: labels, a fail point's own if it has some,
// and the topologyVersion that tells whether a client knows of the role's change.
func (r *request) circumstances(code int32, wrote bool) (d bson.D) {
	r.m.mu.Lock()
	defer r.m.mu.Unlock()
	labels, retries, cu := r.armed.ErrorLabels, slices.Contains(retryCodes, code), r.m.cursors[r.num("getMore", 0)]
	switch {
	case labels != nil:
	case r.arg("autocommit").Type != 0 && (slices.Contains(txnCodes, code) || retries && !strings.HasSuffix(r.name, "Transaction")):
		labels = []string{"TransientTransactionError"}
	case cu != nil && cu.log != nil && (retries || slices.Contains(streamCodes, code)):
		labels = []string{"ResumableChangeStreamError"}
	case retries && r.arg("txnNumber").Type != 0 && wrote:
		labels = []string{"RetryableWriteError"}
	case retries && r.arg("txnNumber").Type != 0:
		labels = []string{"RetryableWriteError", "NoWritesPerformed"}
	}
	if len(labels) > 0 {
		d = object("errorLabels", labels)
	}
	if slices.Contains(roleCodes, code) {
		d = append(d, object("topologyVersion", r.m.topologyLocked())...)
	}
	return d
}

// failPoint is a member's failCommand, the only fail point that there is.
type failPoint struct {
	Skip, Times       int64    // by configureFailPoint's mode; Times < 0: for ever
	FailCommands      []string `bson:"failCommands"`
	AppName           string   `bson:"appName"`
	ErrorCode         int32    `bson:"errorCode"`
	ErrorLabels       []string `bson:"errorLabels"` // nil: those that go with the code
	CloseConnection   bool     `bson:"closeConnection"`
	BlockConnection   bool     `bson:"blockConnection"`
	BlockTimeMS       int64    `bson:"blockTimeMS"`
	WriteConcernError bson.Raw `bson:"writeConcernError"`
}

func configureFailPoint(r *request) error {
	f := failPoint{Times: -1}
	err := bson.Unmarshal(r.doc("data"), &f)
	if mode := r.arg("mode"); r.str("mode") == "off" {
		f, err = failPoint{}, nil
	} else if r.str("mode") != "alwaysOn" {
		err = cmp.Or(err, mode.Unmarshal(&f))
	}
	if err != nil || r.str(r.name) != "failCommand" {
		return badValue("not a failCommand, which is the only fail point: %v", err)
	}
	r.m.fail = f
	return nil
}

// failPoint delays the request, returns the error that is to be replied, or sets
// hangUp. What a command that does its work is to reply is left for awaitConcern.
func (r *request) failPoint() (err error) {
	if client := r.doc("client"); client != nil { // in its first message it says who it is
		r.c.appName, _ = client.Lookup("application", "name").StringValueOK()
	}
	r.m.mu.Lock()
	f, armed := &r.m.fail, failPoint{}
	if f.Times != 0 && slices.Contains(f.FailCommands, r.name) && (f.AppName == "" || f.AppName == r.c.appName) {
		if f.Skip--; f.Skip < 0 {
			f.Times--
			armed = *f
		}
	}
	r.m.mu.Unlock()
	if armed.BlockConnection {
		err = r.wait(nil, time.Duration(armed.BlockTimeMS)*time.Millisecond)
	}
	if r.armed, r.hangUp = armed, armed.CloseConnection; armed.ErrorCode != 0 && err == nil {
		err = failure(armed.ErrorCode, "Location", "failing command via 'failCommand' failpoint")
	}
	return err
}

// runningLocked calls f, under the connection's mutex, for each connection that
// executes a request: until f returns, its request stays what it is.
func (m *Member) runningLocked(f func(c *conn)) {
	for c := range m.conns {
		c.mu.Lock()
		if c.opID != 0 {
			f(c)
		}
		c.mu.Unlock()
	}
}

// currentOp is the stage $currentOp.
func currentOp(r *request) (ops []bson.Raw) {
	r.m.runningLocked(func(c *conn) {
		db, _ := c.opBody.Lookup("$db").StringValueOK()
		of, _ := c.opBody.Index(0).Value().StringValueOK()
		in, _ := c.opBody.Lookup("collection").StringValueOK() // getMore's
		ops = append(ops, toRaw(object("type", "op", "op", "command", "ns", db+"."+cmp.Or(of, in, "$cmd"), "command", c.opBody,
			"active", true, "opid", c.opID, "connectionId", c.id, "microsecs_running", time.Since(c.opTime).Microseconds())))
	})
	return ops
}

func killOp(r *request) error {
	r.m.runningLocked(func(c *conn) {
		if c.opID == r.num("op", 0) {
			c.kill(errKilled)
		}
	})
	return nil
}

// killSessions ends what the named sessions, or for killAllSessions all of
// them, are doing: requests, cursors and transactions.
func killSessions(r *request) error {
	which := func(key string) bool {
		return r.name == "killAllSessions" || slices.ContainsFunc(documents(r.arg(r.name)), func(lsid bson.Raw) bool { return sessionKey(lsid) == key })
	}
	r.m.runningLocked(func(c *conn) {
		if lsid, ok := c.opBody.Lookup("lsid").DocumentOK(); ok && c != r.c && which(sessionKey(lsid)) {
			c.kill(errKilled)
		}
	})
	r.m.endSessionsLocked(which)
	return nil
}
