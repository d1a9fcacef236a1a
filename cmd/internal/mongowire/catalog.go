package mongowire

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// existing is the command's collection, which has to exist and may be changed.
func (r *request) existing() *collection {
	c := r.store().own(r.ns())
	check(c != nil, 26, "NamespaceNotFound", "ns does not exist: %s", r.ns())
	return c
}

func create(r *request) error {
	options := slices.DeleteFunc(parse(r.body), func(e bson.E) bool {
		return !slices.Contains(strings.Fields("capped size max validator collation changeStreamPreAndPostImages timeseries"), e.Key)
	})
	check(r.arg("viewOn").Type == 0, 238, "NotImplemented", "there are no views")
	check(r.flag("capped") == (r.num("size", 0) > 0), 72, "InvalidOptions", "the 'size' field is required when 'capped' is true")
	check(r.store()[r.ns()] == nil, 48, "NamespaceExists", "Collection %s already exists.", r.ns())
	r.commit(&entry{kind: "create", ns: r.ns(), doc: toRaw(options)})
	return nil
}

func drop(r *request) error {
	c := r.existing()
	r.commit(&entry{kind: "drop", ns: c.ns})
	return r.reply(object("nIndexesWas", len(c.indexes), "ns", c.ns))
}

func dropDatabase(r *request) error {
	cs := r.m.store.of(r.db)
	for _, c := range cs {
		r.commit(&entry{kind: "drop", ns: c.ns})
	}
	if len(cs) > 0 {
		r.commit(&entry{kind: "dropDatabase", ns: r.db + "."})
	}
	return r.reply(object("dropped", r.db))
}

func rename(r *request) error {
	from, to := r.str(r.name), r.str("to")
	check(r.m.store[from] != nil, 26, "NamespaceNotFound", "ns does not exist: %s", from)
	check(r.m.store[to] == nil, 48, "NamespaceExists", "target namespace exists")
	r.commit(&entry{kind: "rename", ns: from, name: to})
	return nil
}

func listCollections(r *request) error {
	match := try(newMatcher(r.doc("filter")))
	cu := &cursor{ns: r.db + ".$cmd.listCollections", match: &match}
	for _, c := range r.m.store.of(r.db) {
		d := object("name", strings.TrimPrefix(c.ns, r.db+"."), "type", "collection")
		if !r.flag("nameOnly") {
			d = append(d, object("options", c.made.doc, "info", object("readOnly", false), "idIndex", c.indexes[0].spec)...)
		}
		cu.docs = append(cu.docs, toRaw(d))
	}
	return r.first(cu, 1<<30, false)
}

func listDatabases(r *request) error {
	match, dbs := try(newMatcher(r.doc("filter"))), map[string]bool{}
	for ns := range r.m.store {
		db, _, _ := strings.Cut(ns, ".")
		dbs[db] = true
	}
	cu := &cursor{match: &match}
	for _, db := range slices.Sorted(maps.Keys(dbs)) {
		cu.docs = append(cu.docs, toRaw(object("name", db, "sizeOnDisk", 4096, "empty", false)))
	}
	return r.reply(object("databases", append([]bson.Raw{}, cu.all(r)...), "totalSize", 4096*len(dbs)))
}

func createIndexes(r *request) error {
	made := r.store()[r.ns()] == nil
	c := r.collection(r.ns())
	before := len(c.indexes)
	for _, spec := range r.list("indexes") {
		spec = toRaw(append(object("v", int32(2)), parse(spec)...))
		if x := c.index(str(spec, "name")); x != nil {
			check(lookup(x.spec, "key").Equal(lookup(spec, "key")), 86, "IndexKeySpecsConflict", "there is another index of the name %s", x.name)
			continue
		}
		tried := *c
		raise(tried.addIndex(spec))
		r.commit(&entry{kind: "createIndexes", ns: c.ns, doc: spec})
	}
	return r.reply(object("numIndexesBefore", before, "numIndexesAfter", len(c.indexes), "createdCollectionAutomatically", made))
}

func listIndexes(r *request) error {
	cu := &cursor{ns: r.ns()}
	for _, x := range r.existing().indexes {
		cu.docs = append(cu.docs, x.spec)
	}
	return r.first(cu, 101, false)
}

func dropIndexes(r *request) error {
	c, which := r.existing(), r.arg("index")
	was := len(c.indexes)
	for _, x := range slices.Clone(c.indexes[1:]) {
		if r.str("index") == "*" || r.str("index") == x.name || which.Equal(lookup(x.spec, "key")) {
			r.commit(&entry{kind: "dropIndexes", ns: c.ns, name: x.name})
		}
	}
	check(r.str("index") == "*" || len(c.indexes) < was, 27, "IndexNotFound", "index not found with name [%s]", which)
	return r.reply(object("nIndexesWas", was))
}

func createSearchIndexes(r *request) error {
	c, created := r.existing(), []bson.D{}
	for _, spec := range r.list("indexes") {
		d := object("id", bson.NewObjectID().Hex(), "name", cmp.Or(str(spec, "name"), "default"))
		created = append(created, d)
		c.searches = append(c.searches, append(d, object("status", "READY", "queryable", true,
			"latestDefinition", slices.Clone(subdocument(spec, "definition")))...))
	}
	return r.reply(object("indexesCreated", created))
}

// changeSearchIndex gives a search index another definition, or drops it.
func changeSearchIndex(r *request) error {
	c := r.existing()
	i := slices.IndexFunc(c.searches, func(d bson.D) bool { return d[1].Value == r.str("name") })
	check(i >= 0, 27, "IndexNotFound", "search index not found: %s", r.str("name"))
	if r.name == "dropSearchIndex" {
		c.searches = slices.Delete(c.searches, i, i+1)
	} else {
		c.searches[i] = append(slices.Clone(c.searches[i][:4]), object("latestDefinition", slices.Clone(r.doc("definition")))...)
	}
	return nil
}

// searches are the documents of $listSearchIndexes.
func (r *request) searches(name string) (docs []bson.Raw) {
	if c := r.m.store[r.ns()]; c != nil {
		for _, d := range c.searches {
			if name == "" || d[1].Value == name {
				docs = append(docs, toRaw(d))
			}
		}
	}
	return docs
}
