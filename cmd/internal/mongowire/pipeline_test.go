package mongowire

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestProjection(t *testing.T) {
	const d = `{"_id": 1, "a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}, 6, [{"f": 7}]], "h": [1, 2, 3, 4]}`
	for _, c := range []struct{ spec, want string }{
		{`{}`, d},
		{`{"a": 1}`, `{"_id": 1, "a": 1}`},
		{`{"a": true, "_id": 0}`, `{"a": 1}`},
		{`{"_id": 1}`, `{"_id": 1}`},
		{`{"_id": 0}`, `{"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}, 6, [{"f": 7}]], "h": [1, 2, 3, 4]}`},
		{`{"b.c": 1}`, `{"_id": 1, "b": {"c": 2}}`},
		{`{"b": {"c": 1}}`, `{"_id": 1, "b": {"c": 2}}`},
		{`{"e.f": 1}`, `{"_id": 1, "e": [{"f": 4}, [{"f": 7}]]}`},
		{`{"a.x": 1, "z": 1}`, `{"_id": 1}`},
		{`{"e": 0, "h": 0, "b.d": 0}`, `{"_id": 1, "a": 1, "b": {"c": 2}}`},
		{`{"e.f": 0, "h": 0, "b": 0}`, `{"_id": 1, "a": 1, "e": [{"g": 5}, 6, [{}]]}`},
		{`{"x": {"$add": ["$a", "$b.c"]}, "y": "$b", "z": "lit"}`, `{"_id": 1, "x": 3, "y": {"c": 2, "d": 3}, "z": "lit"}`},
		{`{"n.x": "$a", "a": 1}`, `{"_id": 1, "a": 1, "n": {"x": 1}}`},
	} {
		project, err := newProjection(fromJSON(t, c.spec))
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
			continue
		}
		got, err := project(fromJSON(t, d))
		if err != nil {
			t.Errorf("%s: %v", c.spec, err)
		} else if got.String() != fromJSON(t, c.want).String() {
			t.Errorf("%s: %v, want %s", c.spec, got, c.want)
		}
	}
	for spec, code := range map[string]int32{
		`{"a": 1, "b": 0}`:   31254,
		`{"a.$": 1}`:         16410,
		`{"a": {"$foo": 1}}`: 168,
	} {
		project, err := newProjection(fromJSON(t, spec))
		if err == nil {
			_, err = project(fromJSON(t, d))
		}
		if e, ok := err.(*cmdError); !ok || e.code != code {
			t.Errorf("%s: %v, want code %d", spec, err, code)
		}
	}
}

func TestPipeline(t *testing.T) {
	all := []string{
		`{"_id": 1, "k": "x", "n": 1, "tags": ["u", "v"]}`,
		`{"_id": 2, "k": "y", "n": 2, "tags": []}`,
		`{"_id": 3, "k": "x", "n": 3.5}`,
	}
	foreign := []string{`{"_id": 10, "tag": "u"}`, `{"_id": 11, "tag": "v"}`, `{"_id": 12, "tag": ["u", "w"]}`, `{"_id": 13}`}
	for _, c := range []struct {
		stages string
		want   []string
	}{
		{`[]`, all},
		{`[{"$match": {"k": "x"}}, {"$project": {"n": 1}}]`, []string{`{"_id": 1, "n": 1}`, `{"_id": 3, "n": 3.5}`}},
		{`[{"$sort": {"n": -1}}, {"$skip": 1}, {"$limit": 1}, {"$project": {"_id": 1}}]`, []string{`{"_id": 2}`}},
		{`[{"$limit": 1}, {"$addFields": {"n": {"$add": ["$n", 1]}, "m.p": "$k"}}, {"$unset": ["tags", "k"]}]`, []string{`{"_id": 1, "n": 2, "m": {"p": "x"}}`}},
		{`[{"$limit": 1}, {"$set": {"tags.z": 1}}, {"$unset": "k"}]`, []string{`{"_id": 1, "n": 1, "tags": [{"z": 1}, {"z": 1}]}`}},
		{`[{"$limit": 1}, {"$set": {"n": "$$REMOVE", "k": {}}}, {"$unset": "tags"}]`, []string{`{"_id": 1, "k": {}}`}},
		{`[{"$group": {"_id": "$k", "s": {"$sum": "$n"}, "c": {"$sum": 1}, "a": {"$avg": "$n"}, "lo": {"$min": "$n"}, "hi": {"$max": "$n"}, "count": {"$count": {}}}}]`, []string{
			`{"_id": "x", "s": 4.5, "c": 2, "a": 2.25, "lo": 1, "hi": 3.5, "count": 2}`,
			`{"_id": "y", "s": 2, "c": 1, "a": {"$numberDouble": "2.0"}, "lo": 2, "hi": 2, "count": 1}`,
		}},
		{`[{"$group": {"_id": null, "f": {"$first": "$n"}, "l": {"$last": "$tags"}, "p": {"$push": "$tags"}, "s": {"$addToSet": "$k"}}}]`, []string{
			`{"_id": null, "f": 1, "l": null, "p": [["u", "v"], []], "s": ["x", "y"]}`,
		}},
		{`[{"$group": {"_id": {"k": "$k"}, "a": {"$avg": "$k"}}}]`, []string{`{"_id": {"k": "x"}, "a": null}`, `{"_id": {"k": "y"}, "a": null}`}},
		{`[{"$unwind": "$tags"}, {"$project": {"tags": 1}}]`, []string{`{"_id": 1, "tags": "u"}`, `{"_id": 1, "tags": "v"}`}},
		{`[{"$unwind": {"path": "$tags", "preserveNullAndEmptyArrays": true}}, {"$project": {"tags": 1}}]`, []string{`{"_id": 1, "tags": "u"}`, `{"_id": 1, "tags": "v"}`, `{"_id": 2}`, `{"_id": 3}`}},
		{`[{"$unwind": "$n"}, {"$count": "c"}]`, []string{`{"c": 3}`}},
		{`[{"$match": {"k": "z"}}, {"$count": "c"}]`, nil},
		{`[{"$limit": 2}, {"$lookup": {"from": "f", "localField": "tags", "foreignField": "tag", "as": "j"}}, {"$project": {"j._id": 1}}]`, []string{
			`{"_id": 1, "j": [{"_id": 10}, {"_id": 11}, {"_id": 12}]}`, `{"_id": 2, "j": []}`,
		}},
		{`[{"$skip": 2}, {"$lookup": {"from": "f", "localField": "tags", "foreignField": "tag", "pipeline": [{"$project": {"_id": 1}}], "as": "j"}}, {"$project": {"j": 1}}]`, []string{`{"_id": 3, "j": [{"_id": 13}]}`}},
		{`[{"$limit": 1}, {"$replaceRoot": {"newRoot": {"a": "$n", "b": ["$k", "$zz"]}}}]`, []string{`{"a": 1, "b": ["x", null]}`}},
		{`[{"$limit": 1}, {"$replaceWith": {"$mergeObjects": [{"z": 1}, {"n": "$n"}]}}]`, []string{`{"z": 1, "n": 1}`}},
	} {
		var stages []bson.Raw
		for _, v := range elements(fromJSON(t, `{"p": `+c.stages+`}`).Lookup("p")) {
			stages = append(stages, v.Value)
		}
		run, err := newPipeline(stages, func(string) []bson.Raw { return allFromJSON(t, foreign...) })
		if err != nil {
			t.Errorf("%s: %v", c.stages, err)
			continue
		}
		got, err := run(allFromJSON(t, all...))
		if err != nil {
			t.Errorf("%s: %v", c.stages, err)
			continue
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.stages, got, c.want)
			continue
		}
		for i, want := range c.want {
			if got[i].String() != fromJSON(t, want).String() {
				t.Errorf("%s: %v, want %v", c.stages, got[i], want)
			}
		}
	}
}

func TestPipelineErrors(t *testing.T) {
	for stages, code := range map[string]int32{
		`[{"$foo": 1}]`:                    40324,
		`[{}]`:                             40323,
		`[{"$skip": 1, "$limit": 1}]`:      40323,
		`[{"$limit": 0}]`:                  9,
		`[{"$match": 1}]`:                  9,
		`[{"$match": {"a": {"$foo": 1}}}]`: 2,
		`[{"$match": {"$expr": {"$divide": [1, 0]}}}]`:                       2,
		`[{"$group": {"a": {"$sum": 1}}}]`:                                   15955,
		`[{"$group": {"_id": 1, "a": {"$foo": 1}}}]`:                         15952,
		`[{"$replaceRoot": {"newRoot": "$n"}}]`:                              40228,
		`[{"$unwind": "n"}]`:                                                 28818,
		`[{"$lookup": {"from": "f", "let": {}, "pipeline": [], "as": "j"}}]`: 9,
	} {
		var list []bson.Raw
		for _, v := range elements(fromJSON(t, `{"p": `+stages+`}`).Lookup("p")) {
			list = append(list, v.Value)
		}
		run, err := newPipeline(list, nil)
		if err == nil {
			_, err = run(allFromJSON(t, `{"n": 1}`))
		}
		if e, ok := err.(*cmdError); !ok || e.code != code {
			t.Errorf("%s: %v, want code %d", stages, err, code)
		}
	}
}
