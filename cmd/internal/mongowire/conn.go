package mongowire

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

const (
	maxMessage  = 48000000
	maxDocument = 16 << 20

	opQuery wiremessage.OpCode = 2004 // of a driver's first hello, when all else is OP_MSG
)

// conn is one client's connection. Its goroutine reads a message, executes it
// and writes the reply; the buffers are the next request's.
type conn struct {
	m       *Member
	id      int32
	tcp     *net.TCPConn
	nc      net.Conn // tcp, or TLS over it
	br      *bufio.Reader
	in, out []byte
	appName string // of the client, for fail points
	req     request

	ctx    context.Context // ends with the connection
	cancel context.CancelCauseFunc

	mu     sync.Mutex // guards what follows, which others look at
	opID   int64      // of the request being executed; 0: there is none
	opBody bson.Raw   // its command, valid as long as mu is held
	opTime time.Time  // when it began
	opCtx  context.Context
	kill   context.CancelCauseFunc // ends opCtx
}

// request is one command being executed. It belongs to its connection's
// goroutine: what is to outlive the command has to be copied.
type request struct {
	m        *Member
	c        *conn
	ctx      context.Context // ends with the connection, the deployment, killOp and maxTimeMS
	cmd      command
	name, db string
	body     bson.Raw
	seqs     map[string][]bson.Raw // document sequences, such as an insert's documents

	legacy          bool // it came as OP_QUERY
	exhaust, silent bool // the client takes any number of replies, or none
	again, hangUp   bool // set to run it again for one more reply, or to close the connection instead

	lsid   string // the session, of a request with a transaction's or a retryable write's number
	number int64
	txn    *txn
	failed bool      // a statement has failed
	wrote  *entry    // the last one, while it is ours alone
	term   int64     // in which it was allowed to write
	armed  failPoint // what is still to be done to the reply
	seen   bson.Raw  // hello: the topologyVersion that the client knows

	out   []byte // the message, up to the reply's elements
	start int    // of the reply's document in out
}

func newConn(m *Member, tcp *net.TCPConn) *conn {
	c := &conn{m: m, id: int32(m.ids.Add(1)), tcp: tcp, nc: tcp, req: request{seqs: map[string][]bson.Raw{}}}
	if m.d.o.TLS != nil {
		c.nc = tls.Server(tcp, m.d.o.TLS)
	}
	c.br = bufio.NewReaderSize(c.nc, 32<<10)
	c.ctx, c.cancel = context.WithCancelCause(m.d.ctx)
	c.opCtx, c.kill = context.WithCancelCause(c.ctx)
	return c
}

func (c *conn) serve() {
	for c.exchange() {
	}
	c.cancel(errDisconnected)
	c.tcp.Close()
	c.m.mu.Lock()
	delete(c.m.conns, c)
	c.m.mu.Unlock()
}

// exchange reads a message and answers it. It reports whether the connection is
// still good.
func (c *conn) exchange() bool {
	var head [16]byte
	_, err := io.ReadFull(c.br, head[:])
	length, id, _, op, _, _ := wiremessage.ReadHeader(head[:])
	n := int(length) - len(head)
	if err != nil || n < 10 || n > maxMessage { // no command is shorter
		return false
	}
	if cap(c.in) < n {
		c.in = make([]byte, n)
	}
	_, err = io.ReadFull(c.br, c.in[:n])
	return err == nil && c.req.parse(c, op, c.in[:n]) && c.answer(id)
}

// parse reads the message into the request.
func (r *request) parse(c *conn, op wiremessage.OpCode, msg []byte) (ok bool) {
	clear(r.seqs)
	*r = request{m: c.m, c: c, db: r.db, seqs: r.seqs, out: r.out, legacy: op == opQuery}
	var body bsoncore.Document
	if r.legacy { // flags, a namespace, two numbers, the command
		end := 4 + bytes.IndexByte(msg[4:], 0) + 1 + 8
		body, msg = msg[min(end, len(msg)):], nil
	} else {
		flags, _, _ := wiremessage.ReadMsgFlags(msg)
		r.exhaust, r.silent = flags&wiremessage.ExhaustAllowed != 0, flags&wiremessage.MoreToCome != 0
		msg = msg[4:]
	}
	for ok = true; ok && len(msg) > 0; {
		if wiremessage.SectionType(msg[0]) == wiremessage.SingleDocument {
			body, msg, ok = bsoncore.ReadDocument(msg[1:])
			continue
		}
		var name string
		var docs []bsoncore.Document
		name, docs, msg, ok = wiremessage.ReadMsgSectionDocumentSequence(msg[1:])
		for _, d := range docs {
			r.seqs[name] = append(r.seqs[name], bson.Raw(d))
		}
	}
	name, _, _, named := next(body[min(4, len(body)):])
	if r.cmd = commands[string(name)]; r.cmd.run == nil {
		r.cmd = command{name: string(name), run: unknown}
	}
	r.body, r.name = bson.Raw(body), r.cmd.name
	if db := r.arg("$db"); db.Type != bson.TypeString {
		r.db = "admin"
	} else if r.db != string(text(db)) {
		r.db = string(text(db))
	}
	return ok && named
}

// answer executes the request and writes its reply, or its replies if the client
// allowed the server to stream them.
func (c *conn) answer(to int32) bool {
	r := &c.req
	c.mu.Lock()
	c.opID, c.opBody, c.opTime = c.m.ids.Add(1), r.body, time.Now()
	if c.opCtx.Err() != nil { // the last one was killed
		c.opCtx, c.kill = context.WithCancelCause(c.ctx)
	}
	r.ctx = c.opCtx
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.opID, c.opBody = 0, nil
		c.mu.Unlock()
	}()
	for {
		op := wiremessage.OpMsg
		r.out, r.again = append(c.out[:0], make([]byte, 21)...), false
		if r.legacy { // flags, a cursor, where it is, how many documents: one
			op, r.out = wiremessage.OpReply, append(append(r.out, make([]byte, 11)...), 1, 0, 0, 0)
			r.out[16] = byte(wiremessage.AwaitCapable)
		}
		r.start = len(r.out)
		r.run()
		if c.out = r.out; r.hangUp || r.silent || c.ctx.Err() != nil {
			return !r.hangUp && c.ctx.Err() == nil
		}
		id := wiremessage.NextRequestID()
		wiremessage.AppendHeader(c.out[:0], int32(len(c.out)), id, to, op)
		if r.again {
			c.out[16] = byte(wiremessage.MoreToCome)
		}
		if _, err := c.nc.Write(c.out); err != nil || !r.again {
			return err == nil
		}
		to = id
	}
}

// watch ends the connection's context if the client goes while a request waits;
// stop ends the watch. Only waiting requests pay for it.
func (c *conn) watch() (stop func()) {
	done := make(chan struct{})
	c.m.d.wg.Go(func() {
		defer close(done)
		if _, err := c.br.Peek(1); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			c.cancel(errDisconnected)
		}
	})
	return func() {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
		<-done
		_ = c.nc.SetReadDeadline(time.Time{})
	}
}

// wait blocks until changed is closed, the time is over (0: no limit), or the
// request is to end, whose reason is the error.
func (r *request) wait(changed <-chan struct{}, limit time.Duration) error {
	defer r.c.watch()()
	if limit <= 0 {
		limit = math.MaxInt64
	}
	select {
	case <-changed:
	case <-time.After(limit):
	case <-r.ctx.Done():
	}
	return r.interrupted()
}

// waitLocked lets go of the member's mutex for as long as it waits.
func (r *request) waitLocked(changed <-chan struct{}, limit time.Duration) error {
	r.m.mu.Unlock()
	defer r.m.mu.Lock()
	return r.wait(changed, limit)
}

// interrupted is why the request has to end, or nil.
func (r *request) interrupted() error { return context.Cause(r.ctx) }

// arg is the command's element of that name, or a missing value. The others
// return it as what it is, or nothing; ns is the collection's namespace.
func (r *request) arg(name string) value                  { return lookup(r.body, name) }
func (r *request) doc(name string) bson.Raw               { return subdocument(r.body, name) }
func (r *request) str(name string) string                 { return str(r.body, name) }
func (r *request) flag(name string) bool                  { return isTrue(r.arg(name)) }
func (r *request) num(name string, otherwise int64) int64 { return number(r.arg(name), otherwise) }
func (r *request) ns() string                             { return r.db + "." + r.str(r.name) }

// list is a list of documents, whether an array or a document sequence.
func (r *request) list(name string) []bson.Raw {
	return append(documents(r.arg(name)), r.seqs[name]...)
}

// documents are the documents in an array.
func documents(v value) (docs []bson.Raw) {
	for _, e := range elements(v) {
		if d, ok := e.DocumentOK(); ok {
			docs = append(docs, d)
		}
	}
	return docs
}

func subdocument(d bson.Raw, name string) bson.Raw {
	sub, _ := lookup(d, name).DocumentOK()
	return sub
}

func str(d bson.Raw, name string) string {
	s, _ := lookup(d, name).StringValueOK()
	return s
}

func number(v value, otherwise int64) int64 {
	if n, ok := v.AsInt64OK(); ok {
		return n
	}
	return otherwise
}
