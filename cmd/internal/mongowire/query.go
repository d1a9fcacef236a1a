package mongowire

import (
	"cmp"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// query is a cursor for a collection's documents that match.
func (r *request) query(ns string, filter bson.Raw) *cursor {
	cu := &cursor{ns: ns}
	c := r.store()[ns]
	if c == nil {
		return cu
	}
	rec, named := c.byID(filter)
	if !named {
		cu.made = c.made
	} else if rec != nil {
		cu.docs = []bson.Raw{rec.doc}
	}
	if _, _, rest, ok := next(filter[min(4, len(filter)):]); ok && (!named || len(rest) > 1) {
		match := try(newMatcher(filter)) // more than the _id, or else, is asked for
		cu.match = &match
	}
	return cu
}

func find(r *request) error {
	cu := r.query(r.ns(), r.doc("filter"))
	if c := r.store()[cu.ns]; c != nil && r.flag("tailable") {
		check(c.size > 0, 2, "BadValue", "error processing query: tailable cursor requested on non capped collection")
		cu.tail = c.live > 0 // a server ends the cursor at once if there is nothing
		cu.await = cu.tail && r.flag("awaitData")
	}
	if by := r.doc("sort"); len(by) > 5 {
		sorted := try(newSorter(by))
		cu = &cursor{ns: cu.ns, docs: cu.all(r)}
		raise(sorted(cu.docs))
	}
	limit := r.num("limit", 0)
	cu.skip, cu.limit = r.num("skip", 0), max(limit, -limit)
	if fields := r.doc("projection"); len(fields) > 5 {
		cu.project = try(newProjection(fields))
	}
	return r.first(cu, 101, r.flag("singleBatch") || limit < 0)
}

func count(r *request) error {
	cu := r.query(r.ns(), r.doc("query"))
	cu.skip, cu.limit = r.num("skip", 0), r.num("limit", 0)
	return r.reply(object("n", len(cu.all(r))))
}

func distinct(r *request) error {
	key, values := r.str("key"), []value{}
	for _, d := range r.pipe(r.query(r.ns(), r.doc("query")), []bson.Raw{
		toRaw(object("$match", object(key, object("$exists", true)))),
		toRaw(object("$unwind", object("path", "$"+key, "preserveNullAndEmptyArrays", true))),
		toRaw(object("$group", object("_id", "$"+key))),
	}) {
		values = append(values, lookup(d, "_id"))
	}
	return r.reply(object("values", values))
}

// pipe sends a cursor's documents through the stages of a pipeline.
func (r *request) pipe(cu *cursor, stages []bson.Raw) []bson.Raw {
	run := try(newPipeline(stages, func(name string) []bson.Raw { return r.query(r.db+"."+name, nil).all(r) }))
	return try(run(cu.all(r)))
}

func aggregate(r *request) error {
	stages, ns := documents(r.arg("pipeline")), r.ns()
	if r.arg("aggregate").Type != bson.TypeString {
		ns = r.db + ".$cmd.aggregate"
	}
	name, spec := stageAt(stages, 0)
	if name == "$changeStream" {
		return r.watch(ns, spec.Document(), stages[1:])
	}
	cu := &cursor{}
	switch name { // what has documents of its own, or can find by _id
	case "$currentOp":
		cu.docs, stages = currentOp(r), stages[1:]
	case "$listSearchIndexes":
		cu.docs, stages = r.searches(str(spec.Value, "name")), stages[1:]
	case "$documents":
		cu.docs, stages = documents(spec), stages[1:]
	case "$match":
		cu, stages = r.query(ns, spec.Document()), stages[1:]
	default:
		cu = r.query(ns, nil)
	}
	last, into := stageAt(stages, len(stages)-1)
	if last != "$out" && last != "$merge" {
		return r.first(&cursor{ns: ns, docs: r.pipe(cu, stages)}, 101, false)
	}
	r.save(r.pipe(cu, stages[:len(stages)-1]), last, into)
	return r.first(&cursor{ns: ns}, 101, false)
}

// stageAt is the name and the specification of a pipeline's stage.
func stageAt(stages []bson.Raw, i int) (string, value) {
	if i < 0 || i >= len(stages) {
		return "", missing
	}
	name, spec, _, _ := next(stages[i][4:])
	return string(name), spec
}

// save writes the results of a pipeline to where $out or $merge wants them.
func (r *request) save(docs []bson.Raw, stage string, into value) {
	raise(r.m.roleLocked(r))
	coll, _ := into.StringValueOK()
	ns := r.db + "." + cmp.Or(coll, str(into.Value, "into"), str(into.Value, "coll"))
	if stage == "$out" && r.m.store[ns] != nil {
		r.commit(&entry{kind: "drop", ns: ns})
	}
	r.collection(ns)
	for _, d := range docs {
		ch := change{ns: ns, filter: toRaw(object("_id", lookup(d, "_id"))), update: valueOf(object("$set", d)), upsert: true}
		if stage == "$out" {
			ch = change{ns: ns, doc: d}
		}
		try(r.change(ch))
	}
}
