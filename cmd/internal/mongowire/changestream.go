package mongowire

import (
	"fmt"
	"sort"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// position is a place in the log: the time of the entry that has been read last,
// and whether what has been read is the invalidation that follows it.
type position struct {
	ts      bson.Timestamp
	invalid bool
}

const tokenFormat = "%08x%08x%t" // they sort by time

// token is the resume token that says where a change stream is.
func (p position) token() bson.Raw {
	return toRaw(object("_data", fmt.Sprintf(tokenFormat, p.ts.T, p.ts.I, p.invalid)))
}

func parseToken(token bson.Raw) (p position) {
	_, err := fmt.Sscanf(str(token, "_data"), tokenFormat, &p.ts.T, &p.ts.I, &p.invalid)
	check(err == nil, 260, "InvalidResumeToken", "not a resume token: %s", token)
	return p
}

// stream is a change stream's cursor on the log.
type stream struct {
	on   string // a namespace, a database and a dot, or nothing for the deployment
	full string // fullDocument
	at   position
	pipe func([]bson.Raw) ([]bson.Raw, error)
}

// watch is the stage $changeStream, which stages follow.
func (r *request) watch(ns string, spec bson.Raw, stages []bson.Raw) error {
	check(r.m.d.o.Members > 0, 40573, "Location40573", "The $changeStream stage is only supported on replica sets")
	s := &stream{on: ns, full: str(spec, "fullDocument"), at: position{ts: r.m.last}} // now
	s.pipe = try(newPipeline(stages, func(string) []bson.Raw { return nil }))
	if isTrue(lookup(spec, "allChangesForCluster")) {
		s.on = ""
	} else if r.arg("aggregate").Type != bson.TypeString {
		s.on = r.db + "."
	}
	if t, i, ok := lookup(spec, "startAtOperationTime").TimestampOK(); ok {
		s.at.ts = bson.Timestamp{T: t, I: i - 1}
	}
	for _, name := range []string{"resumeAfter", "startAfter"} {
		if token := subdocument(spec, name); token != nil {
			s.at = parseToken(token)
			check(!s.at.invalid || name != "resumeAfter", 260, "InvalidResumeToken", "resumeAfter is not allowed from an invalidate notification")
			s.at.invalid = false
		}
	}
	return r.first(&cursor{ns: ns, log: s, await: true}, 101, false)
}

// read returns about n events; none, if there is nothing new.
func (s *stream) read(r *request, n int) (events []bson.Raw) {
	log := r.m.log
	i := sort.Search(len(log), func(i int) bool { return log[i].ts.After(s.at.ts) })
	for ; i < len(log) && len(events) < n && !s.at.invalid; i++ {
		s.at.ts = log[i].ts
		events = append(events, try(s.pipe(s.events(r.m, log[i])))...)
	}
	return events
}

// events are what the stream tells of an entry: nothing, an event, or one and
// that the stream is no longer valid.
func (s *stream) events(m *Member, e *entry) []bson.Raw {
	whole := s.on == "" || strings.HasSuffix(s.on, ".")
	if !strings.Contains("insert update replace delete drop rename dropDatabase", e.kind) || e.kind == "" ||
		e.ns != s.on && !(whole && strings.HasPrefix(e.ns, s.on)) {
		return nil
	}
	d := object("_id", s.at.token(), "operationType", e.kind, "clusterTime", e.ts, "wallTime", e.wall, "ns", names(e.ns))
	add := func(pairs ...any) { d = append(d, object(pairs...)...) }
	if e.txn {
		add("txnNumber", e.number, "lsid", object("id", value{Type: bson.TypeBinary, Value: []byte(e.lsid)}))
	}
	if e.kind == "rename" {
		add("to", names(e.name))
	}
	if e.doc != nil || e.before != nil {
		add("documentKey", object("_id", e.id()))
	}
	if e.kind == "update" {
		updated, removed := difference(e.before, e.doc)
		add("updateDescription", object("updatedFields", append(bson.D{}, updated...), "removedFields", append([]string{}, removed...), "truncatedArrays", bson.A{}))
	}
	switch {
	case e.kind == "update" && s.full == "updateLookup": // as it is now, if it is
		now := any(nil)
		if c := m.store[e.ns]; c != nil && c.record(e.id()) != nil {
			now = c.record(e.id()).doc
		}
		add("fullDocument", now)
	case e.doc != nil && (e.kind != "update" || s.full != "" && s.full != "default"):
		add("fullDocument", e.doc)
	}
	events := []bson.Raw{toRaw(d)}
	if e.ns == s.on && strings.Contains("drop rename dropDatabase", e.kind) {
		s.at.invalid = true
		events = append(events, toRaw(object("_id", s.at.token(), "operationType", "invalidate", "clusterTime", e.ts, "wallTime", e.wall)))
	}
	return events
}

// names are a namespace's database and, if there is one, collection.
func names(ns string) bson.D {
	db, coll, _ := strings.Cut(ns, ".")
	if coll == "" {
		return object("db", db)
	}
	return object("db", db, "coll", coll)
}
