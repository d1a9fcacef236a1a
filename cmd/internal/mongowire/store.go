package mongowire

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// store has collections by namespace: a member's, or those that a transaction
// sees. The member's mutex guards all of it, but a document never changes.
type store map[string]*collection

// collection holds documents in the order in which they came.
type collection struct {
	ns        string
	made      *entry // by which it came to be; its doc are the options
	size, max int64  // limits of a capped one in bytes and documents, or 0
	records   []*record
	seq       int64 // of the last record
	live      int64 // documents, of so many bytes
	bytes     int64
	indexes   []*index // _id's first
	searches  []bson.D // search indexes, which nothing searches
	frozen    bool     // more than one store has it: copy it, then change the copy
}

// record is a document's place in its collection; without doc, it is deleted.
type record struct {
	seq int64
	doc bson.Raw
}

// index is an index on a collection.
type index struct {
	spec    bson.Raw
	name    string
	paths   [][]string
	entries map[string]*record // by key; nil: the index is not unique, and idle
}

// apply does what an entry says.
func (s store) apply(e *entry) {
	c := s.own(e.ns)
	switch e.kind {
	case "insert", "update", "replace", "delete":
		c.put(c.record(e.id()), e.doc)
	case "create":
		c = &collection{ns: e.ns, made: e, size: number(lookup(e.doc, "size"), 0), max: number(lookup(e.doc, "max"), 0)}
		raise(c.addIndex(toRaw(object("v", int32(2), "key", object("_id", int32(1)), "name", "_id_"))))
		s[e.ns] = c
	case "drop":
		delete(s, e.ns)
	case "rename":
		delete(s, e.ns)
		c.ns = e.name
		s[e.name] = c
	case "createIndexes":
		raise(c.addIndex(e.doc)) // which the primary has tried
	case "dropIndexes":
		c.indexes = slices.DeleteFunc(c.indexes, func(x *index) bool { return x.name == e.name })
	}
}

// own returns a collection that may be changed, or nil if there is none.
func (s store) own(ns string) *collection {
	c := s[ns]
	if c == nil || !c.frozen {
		return c
	}
	own := *c
	own.frozen, own.records, own.indexes = false, make([]*record, len(c.records)), nil
	for i, rec := range c.records {
		own.records[i] = &record{rec.seq, rec.doc}
	}
	for _, x := range c.indexes {
		raise(own.addIndex(x.spec))
	}
	s[ns] = &own
	return &own
}

// of are the collections of a database, by name.
func (s store) of(db string) (cs []*collection) {
	for ns, c := range s {
		if strings.HasPrefix(ns, db+".") {
			cs = append(cs, c)
		}
	}
	slices.SortFunc(cs, func(a, b *collection) int { return strings.Compare(a.ns, b.ns) })
	return cs
}

// hasOperators tells whether v is a document of operators.
func hasOperators(v value) bool {
	if !isObject(v) {
		return false
	}
	key, _, _, ok := next(v.Value[4:])
	return ok && key[0] == '$'
}

// byID returns the record that filter can only match if it names an _id.
func (c *collection) byID(filter bson.Raw) (rec *record, named bool) {
	id := lookup(filter, "_id")
	if id.Type == 0 || id.Type == bson.TypeRegex || hasOperators(id) {
		return nil, false
	}
	return c.record(id), true
}

// record returns the record with that _id, or nil.
func (c *collection) record(id value) *record {
	var b [64]byte
	return c.indexes[0].entries[string(appendKey(b[:0], id))]
}

// put makes doc the document of rec, or of a new record if that is nil.
func (c *collection) put(rec *record, doc bson.Raw) {
	if rec == nil {
		c.seq++
		rec = &record{seq: c.seq}
		c.records = append(c.records, rec)
	}
	for _, x := range c.indexes {
		x.put(rec, rec.doc, doc)
	}
	if rec.doc != nil {
		c.live, c.bytes = c.live-1, c.bytes-int64(len(rec.doc))
	}
	if rec.doc = doc; doc != nil {
		c.live, c.bytes = c.live+1, c.bytes+int64(len(doc))
	}
	for c.size > 0 && c.live > 1 && (c.bytes > c.size || c.max > 0 && c.live > c.max) {
		oldest := c.records[0]
		if c.records = c.records[1:]; oldest.doc != nil {
			c.put(oldest, nil)
		}
	}
	if int64(len(c.records)) > 2*c.live+1024 {
		c.records = slices.DeleteFunc(c.records, func(r *record) bool { return r.doc == nil })
	}
}

// index returns the index of that name, or nil.
func (c *collection) index(name string) *index {
	for i := 0; c != nil && i < len(c.indexes); i++ {
		if c.indexes[i].name == name {
			return c.indexes[i]
		}
	}
	return nil
}

// addIndex adds an index, unless it is unique and the documents are not.
func (c *collection) addIndex(spec bson.Raw) error {
	x := &index{spec: spec, name: str(spec, "name")}
	if x.name == "_id_" || isTrue(lookup(spec, "unique")) {
		x.entries = map[string]*record{}
	}
	for _, e := range parse(lookup(spec, "key").Value) {
		x.paths = append(x.paths, strings.Split(e.Key, "."))
	}
	for _, rec := range c.records {
		if err := x.conflict(c.ns, rec, rec.doc); err != nil {
			return err
		}
		x.put(rec, nil, rec.doc)
	}
	c.indexes = append(c.indexes, x)
	return nil
}

// key appends to b the key under which the index has the document, or returns
// nil. An array is one value, and what is not there is null.
func (x *index) key(b []byte, doc bson.Raw) []byte {
	if x.entries == nil || doc == nil {
		return nil
	}
	for _, path := range x.paths {
		if len(path) == 1 {
			b = appendKey(b, lookup(doc, path[0]))
		} else {
			b = appendKey(b, doc.Lookup(path...))
		}
	}
	return b
}

// put replaces a record's entry for one document by that for another one.
func (x *index) put(rec *record, before, after bson.Raw) {
	var b [64]byte
	if key := x.key(b[:0], before); key != nil {
		delete(x.entries, string(key))
	}
	if key := x.key(b[:0], after); key != nil {
		x.entries[string(key)] = rec
	}
}

// conflict is the error if another document than rec's has the key of doc.
func (x *index) conflict(ns string, rec *record, doc bson.Raw) error {
	var b [64]byte
	if other := x.entries[string(x.key(b[:0], doc))]; other == nil || other == rec {
		return nil
	}
	var values bson.D
	for _, path := range x.paths {
		v := doc.Lookup(path...)
		if v.Type == 0 {
			v = null
		}
		values = append(values, bson.E{Key: strings.Join(path, "."), Value: v})
	}
	e := failure(11000, "DuplicateKey", "E11000 duplicate key error collection: %s index: %s dup key: %s", ns, x.name, toRaw(values))
	e.extra = object("keyPattern", lookup(x.spec, "key"), "keyValue", values)
	return e
}

// appendKey appends an encoding of v in which equal values are equal, whatever
// number type they have, and nothing is null.
func appendKey(b []byte, v value) []byte {
	if f, ok := v.DoubleOK(); !ok || f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		if n, ok := v.AsInt64OK(); ok {
			return binary.LittleEndian.AppendUint64(append(b, 'n'), uint64(n))
		}
	}
	if v.Type == 0 {
		v = null
	}
	return append(append(b, byte(v.Type)), v.Value...)
}
