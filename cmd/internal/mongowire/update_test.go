package mongowire

import (
	"math"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func updated(t *testing.T, before, filter, spec string, upserting bool, arrayFilters ...string) (bson.Raw, bool, error) {
	t.Helper()
	u, err := newUpdate(fromJSON(t, `{"u": `+spec+`}`).Lookup("u"), allFromJSON(t, arrayFilters...))
	if err != nil {
		return nil, false, err
	}
	var d bson.Raw
	if !upserting {
		d = fromJSON(t, before)
	}
	after, changed, err := u.apply(d, fromJSON(t, filter), upserting)
	if err == nil {
		if err := after.Validate(); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
	}
	return after, changed, err
}

func TestUpdate(t *testing.T) {
	for _, c := range []struct {
		spec, before, after string
	}{
		{`{"$set": {"a": 1}}`, `{"_id": 1}`, `{"_id": 1, "a": 1}`},
		{`{"$set": {"a.b.c": 1}}`, `{"_id": 1}`, `{"_id": 1, "a": {"b": {"c": 1}}}`},
		{`{"$set": {"a.1": 9}}`, `{"_id": 1, "a": [1, 2]}`, `{"_id": 1, "a": [1, 9]}`},
		{`{"$set": {"a.3": 9}}`, `{"_id": 1, "a": [1]}`, `{"_id": 1, "a": [1, null, null, 9]}`},
		{`{"$set": {"a.0.b": 9}}`, `{"_id": 1, "a": [{"b": 1}]}`, `{"_id": 1, "a": [{"b": 9}]}`},
		{`{"$set": {"a.0": 9}}`, `{"_id": 1}`, `{"_id": 1, "a": {"0": 9}}`},
		{`{"$set": {"b": 1, "a": 2}}`, `{"_id": 1}`, `{"_id": 1, "a": 2, "b": 1}`},
		{`{"$set": {"a": 1}}`, `{"_id": 1, "a": 1}`, ``},
		{`{"$set": {}}`, `{"_id": 1, "a": 1}`, ``},
		{`{"$setOnInsert": {"a": 1}}`, `{"_id": 1}`, ``},
		{`{"$unset": {"a": "", "b.c": ""}}`, `{"_id": 1, "a": 1, "b": {"c": 1, "d": 1}}`, `{"_id": 1, "b": {"d": 1}}`},
		{`{"$unset": {"x": "", "y.z": "", "s.t": ""}}`, `{"_id": 1, "s": 5}`, ``},
		{`{"$unset": {"a.0": ""}}`, `{"_id": 1, "a": [1, 2]}`, `{"_id": 1, "a": [null, 2]}`},
		{`{"$unset": {"a.7": "", "a.7.b": "", "a.x": ""}}`, `{"_id": 1, "a": [1, 2]}`, `conflict`},
		{`{"$unset": {"a.7": "", "a.x": ""}}`, `{"_id": 1, "a": [1, 2]}`, ``},
		{`{"$inc": {"a": 2, "b": 2}}`, `{"_id": 1, "a": 1}`, `{"_id": 1, "a": 3, "b": 2}`},
		{`{"$inc": {"a": 1.5}}`, `{"_id": 1, "a": 1}`, `{"_id": 1, "a": 2.5}`},
		{`{"$inc": {"a": 1}}`, `{"_id": 1, "a": 2147483647}`, `{"_id": 1, "a": {"$numberLong": "2147483648"}}`},
		{`{"$inc": {"a": {"$numberLong": "1"}}}`, `{"_id": 1, "a": 1}`, `{"_id": 1, "a": {"$numberLong": "2"}}`},
		{`{"$mul": {"a": 3, "b": 3, "c": 1.5}}`, `{"_id": 1, "a": 2}`, `{"_id": 1, "a": 6, "b": 0, "c": {"$numberDouble": "0.0"}}`},
		{`{"$min": {"a": 1, "b": 9, "c": 5}}`, `{"_id": 1, "a": 2, "b": 2}`, `{"_id": 1, "a": 1, "b": 2, "c": 5}`},
		{`{"$max": {"a": 1, "b": 9}}`, `{"_id": 1, "a": 2, "b": 2}`, `{"_id": 1, "a": 2, "b": 9}`},
		{`{"$rename": {"a": "b.c"}}`, `{"_id": 1, "a": 5}`, `{"_id": 1, "b": {"c": 5}}`},
		{`{"$rename": {"x": "b"}}`, `{"_id": 1, "b": 5}`, ``},
		{`{"$push": {"a": 3}}`, `{"_id": 1, "a": [1]}`, `{"_id": 1, "a": [1, 3]}`},
		{`{"$push": {"a": [3]}}`, `{"_id": 1}`, `{"_id": 1, "a": [[3]]}`},
		{`{"$addToSet": {"a": 1, "b": 1}}`, `{"_id": 1, "a": [1.0]}`, `{"_id": 1, "a": [1.0], "b": [1]}`},
		{`{"$addToSet": {"a": {"$each": [2, 2, 3]}}}`, `{"_id": 1, "a": [2]}`, `{"_id": 1, "a": [2, 3]}`},
		{`{"$addToSet": {"a": [2]}}`, `{"_id": 1, "a": [2]}`, `{"_id": 1, "a": [2, [2]]}`},
		{`{"$pop": {"a": 1, "b": -1, "c": 1}}`, `{"_id": 1, "a": [1, 2], "b": [1, 2]}`, `{"_id": 1, "a": [1], "b": [2]}`},
		{`{"$pop": {"a": -1}}`, `{"_id": 1, "a": []}`, ``},
		{`{"$pull": {"a": 1}}`, `{"_id": 1, "a": [1, 2, 1]}`, `{"_id": 1, "a": [2]}`},
		{`{"$pull": {"a": {"$gte": 2}}}`, `{"_id": 1, "a": [1, 2, 3]}`, `{"_id": 1, "a": [1]}`},
		{`{"$pull": {"a": {"$in": ["x"]}}}`, `{"_id": 1, "a": ["x", "y"]}`, `{"_id": 1, "a": ["y"]}`},
		{`{"$pull": {"a": {"s": 8, "t": {"$gt": 1}}}}`, `{"_id": 1, "a": [{"s": 8, "t": 2, "u": 1}, {"s": 8, "t": 1}, 8]}`, `{"_id": 1, "a": [{"s": 8, "t": 1}, 8]}`},
		{`{"$pull": {"x": 1}}`, `{"_id": 1}`, ``},
		{`{"$inc": {"a.$[]": 10}}`, `{"_id": 1, "a": [1, 2]}`, `{"_id": 1, "a": [11, 12]}`},
		{`{"$set": {"a.$[].b": 0}}`, `{"_id": 1, "a": [{"b": 1}, {"b": 2}]}`, `{"_id": 1, "a": [{"b": 0}, {"b": 0}]}`},
		// Replacements keep the _id, and it comes first.
		{`{"a": 1}`, `{"_id": 1, "b": 2}`, `{"_id": 1, "a": 1}`},
		{`{"a": 1, "_id": 1}`, `{"_id": 1, "b": 2}`, `{"_id": 1, "a": 1}`},
		{`{}`, `{"_id": 1, "b": 2}`, `{"_id": 1}`},
		// Pipelines.
		{`[{"$set": {"c": {"$add": ["$a", 1]}}}, {"$unset": "a"}]`, `{"_id": 1, "a": 1}`, `{"_id": 1, "c": 2}`},
		{`[{"$replaceRoot": {"newRoot": "$a"}}]`, `{"_id": 1, "a": {"b": 1}}`, `{"_id": 1, "b": 1}`},
		{`[{"$project": {"a": 1, "_id": 0}}]`, `{"_id": 1, "a": 1, "b": 1}`, `{"_id": 1, "a": 1}`},
	} {
		after, changed, err := updated(t, c.before, `{}`, c.spec, false)
		if c.after == "conflict" {
			wantCmdError(t, err, 40)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
			continue
		}
		want := c.after
		if want == "" {
			want = c.before
		}
		if after.String() != fromJSON(t, want).String() {
			t.Errorf("%s of %s: %v, want %s", c.spec, c.before, after, want)
		}
		if changed != (c.after != "") {
			t.Errorf("%s of %s: changed %v", c.spec, c.before, changed)
		}
	}
}

func TestUpdateElements(t *testing.T) {
	for _, c := range []struct {
		spec, filter, before, after string
		arrayFilters                []string
	}{
		{`{"$set": {"g.$[e]": 100}}`, `{}`, `{"_id": 1, "g": [95, 102, 90]}`, `{"_id": 1, "g": [95, 100, 90]}`, []string{`{"e": {"$gte": 100}}`}},
		{`{"$set": {"g.$[e].m": 100}}`, `{}`, `{"_id": 1, "g": [{"v": 80, "m": 75}, {"v": 85, "m": 90}]}`, `{"_id": 1, "g": [{"v": 80, "m": 75}, {"v": 85, "m": 100}]}`, []string{`{"e.v": {"$gte": 85}}`}},
		{`{"$inc": {"g.$[t].q.$[s]": -2}}`, `{}`, `{"_id": 1, "g": [{"t": "x", "q": [8, 10]}, {"t": "y", "q": [9]}]}`, `{"_id": 1, "g": [{"t": "x", "q": [6, 8]}, {"t": "y", "q": [9]}]}`, []string{`{"t.t": "x"}`, `{"s": {"$gte": 8}}`}},
	} {
		after, changed, err := updated(t, c.before, c.filter, c.spec, false, c.arrayFilters...)
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
		} else if after.String() != fromJSON(t, c.after).String() || !changed {
			t.Errorf("%s of %s: %v, want %s", c.spec, c.before, after, c.after)
		}
	}
}

func TestUpsert(t *testing.T) {
	for _, c := range []struct{ spec, filter, after string }{
		{`{"$set": {"b": 1}}`, `{"_id": 1, "a": 2}`, `{"_id": 1, "a": 2, "b": 1}`},
		{`{"$set": {"b": 1}}`, `{"a": 2, "_id": 1}`, `{"_id": 1, "a": 2, "b": 1}`},
		{`{"$setOnInsert": {"b": 1}}`, `{"_id": 1}`, `{"_id": 1, "b": 1}`},
		{`{"$inc": {"n": 1}}`, `{"_id": {"$eq": 1}, "a": {"$gt": 1}, "c.d": 4, "$and": [{"e": 5}]}`, `{"_id": 1, "c": {"d": 4}, "e": 5, "n": 1}`},
		{`{"$set": {"_id": 7}}`, `{"a": 1}`, `{"_id": 7, "a": 1}`},
		{`{"b": 1}`, `{"_id": 1, "a": 2}`, `{"_id": 1, "b": 1}`},
		{`[{"$set": {"b": "$a"}}]`, `{"_id": 1, "a": 2}`, `{"_id": 1, "a": 2, "b": 2}`},
	} {
		after, changed, err := updated(t, "", c.filter, c.spec, true)
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
		} else if after.String() != fromJSON(t, c.after).String() || !changed {
			t.Errorf("%s with %s: %v, want %s", c.spec, c.filter, after, c.after)
		}
	}
	after, _, err := updated(t, "", `{"a": 1}`, `{"$set": {"b": 1}}`, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := after.Index(0).Value().ObjectIDOK(); !ok || after.Index(0).Key() != "_id" {
		t.Errorf("%v has no _id of its own", after)
	}
}

func TestUpdateErrors(t *testing.T) {
	for _, c := range []struct {
		spec, before string
		code         int32
	}{
		{`{"$foo": {"a": 1}}`, `{}`, 9},
		{`{"$set": 1}`, `{}`, 9},
		{`{"$set": {"a": 1}, "b": 1}`, `{}`, 9},
		{`{"$set": {"a..b": 1}}`, `{}`, 56},
		{`{"$set": {"_id": 2}}`, `{"_id": 1}`, 66},
		{`{"$unset": {"_id": 1}}`, `{"_id": 1}`, 66},
		{`{"$inc": {"_id": 2}}`, `{"_id": 1}`, 66},
		{`{"$set": {"_id.a": 2}}`, `{"_id": {"a": 1}}`, 66},
		{`{"_id": 2}`, `{"_id": 1}`, 66},
		{`[{"$set": {"_id": 2}}]`, `{"_id": 1}`, 66},
		{`[{"$match": {"a": 1}}]`, `{"_id": 1}`, 72},
		{`{"$set": {"a": 1}, "$inc": {"a": 1}}`, `{}`, 40},
		{`{"$set": {"a": 1, "a.b": 1}}`, `{}`, 40},
		{`{"$set": {"a.b.c": 1, "a-b": 1}, "$unset": {"a.b": 1}}`, `{}`, 40},
		{`{"$rename": {"a": "b"}, "$set": {"b": 1}}`, `{}`, 40},
		{`{"$inc": {"a": "x"}}`, `{}`, 14},
		{`{"$inc": {"a": 1}}`, `{"a": "x"}`, 14},
		{`{"$inc": {"a": 1}}`, `{"a": null}`, 14},
		{`{"$inc": {"a": {"$numberLong": "1"}}}`, `{"a": {"$numberLong": "9223372036854775807"}}`, 14},
		{`{"$inc": {"a": 1}}`, `{"a": {"$numberDecimal": "1"}}`, 238},
		{`{"$push": {"a": 1}}`, `{"a": 1}`, 2},
		{`{"$push": {"a": {"$each": [], "$foo": 1}}}`, `{}`, 238},
		{`{"$push": {"a": {"$each": 1}}}`, `{}`, 9},
		{`{"$addToSet": {"a": 1}}`, `{"a": 1}`, 2},
		{`{"$pop": {"a": 1}}`, `{"a": 1}`, 2},
		{`{"$pop": {"a": 2}}`, `{}`, 9},
		{`{"$pull": {"a": 1}}`, `{"a": 1}`, 2},
		{`{"$set": {"a.b": 1}}`, `{"a": 5}`, 28},
		{`{"$set": {"a.b": 1}}`, `{"a": [5]}`, 28},
		{`{"$set": {"a.$[]": 1}}`, `{"a": 5}`, 28},
		{`{"$set": {"a.$[]": 1}}`, `{}`, 28},
		{`{"$set": {"a.$[x]": 1}}`, `{"a": [5]}`, 2},
	} {
		_, _, err := updated(t, c.before, `{}`, c.spec, false)
		if err == nil {
			t.Errorf("%s of %s: no error", c.spec, c.before)
		} else if e, ok := err.(*cmdError); !ok || e.code != c.code {
			t.Errorf("%s of %s: %v, want code %d", c.spec, c.before, err, c.code)
		}
	}
}

func TestUpdateCurrentDate(t *testing.T) {
	after, _, err := updated(t, `{"_id": 1}`, `{}`, `{"$currentDate": {"a": true, "b": {"$type": "timestamp"}}}`, false)
	if err != nil {
		t.Fatal(err)
	}
	if after.Lookup("a").Type != bson.TypeDateTime || after.Lookup("b").Type != bson.TypeTimestamp {
		t.Error(after)
	}
}

func TestUpdateKeepsTypes(t *testing.T) {
	after, _, err := updated(t, `{"_id": 1, "i": 1, "m": {"$numberInt": "-2147483648"}}`, `{}`, `{"$inc": {"i": 1}, "$mul": {"m": -1}}`, false)
	if err != nil {
		t.Fatal(err)
	}
	if v := after.Lookup("i"); v.Type != bson.TypeInt32 {
		t.Errorf("int32 + int32: %v", v.Type)
	}
	if v := after.Lookup("m"); v.Type != bson.TypeInt64 || v.Int64() != -math.MinInt32 {
		t.Errorf("-int32's least: %v", v)
	}
}

func TestDifference(t *testing.T) {
	for _, c := range []struct{ before, after, updated, removed string }{
		{`{"a": 1}`, `{"a": 1}`, `{}`, ``},
		{`{"a": 1, "b": 2}`, `{"a": 3, "c": 4}`, `{"a": 3, "c": 4}`, `b`},
		{`{"a": {"b": 1, "c": 2, "d": 3}}`, `{"a": {"b": 1, "c": 5}}`, `{"a.c": 5}`, `a.d`},
		{`{"a": {"b": 1}}`, `{"a": 1}`, `{"a": 1}`, ``},
		{`{"a": [1, 2]}`, `{"a": [1, 3, 4]}`, `{"a.1": 3, "a.2": 4}`, ``},
		{`{"a": [1, 2, 3]}`, `{"a": [1, 2]}`, `{"a": [1, 2]}`, ``},
		{`{"a": [{"b": 1}]}`, `{"a": [{"b": 2}]}`, `{"a.0.b": 2}`, ``},
		{`{"a": 1}`, `{"a": 1.0}`, `{"a": {"$numberDouble": "1.0"}}`, ``},
	} {
		set, removed := difference(fromJSON(t, c.before), fromJSON(t, c.after))
		raw, err := bson.Marshal(append(bson.D{}, set...))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, path := range removed {
			got += path
		}
		if bson.Raw(raw).String() != fromJSON(t, c.updated).String() || got != c.removed {
			t.Errorf("%s to %s: %v, without %v", c.before, c.after, bson.Raw(raw), removed)
		}
	}
}
