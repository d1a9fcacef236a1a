package mongowire

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// FuzzQuery runs whatever is valid BSON, and what is not since a byte of it has
// changed, as a filter, an update, a projection, a pipeline and a sort: errors are
// in order, panics and broken results are not.
func FuzzQuery(f *testing.F) {
	for _, seed := range []struct{ spec, doc string }{
		{`{"a.b": {"$gt": 1, "$in": [1, null]}, "$or": [{"c": {"$elemMatch": {"$ne": 2}}}, {"d": {"$type": "number"}}]}`, `{"a": [{"b": 2}], "c": [1, 2], "d": 1.5}`},
		{`{"$expr": {"$eq": [{"$toUpper": "$a"}, {"$substr": ["$a", 0, 2]}]}, "a": {"$size": 2, "$all": [1], "$mod": [2, 1]}}`, `{"a": "xY"}`},
		{`{"$set": {"a.0.b": 1, "c.$[]": 2}, "$inc": {"d": 1}, "$unset": {"e.f": 1}, "$rename": {"g": "h.i"}}`, `{"a": [{}], "c": [1], "d": {"$numberLong": "9223372036854775807"}, "e": {"f": 1}, "g": 1}`},
		{`{"$push": {"a": {"$each": [1]}}, "$pull": {"b": {"$gt": 1}}, "$pop": {"c": 1}, "$addToSet": {"d": 1}}`, `{"a": [2], "b": [1, 2], "c": [], "e": 4}`},
		{`{"a": 1, "b.c": {"$slice": [1, 2]}, "d": {"$add": ["$a", {"$size": "$b.c"}]}}`, `{"a": {"$numberDecimal": "1E+10"}, "b": {"c": [1, 2, 3]}}`},
		{`{"x": {"$map": {"input": "$a", "in": {"$cond": ["$$this", {"$type": "$$this"}, "$$ROOT"]}}}, "y": {"$arrayElemAt": ["$a", -1]}}`, `{"a": [1, "x", null, {"$date": "2024-01-02T03:04:05Z"}]}`},
	} {
		f.Add(seed.spec, seed.doc, uint16(0), byte(0))
		f.Add(seed.spec, seed.doc, uint16(9), byte(3))
	}
	// Changed by chance, text in extended JSON stays valid more often than BSON.
	encode := func(json string) bson.Raw {
		var d bson.D
		if bson.UnmarshalExtJSON([]byte(json), false, &d) != nil {
			return nil
		}
		raw, _ := bson.Marshal(d)
		return raw
	}
	f.Fuzz(func(t *testing.T, specJSON, docJSON string, at uint16, with byte) {
		spec, d := encode(specJSON), encode(docJSON)
		if spec == nil || d == nil {
			return
		}
		for _, raw := range []bson.Raw{spec, d} { // but for the length and the end
			if i := int(at); i >= 4 && i < len(raw)-1 {
				raw[i] = with
			}
		}
		valid := func(what string, after bson.Raw, err error) {
			if err == nil && after.Validate() != nil {
				t.Errorf("%s made %x", what, after)
			}
		}
		if m, err := newMatcher(spec); err == nil {
			m.match(d)
		}
		if u, err := newUpdate(embedded(spec), nil); err == nil {
			after, _, err := u.apply(d, d, false)
			valid("update", after, err)
			after, _, err = u.apply(nil, d, true)
			valid("upsert", after, err)
			if err == nil {
				difference(d, after)
			}
		}
		if project, err := newProjection(spec); err == nil {
			after, err := project(d)
			valid("projection", after, err)
		}
		if run, err := newPipeline([]bson.Raw{spec}, func(string) []bson.Raw { return []bson.Raw{d} }); err == nil {
			out, err := run([]bson.Raw{d, spec})
			for _, after := range out {
				valid("pipeline", after, err)
			}
		}
		if sort, err := newSorter(spec); err == nil {
			_ = sort([]bson.Raw{d, spec})
		}
		if err := func() (err error) {
			defer catch(&err)
			if compare(embedded(spec), embedded(d)) != -compare(embedded(d), embedded(spec)) {
				t.Error("compare is not antisymmetric")
			}
			return nil
		}(); err != nil && at == 0 && err.(*cmdError).code != 238 {
			t.Error(err)
		}
	})
}
