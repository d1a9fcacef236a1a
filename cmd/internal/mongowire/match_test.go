package mongowire

import (
	"bytes"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		filter   string
		yes, not []string
	}{
		{`{}`, []string{`{}`, `{"a": 1}`}, nil},
		{`{"a": 1}`, []string{`{"a": 1}`, `{"a": 1.0}`, `{"a": {"$numberLong": "1"}}`, `{"a": [2, 1]}`}, []string{`{}`, `{"a": "1"}`, `{"a": 2}`, `{"a": [[1]]}`, `{"a": true}`}},
		{`{"a": null}`, []string{`{}`, `{"a": null}`, `{"a": [1, null]}`}, []string{`{"a": 0}`, `{"a": []}`}},
		{`{"a.b": null}`, []string{`{}`, `{"a": 4}`, `{"a": {}}`, `{"a": {"b": null}}`, `{"a": [{"b": 1}, {}]}`}, []string{`{"a": {"b": 1}}`, `{"a": []}`, `{"a": [4]}`, `{"a": [{"b": 1}]}`}},
		{`{"a": [1, 2]}`, []string{`{"a": [1, 2]}`, `{"a": [[1, 2], 3]}`}, []string{`{"a": [2, 1]}`, `{"a": 1}`, `{"a": [1, 2, 3]}`}},
		{`{"a": []}`, []string{`{"a": []}`, `{"a": [[]]}`}, []string{`{}`, `{"a": [1]}`}},
		{`{"a": {"b": 1, "c": 2}}`, []string{`{"a": {"b": 1, "c": 2}}`}, []string{`{"a": {"c": 2, "b": 1}}`, `{"a": {"b": 1}}`, `{"a": {"b": 1, "c": 2, "d": 3}}`}},
		{`{"a.b": 1}`, []string{`{"a": {"b": 1}}`, `{"a": {"b": [1]}}`, `{"a": [{"b": 2}, {"b": 1}]}`}, []string{`{"a.b": 1}`, `{"a": 1}`, `{"a": [[{"b": 1}]]}`}},
		{`{"a.0": 1}`, []string{`{"a": [1, 2]}`, `{"a": {"0": 1}}`, `{"a": [{"0": 1}]}`}, []string{`{"a": [2, 1]}`}},
		{`{"a.1.b": 1}`, []string{`{"a": [{}, {"b": 1}]}`}, []string{`{"a": [{"b": 1}, {}]}`}},
		{`{"a": {"$ne": 1}}`, []string{`{}`, `{"a": 2}`, `{"a": [2]}`}, []string{`{"a": 1}`, `{"a": [1, 2]}`}},
		{`{"a": {"$ne": null}}`, []string{`{"a": 1}`}, []string{`{}`, `{"a": null}`}},
		{`{"a": {"$gt": 1}}`, []string{`{"a": 1.5}`, `{"a": [0, 2]}`}, []string{`{"a": 1}`, `{"a": "2"}`, `{}`, `{"a": {"$numberDouble": "NaN"}}`}},
		{`{"a": {"$lt": 1}}`, []string{`{"a": 0}`}, []string{`{"a": null}`, `{"a": {"$numberDouble": "NaN"}}`, `{}`}},
		{`{"a": {"$gte": 1, "$lte": 3}}`, []string{`{"a": 1}`, `{"a": 3}`, `{"a": [0, 4]}`}, []string{`{"a": 0}`, `{"a": 4}`}},
		{`{"a": {"$gte": null}}`, []string{`{}`, `{"a": null}`}, []string{`{"a": 1}`}},
		{`{"a": {"$gt": "b"}}`, []string{`{"a": "c"}`, `{"a": "ba"}`}, []string{`{"a": "a"}`, `{"a": 9}`}},
		{`{"a": {"$gt": {"$minKey": 1}}}`, []string{`{"a": 1}`, `{"a": "x"}`}, []string{`{"a": {"$minKey": 1}}`}},
		{`{"a": {"$in": [1, "x", null]}}`, []string{`{"a": 1}`, `{"a": "x"}`, `{}`, `{"a": [5, 1]}`}, []string{`{"a": 2}`}},
		{`{"a": {"$in": []}}`, nil, []string{`{}`, `{"a": 1}`}},
		{`{"a": {"$in": [{"$regularExpression": {"pattern": "^x", "options": ""}}]}}`, []string{`{"a": "xy"}`}, []string{`{"a": "yx"}`}},
		{`{"a": {"$nin": [1, 2]}}`, []string{`{}`, `{"a": 3}`}, []string{`{"a": 1}`, `{"a": [3, 2]}`}},
		{`{"$and": [{"a": 1}, {"b": 2}]}`, []string{`{"a": 1, "b": 2}`}, []string{`{"a": 1}`, `{"b": 2}`}},
		{`{"$or": [{"a": 1}, {"b": 2}]}`, []string{`{"a": 1}`, `{"b": 2}`}, []string{`{}`}},
		{`{"$nor": [{"a": 1}, {"b": 2}]}`, []string{`{}`}, []string{`{"a": 1}`, `{"b": 2}`}},
		{`{"a": {"$not": {"$gt": 1}}}`, []string{`{}`, `{"a": 1}`, `{"a": "x"}`}, []string{`{"a": 2}`, `{"a": [0, 2]}`}},
		{`{"a": {"$not": {"$gt": 1, "$lt": 5}}}`, []string{`{"a": 1}`, `{"a": 7}`}, []string{`{"a": 2}`, `{"a": [0, 9]}`}},
		{`{"a": {"$not": {"$regularExpression": {"pattern": "x", "options": ""}}}}`, []string{`{"a": "y"}`, `{}`}, []string{`{"a": "x"}`}},
		{`{"a": {"$exists": true}}`, []string{`{"a": null}`, `{"a": []}`}, []string{`{}`}},
		{`{"a": {"$exists": 0}}`, []string{`{}`, `{"b": 1}`}, []string{`{"a": null}`, `{"a": []}`}},
		{`{"a.b": {"$exists": false}}`, []string{`{}`, `{"a": [{"c": 1}]}`, `{"a": []}`}, []string{`{"a": [{"c": 1}, {"b": 1}]}`}},
		{`{"a": {"$type": "number"}}`, []string{`{"a": 1}`, `{"a": 1.5}`, `{"a": ["x", 1]}`}, []string{`{"a": "x"}`, `{}`}},
		{`{"a": {"$type": ["string", 8]}}`, []string{`{"a": "x"}`, `{"a": true}`}, []string{`{"a": 1}`}},
		{`{"a": {"$type": "array"}}`, []string{`{"a": []}`, `{"a": [1]}`}, []string{`{"a": 1}`}},
		{`{"a": {"$type": -1}}`, []string{`{"a": {"$minKey": 1}}`}, []string{`{"a": {"$maxKey": 1}}`}},
		{`{"a": {"$mod": [4, 0]}}`, []string{`{"a": 8}`, `{"a": 8.9}`, `{"a": [1, 4]}`}, []string{`{"a": 9}`, `{"a": "8"}`, `{"a": {"$numberDouble": "Infinity"}}`}},
		{`{"a": {"$regularExpression": {"pattern": "^B", "options": "i"}}}`, []string{`{"a": "bc"}`, `{"a": ["x", "Bc"]}`}, []string{`{"a": "cb"}`, `{"a": 1}`}},
		{`{"a": {"$size": 2}}`, []string{`{"a": [1, [2]]}`}, []string{`{"a": [1]}`, `{"a": 2}`, `{}`}},
		{`{"a": {"$all": [1, 2]}}`, []string{`{"a": [2, 3, 1]}`}, []string{`{"a": [1]}`, `{"a": 1}`}},
		{`{"a": {"$all": [1]}}`, []string{`{"a": 1}`, `{"a": [1]}`}, []string{`{"a": 2}`}},
		{`{"a": {"$all": [[1, 2]]}}`, []string{`{"a": [1, 2]}`, `{"a": [[1, 2]]}`}, []string{`{"a": [2, 1]}`}},
		{`{"a": {"$all": []}}`, nil, []string{`{}`, `{"a": []}`}},
		{`{"a": {"$all": [{"$elemMatch": {"x": 1, "y": 1}}, {"$elemMatch": {"x": 2}}]}}`, []string{`{"a": [{"x": 2}, {"x": 1, "y": 1}]}`}, []string{`{"a": [{"x": 1, "y": 1}]}`}},
		{`{"a": {"$elemMatch": {"$gte": 80, "$lt": 85}}}`, []string{`{"a": [82, 88]}`}, []string{`{"a": [75, 88]}`, `{"a": 82}`}},
		{`{"a": {"$elemMatch": {"$ne": 1, "$nin": [2], "$not": {"$gt": 5}}}}`, []string{`{"a": [1, 3]}`}, []string{`{"a": [1, 2, 6]}`}},
		{`{"a": {"$elemMatch": {"x": 1, "y": {"$gt": 1}}}}`, []string{`{"a": [{"x": 1, "y": 2}]}`}, []string{`{"a": [{"x": 1}, {"y": 2}]}`, `{"a": {"x": 1, "y": 2}}`}},
		{`{"a": {"$elemMatch": {"$or": [{"x": 1}, {"y": 1}]}}}`, []string{`{"a": [{"y": 1}]}`}, []string{`{"a": [{"z": 1}]}`}},
		{`{"a.b": {"$elemMatch": {"$gt": 1}}}`, []string{`{"a": [{"b": [2]}]}`}, []string{`{"a": [{"b": 2}]}`}},
		{`{"$expr": {"$gt": ["$a", "$b"]}}`, []string{`{"a": 2, "b": 1}`}, []string{`{"a": 1, "b": 1}`}},
		{`{"a": 1, "$comment": "why"}`, []string{`{"a": 1}`}, []string{`{"a": 2}`}},
		{`{"a": {"$eq": 1, "$comment": "why"}}`, []string{`{"a": 1}`}, []string{`{"a": 2}`}},
		{`{"a": {"$eq": {"$regularExpression": {"pattern": "x", "options": ""}}}}`, []string{`{"a": {"$regularExpression": {"pattern": "x", "options": ""}}}`}, []string{`{"a": "x"}`}},
	} {
		m, err := newMatcher(fromJSON(t, c.filter))
		if err != nil {
			t.Errorf("%s: %v", c.filter, err)
			continue
		}
		for _, d := range c.yes {
			if !m.match(fromJSON(t, d)) {
				t.Errorf("%s does not match %s", c.filter, d)
			}
		}
		for _, d := range c.not {
			if m.match(fromJSON(t, d)) {
				t.Errorf("%s matches %s", c.filter, d)
			}
		}
	}
}

// Extended JSON makes a regular expression of the operator's document.
func TestMatchRegexOperator(t *testing.T) {
	for _, filter := range []bson.D{
		{{Key: "$regex", Value: "^B"}, {Key: "$options", Value: "i"}},
		{{Key: "$options", Value: "i"}, {Key: "$regex", Value: bson.Regex{Pattern: "^B"}}},
		{{Key: "$regex", Value: bson.Regex{Pattern: "^b"}}},
	} {
		raw, _ := bson.Marshal(bson.D{{Key: "a", Value: filter}})
		m, err := newMatcher(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !m.match(fromJSON(t, `{"a": "bc"}`)) || m.match(fromJSON(t, `{"a": "cb"}`)) {
			t.Errorf("%v", filter)
		}
	}
	raw, _ := bson.Marshal(bson.D{{Key: "a", Value: bson.D{{Key: "$regex", Value: "("}}}})
	_, err := newMatcher(raw)
	wantCmdError(t, err, 51091)
}

func TestMatchErrors(t *testing.T) {
	for filter, code := range map[string]int32{
		`{"a": {"$foo": 1}}`:                 2,
		`{"a": {"$gt": 1, "b": 1}}`:          2,
		`{"$foo": 1}`:                        2,
		`{"$where": "true"}`:                 2,
		`{"$or": {"a": 1}}`:                  9,
		`{"$or": [1]}`:                       9,
		`{"a": {"$in": 1}}`:                  9,
		`{"a": {"$mod": [0, 1]}}`:            2,
		`{"a": {"$mod": [1]}}`:               2,
		`{"a": {"$size": -1}}`:               9,
		`{"a": {"$type": "foo"}}`:            2,
		`{"a": {"$elemMatch": 1}}`:           9,
		`{"$expr": {"$foo": 1}}`:             168,
		`{"$expr": {"$gt": ["$a"]}}`:         16020,
		`{"a": {"$elemMatch": {"$foo": 1}}}`: 2,
	} {
		if _, err := newMatcher(fromJSON(t, filter)); err == nil {
			t.Errorf("%s: no error", filter)
		} else {
			if e, ok := err.(*cmdError); !ok || e.code != code {
				t.Errorf("%s: %v, want code %d", filter, err, code)
			}
		}
	}
	_, err := newMatcher(fromJSON(t, `{"a": {"$foo": 1}}`))
	if e := err.(*cmdError); e.msg != "unknown operator: $foo" {
		t.Error(e.msg)
	}
}

// An $expr that fails does not count as one that is not met.
func TestMatchExprFails(t *testing.T) {
	m, err := newMatcher(fromJSON(t, `{"$expr": {"$gt": [{"$divide": [1, "$a"]}, 0]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if !m.match(fromJSON(t, `{"a": 1}`)) || m.err() != nil {
		t.Fatal(m.err())
	}
	if m.match(fromJSON(t, `{"a": 0}`)) || m.match(fromJSON(t, `{"a": 1}`)) {
		t.Error("matches after a failure")
	}
	wantCmdError(t, m.err(), 2)
}

// Documents are stored without a look at what is in them.
func TestBrokenDocuments(t *testing.T) {
	broken := fromJSON(t, `{"_id": 1, "a": {"b": "x"}}`)
	broken[bytes.Index(broken, []byte("\x02b"))] = 0x50 // which is no type
	m, err := newMatcher(fromJSON(t, `{"_id": 1}`))
	if err != nil || m.match(broken) {
		t.Fatal("matches", err)
	}
	wantCmdError(t, m.err(), 9)
	_, err = newMatcher(broken)
	wantCmdError(t, err, 9)
	sort, err := newSorter(fromJSON(t, `{"_id": 1}`))
	if err != nil {
		t.Fatal(err)
	}
	wantCmdError(t, sort([]bson.Raw{broken}), 9)
	u, err := newUpdate(fromJSON(t, `{"u": {"$set": {"c": 1}}}`).Lookup("u"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = u.apply(broken, nil, false)
	wantCmdError(t, err, 9)
}
