package mongowire

import (
	"errors"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// change is one statement of a command that writes.
type change struct {
	ns            string
	doc           bson.Raw // to insert; none: what matches is updated or deleted
	filter, sort  bson.Raw
	update        value // missing: what matches is deleted
	arrays        []bson.Raw
	multi, upsert bool
}

// changeOf reads a change from a statement, whose fields for the filter and the
// update have these names.
func changeOf(ns string, s bson.Raw, filter, update string) change {
	limit := lookup(s, "limit") // a deletion's
	return change{
		ns: ns, filter: subdocument(s, filter), sort: subdocument(s, "sort"), update: lookup(s, update),
		arrays: documents(lookup(s, "arrayFilters")), multi: isTrue(lookup(s, "multi")) || limit.Type != 0 && !isTrue(limit),
		upsert: isTrue(lookup(s, "upsert")),
	}
}

// effect is what came of a change.
type effect struct {
	n, modified   int32
	upserted      value    // the _id of the document that was inserted by an update
	before, after bson.Raw // of the last document
	err           bson.D   // what a reply tells of its error
}

// change makes a change, which waits for transactions that are in its way.
func (r *request) change(ch change) (effect, error) {
	for {
		f, err := r.attempt(ch)
		if !errors.Is(err, errBusy) {
			return f, err
		}
		r.wrote = nil
		raise(r.waitLocked(r.m.changedLocked(), 0))
		raise(r.m.roleLocked(r))
	}
}

// attempt makes a change, unless it has to wait: then it has done nothing.
func (r *request) attempt(ch change) (f effect, err error) {
	defer catch(&err)
	if ch.doc != nil {
		return effect{n: 1, after: r.insert(ch.ns, ch.doc)}, nil
	}
	kind := "delete"
	var u updater
	if ch.update.Type != 0 {
		u, kind = try(newUpdate(ch.update, ch.arrays)), "update"
		if isObject(ch.update) && !hasOperators(ch.update) {
			kind = "replace"
		}
	}
	c := r.store().own(ch.ns)
	recs := c.concerned(ch)
	afters := make([]bson.Raw, len(recs)) // the same slice if nothing changes
	for i, rec := range recs {
		if kind != "delete" {
			after, changed, err := u.apply(rec.doc, ch.filter, false)
			raise(err)
			if afters[i] = rec.doc; changed {
				afters[i] = slices.Clone(after)
			}
		}
		r.claim(c, rec.doc)
		r.claim(c, afters[i])
	}
	for i, rec := range recs {
		f.n, f.before, f.after = f.n+1, rec.doc, afters[i]
		if f.after == nil || &f.after[0] != &f.before[0] {
			r.put(c, rec, kind, f.after)
			f.modified++
		}
	}
	if f.n == 0 && ch.upsert {
		after, _, err := u.apply(nil, ch.filter, true)
		raise(err)
		f.n, f.after = 1, r.insert(ch.ns, after)
		f.upserted = lookup(f.after, "_id")
	}
	return f, nil
}

// concerned are the records that a change is to change.
func (c *collection) concerned(ch change) (recs []*record) {
	match := try(newMatcher(ch.filter))
	if c == nil {
		return nil
	}
	among := c.records
	if rec, named := c.byID(ch.filter); named {
		among = []*record{rec}
	}
	for _, rec := range among {
		if rec != nil && rec.doc != nil && match.match(rec.doc) {
			if recs = append(recs, rec); !ch.multi && len(ch.sort) <= 5 {
				break
			}
		}
	}
	raise(match.err())
	if len(recs) > 1 && !ch.multi {
		docs := make([]bson.Raw, len(recs))
		for i, rec := range recs {
			docs[i] = rec.doc
		}
		raise(try(newSorter(ch.sort))(docs))
		recs = []*record{c.record(lookup(docs[0], "_id"))}
	}
	return recs
}

// insert inserts a copy of d, with its _id in front, and returns it.
func (r *request) insert(ns string, d bson.Raw) bson.Raw {
	key, id, _, _ := next(d[4:])
	if string(key) == "_id" {
		d = slices.Clone(d)
	} else {
		if id = lookup(d, "_id"); id.Type == 0 {
			id = valueOf(bson.NewObjectID())
		}
		rest := slices.DeleteFunc(parse(d), func(e bson.E) bool { return e.Key == "_id" })
		d = toRaw(append(object("_id", id), rest...))
	}
	check(id.Type != bson.TypeArray && id.Type != bson.TypeRegex, 2, "BadValue", "can't use a value of type %s for _id", id.Type)
	c := r.collection(ns)
	r.claim(c, d)
	r.put(c, nil, "insert", d)
	return d
}

// collection returns a collection to write to, and makes it if need be.
func (r *request) collection(ns string) *collection {
	if r.store()[ns] == nil {
		r.commit(&entry{kind: "create", ns: ns, doc: toRaw(bson.D{})})
	}
	return r.store().own(ns)
}

// put makes d a record's document, nil to delete it; rec is nil for a new one.
func (r *request) put(c *collection, rec *record, kind string, d bson.Raw) {
	for _, x := range c.indexes {
		raise(x.conflict(c.ns, rec, d))
	}
	e := &entry{kind: kind, ns: c.ns, doc: d}
	if rec != nil {
		e.before = rec.doc
	}
	r.commit(e)
}

// each makes the changes of a command's statements, one after the other and if
// ordered until one fails.
func (r *request) each(statements []bson.Raw, as func(s bson.Raw) change) (effects []effect) {
	ordered := r.arg("ordered").Type == 0 || r.flag("ordered")
	for _, s := range statements {
		f, err := r.change(as(s))
		if err != nil {
			e := asError(err)
			if e.code == errConflict.code || slices.Contains(retryCodes, e.code) || r.interrupted() != nil {
				panic(e) // it ends the command
			}
			r.failed, f = true, effect{err: append(object("code", e.code, "errmsg", e.msg), e.extra...)}
		}
		if effects = append(effects, f); err != nil && (ordered || r.txn != nil) {
			break
		}
	}
	return effects
}

// write is insert, update and delete.
func write(r *request) error {
	ns, list := r.ns(), map[string]string{"insert": "documents", "update": "updates", "delete": "deletes"}[r.name]
	var n, modified int32
	var upserted, errs []bson.D
	for i, f := range r.each(r.list(list), func(s bson.Raw) change {
		if r.name == "insert" {
			return change{ns: ns, doc: s}
		}
		return changeOf(ns, s, "q", "u")
	}) {
		n, modified = n+f.n, modified+f.modified
		if f.upserted.Type != 0 {
			upserted = append(upserted, object("index", i, "_id", f.upserted))
		}
		if f.err != nil {
			errs = append(errs, append(object("index", i), f.err...))
		}
	}
	r.out = bsoncore.AppendInt32Element(r.out, "n", n)
	if r.name == "update" {
		r.out = bsoncore.AppendInt32Element(r.out, "nModified", modified)
	}
	if upserted != nil {
		r.out = appendD(r.out, object("upserted", upserted))
	}
	if errs != nil {
		r.out = appendD(r.out, object("writeErrors", errs))
	}
	return nil
}

func findAndModify(r *request) error {
	f := try(r.change(changeOf(r.ns(), r.body, "query", "update")))
	last, result, value := object("n", f.n, "updatedExisting", f.before != nil), f.before, any(nil)
	if f.upserted.Type != 0 {
		last = append(last, object("upserted", f.upserted)...)
	}
	if r.flag("new") {
		result = f.after
	}
	if result != nil {
		value = try(try(newProjection(r.doc("fields")))(result))
	}
	return r.reply(object("lastErrorObject", last, "value", value))
}

// bulkWrite is the client's: writes to many collections in one command.
func bulkWrite(r *request) error {
	ops, spaces, counts := r.list("ops"), r.list("nsInfo"), map[string]int32{}
	cu := &cursor{ns: "admin.$cmd.bulkWrite"}
	for i, f := range r.each(ops, func(op bson.Raw) change {
		kind, at, _, _ := next(op[4:])
		ch := changeOf(str(spaces[number(at, 0)], "ns"), op, "filter", "updateMods")
		if string(kind) == "insert" {
			ch.doc = subdocument(op, "document")
		}
		return ch
	}) {
		result := object("ok", 1.0, "idx", i, "n", f.n, "nModified", f.modified)
		switch kind, _, _, _ := next(ops[i][4:]); {
		case f.err != nil:
			counts["nErrors"]++
			result = append(object("ok", 0.0, "idx", i, "n", 0), f.err...)
		case f.upserted.Type != 0:
			counts["nUpserted"]++
			result = append(result, object("upserted", object("_id", f.upserted))...)
		case string(kind) == "insert":
			counts["nInserted"] += f.n
		case string(kind) == "delete":
			counts["nDeleted"] += f.n
		default:
			counts["nMatched"], counts["nModified"] = counts["nMatched"]+f.n, counts["nModified"]+f.modified
		}
		if f.err != nil || !r.flag("errorsOnly") {
			cu.docs = append(cu.docs, toRaw(result))
		}
	}
	for _, name := range strings.Fields("nErrors nInserted nMatched nModified nUpserted nDeleted") {
		r.out = bsoncore.AppendInt32Element(r.out, name, counts[name])
	}
	r.batch(cu, "firstBatch", int64(len(cu.docs)), true)
	return nil
}
