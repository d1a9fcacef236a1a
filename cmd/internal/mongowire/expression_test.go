package mongowire

import "testing"

func evaluate(t *testing.T, expr string) (v any, err error) {
	t.Helper()
	defer catch(&err)
	d := fromJSON(t, `{"i": 7, "neg": -3, "long": {"$numberLong": "5"}, "f": 2.5, "s": "Hello", "u": "é1", "z": null, "b": true, "dec": {"$numberDecimal": "1.5"},
		"o": {"p": 1, "q": {"r": 2}}, "a": [1, 2, 3], "docs": [{"x": 1}, {"x": 2}, {"y": 3}], "d": {"$date": "2024-01-02T03:04:05.678Z"}}`)
	e := decode(fromJSON(t, `{"e": `+expr+`}`).Lookup("e"))
	eval(e, nil)
	return eval(e, decodeDoc(d)), nil
}

func TestExpressions(t *testing.T) {
	for expr, want := range map[string]string{
		`"$i"`: `7`, `"$o.q.r"`: `2`, `"$docs.x"`: `[1, 2]`, `"$$ROOT.i"`: `7`, `"lit"`: `"lit"`, `5`: `5`,
		`{"$literal": "$i"}`: `"$i"`, `{"k": "$i", "m": "$nope", "n": {"o": "$f"}}`: `{"k": 7, "n": {"o": 2.5}}`, `["$i", "$nope"]`: `[7, null]`,

		`{"$add": ["$i", 1]}`: `8`, `{"$add": [2147483647, 1]}`: `{"$numberLong": "2147483648"}`, `{"$add": ["$i", "$f"]}`: `9.5`,
		`{"$add": [{"$numberLong": "9223372036854775807"}, 1]}`: `{"$numberDouble": "9223372036854775808"}`,
		`{"$add": ["$i", "$long"]}`:                             `{"$numberLong": "12"}`,
		`{"$add": ["$i", "$z"]}`:                                `null`, `{"$add": ["$i", "$nope"]}`: `null`,

		`{"$subtract": [5, 7]}`: `-2`, `{"$subtract": [-2147483648, 1]}`: `{"$numberLong": "-2147483649"}`, `{"$multiply": ["$i", 2, 3]}`: `42`,
		`{"$multiply": [65536, 65536]}`: `{"$numberLong": "4294967296"}`, `{"$divide": [10, 4]}`: `2.5`, `{"$divide": [10, 5]}`: `{"$numberDouble": "2.0"}`,
		`{"$mod": [7, 3]}`: `1`, `{"$mod": [-7, 3]}`: `-1`, `{"$mod": [7.5, 2]}`: `1.5`,

		`{"$eq": ["$i", 7.0]}`: `true`, `{"$ne": ["$i", "7"]}`: `true`, `{"$gt": ["x", 9]}`: `true`, `{"$gte": [1, 1]}`: `true`, `{"$lt": [2, 1]}`: `false`, `{"$lte": ["$nope", null]}`: `true`,
		`{"$eq": ["$nope", null]}`: `false`,
		`{"$and": ["$i", "$b"]}`:   `true`, `{"$and": []}`: `true`, `{"$or": [0, "$z"]}`: `false`, `{"$or": [0, "x"]}`: `true`, `{"$not": ["$z"]}`: `true`,
		`{"$and": [false, {"$divide": [1, 0]}]}`: `false`,
		`{"$cond": ["$b", "y", "n"]}`:            `"y"`, `{"$cond": {"if": "$z", "then": 1, "else": 2}}`: `2`, `{"$cond": [true, 1, {"$divide": [1, 0]}]}`: `1`,
		`{"$ifNull": ["$z", "$nope", 3]}`: `3`, `{"$ifNull": ["$i", 3]}`: `7`,

		`{"$concat": ["$s", " ", "x"]}`: `"Hello x"`, `{"$concat": ["$s", "$z"]}`: `null`,

		`{"$toString": "$i"}`: `"7"`, `{"$toString": "$f"}`: `"2.5"`, `{"$toString": true}`: `"true"`, `{"$toString": "$z"}`: `null`,
		`{"$toString": {"$oid": "0102030405060708090a0b0c"}}`: `"0102030405060708090a0b0c"`,

		`{"$type": "$i"}`: `"int"`, `{"$type": "$nope"}`: `"missing"`, `{"$type": "$a"}`: `"array"`, `{"$type": "$o"}`: `"object"`,
		`{"$size": "$a"}`: `3`, `{"$in": [2, "$a"]}`: `true`, `{"$in": [9, "$a"]}`: `false`, `{"$arrayElemAt": ["$a", 0]}`: `1`, `{"$arrayElemAt": ["$a", -1]}`: `3`,

		`{"$mergeObjects": ["$o", {"p": 9, "t": 1}, null]}`: `{"p": 9, "q": {"r": 2}, "t": 1}`,
	} {
		got, err := evaluate(t, expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if v := fromJSON(t, `{"v": `+want+`}`).Lookup("v"); got == absent || !valueOf(got).Equal(v) {
			t.Errorf("%s: %v %T, want %v", expr, got, got, v)
		}
	}
	for _, expr := range []string{`"$nope"`, `"$$REMOVE"`, `"$s.x"`, `{"$arrayElemAt": ["$a", 3]}`} {
		if got, err := evaluate(t, expr); err != nil || got != absent {
			t.Errorf("%s: %v, %v, want nothing", expr, got, err)
		}
	}
	if now, err := evaluate(t, `"$$NOW"`); err != nil || kindOf(now).alias != "date" {
		t.Error(now, err)
	}
}

func TestExpressionErrors(t *testing.T) {
	for expr, code := range map[string]int32{
		`{"$foo": 1}`:                 168,
		`{"$add": 1, "$subtract": 1}`: 15983,
		`{"$subtract": [1]}`:          16020,
		`{"$add": [1, "x"]}`:          14,
		`{"$divide": [1, 0]}`:         2,
		`{"$mod": [1, 0]}`:            2,
		`{"$concat": [1]}`:            9,
		`{"$toString": "$a"}`:         9,
		`{"$size": 1}`:                9,
		`{"$mergeObjects": [1]}`:      9,
		`"$$nope"`:                    17276,
		`"$"`:                         40353,
		`"$a..b"`:                     40353,
	} {
		_, err := evaluate(t, expr)
		if e, ok := err.(*cmdError); !ok || e.code != code {
			t.Errorf("%s: %v, want code %d", expr, err, code)
		}
	}
}
