package mongowire

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// eval computes an expression: a path, an operator, an array or a document of
// expressions, or a literal. Without doc, it only finds what is wrong with it.
func eval(x any, doc bson.D) any {
	switch x := x.(type) {
	case string:
		name, rest, _ := strings.Cut(x, ".")
		path := strings.Split(rest, ".")
		switch {
		case !strings.HasPrefix(x, "$"):
			return x
		case x == "$" || rest != "" && slices.Contains(path, ""):
			panic(failure(40353, "Location40353", "FieldPath must not have empty parts: '%s'", x))
		case x == "$$ROOT":
			return doc
		case x == "$$NOW":
			return bson.NewDateTimeFromTime(time.Now())
		case x == "$$REMOVE":
			return absent
		case name != "$$ROOT" && strings.HasPrefix(x, "$$"):
			panic(failure(17276, "Location17276", "Use of undefined variable: %s", name[2:]))
		case name != "$$ROOT":
			path = strings.Split(x[1:], ".")
		}
		return settled(descend(doc, path, false))
	case bson.A:
		return each(x, func(x any) any { return eval(x, doc) })
	case bson.D:
		if isOperators(x) {
			return call(x, doc)
		}
		d := bson.D{}
		for _, e := range x {
			d = with(d, e.Key, eval(e.Value, doc))
		}
		return d
	}
	return x
}

// settled makes an array of what a path led to by way of one.
func settled(v any) any {
	if f, ok := v.(fan); ok {
		return each(slices.DeleteFunc(f, func(v any) bool { return v == absent }), settled)
	}
	return v
}

// each makes an array of what f makes of each element, null of nothing.
func each(a []any, f func(v any) any) bson.A {
	out := make(bson.A, len(a))
	for i, v := range a {
		out[i] = orNull(f(v))
	}
	return out
}

// call evaluates {$operator: arguments}; one argument may be without a list.
func call(x, doc bson.D) any {
	name := x[0].Key
	f, known := functions[name]
	args, isList := x[0].Value.(bson.A)
	d, isDoc := x[0].Value.(bson.D)
	switch {
	case len(x) != 1:
		panic(failure(15983, "Location15983", "An object representing an expression must have exactly one field"))
	case name == "$literal":
		return x[0].Value
	case !known:
		panic(failure(168, "InvalidPipelineOperator", "Unrecognized expression '%s'", name))
	case name == "$cond" && isDoc:
		args = bson.A{get(d, "if"), get(d, "then"), get(d, "else")}
	case !isList:
		args = bson.A{x[0].Value}
	}
	check(len(args) >= f.least && len(args) <= f.most, 16020, "Location16020", "Expression %s takes %d to %d arguments, %d were passed in", name, f.least, f.most, len(args))
	isTrue := func(x any) bool { return truth(eval(x, doc)) }
	switch {
	case doc == nil:
		each(args, func(x any) any { return eval(x, nil) })
		return absent
	case name == "$cond" && isTrue(args[0]):
		return eval(args[1], doc)
	case name == "$cond":
		return eval(args[2], doc)
	case name == "$or":
		return slices.ContainsFunc(args, isTrue)
	case name == "$and":
		return !slices.ContainsFunc(args, func(x any) bool { return !isTrue(x) })
	}
	vs := make([]any, len(args))
	for i, x := range args {
		vs[i] = eval(x, doc)
	}
	return f.call(vs)
}

type function struct {
	least, most int // arguments
	call        func(vs []any) any
}

// functions are the operators of expressions, but for those that call knows.
var functions = map[string]function{
	"$literal": {}, "$cond": {3, 3, nil}, "$and": {0, 99, nil}, "$or": {0, 99, nil},
	"$add": fold("$add", 1, 99), "$multiply": fold("$multiply", 1, 99), "$subtract": fold("$subtract", 2, 2), "$divide": fold("$divide", 2, 2), "$mod": fold("$mod", 2, 2),
	"$eq": relation("$eq"), "$ne": relation("$ne"), "$gt": relation("$gt"), "$gte": relation("$gte"), "$lt": relation("$lt"), "$lte": relation("$lte"),
	"$not":  {1, 1, func(vs []any) any { return !truth(vs[0]) }},
	"$type": {1, 1, func(vs []any) any { return kindOf(vs[0]).alias }},
	"$size": {1, 1, func(vs []any) any { return int32(len(vs[0].(bson.A))) }},
	"$in":   {2, 2, func(vs []any) any { return contains(vs[1].(bson.A), vs[0]) }},
	"$ifNull": {2, 99, func(vs []any) any {
		i := slices.IndexFunc(vs, func(v any) bool { return orNull(v) != nil })
		return vs[min(uint(i), uint(len(vs)-1))]
	}},
	"$concat": {1, 99, func(vs []any) any {
		all := ""
		for _, v := range vs {
			if orNull(v) == nil {
				return nil
			}
			all += v.(string)
		}
		return all
	}},
	"$toString": {1, 1, func(vs []any) any {
		switch v := orNull(vs[0]).(type) {
		case nil, string:
			return v
		case bool, int32, int64, float64:
			return fmt.Sprint(v)
		}
		return vs[0].(bson.ObjectID).Hex()
	}},
	"$arrayElemAt": {2, 2, func(vs []any) any {
		a, i := vs[0].(bson.A), integer(vs[1], -1<<40)
		if i < 0 {
			i += len(a)
		}
		if i < 0 || i >= len(a) {
			return absent
		}
		return a[i]
	}},
	"$mergeObjects": {0, 99, func(vs []any) any {
		merged := bson.D{}
		for _, v := range present(vs) {
			for _, e := range v.(bson.D) {
				merged = with(merged, e.Key, e.Value)
			}
		}
		return merged
	}},
}

func relation(name string) function {
	return function{2, 2, func(vs []any) any { return slices.Contains(relations[name], order(vs[0], vs[1])) }}
}

func fold(name string, least, most int) function {
	return function{least, most, func(vs []any) any {
		result := vs[0]
		for _, v := range vs[1:] {
			result = calculate(name, result, v)
		}
		return result
	}}
}

// calculate keeps to the narrower type of integers while the result fits; past
// int64 it is a double.
func calculate(name string, a, b any) any {
	i, f, ok := numeric(a)
	j, g, okToo := numeric(b)
	x, y := kindOf(a).alias, kindOf(b).alias
	switch {
	case orNull(a) == nil || orNull(b) == nil:
		return nil
	case !ok || !okToo:
		panic(failure(14, "TypeMismatch", "%s only supports numeric types, not %s and %s", name, x, y))
	case g == 0 && (name == "$divide" || name == "$mod"):
		panic(badValue("can't %s by zero", name))
	}
	var n int64
	switch name {
	case "$add":
		n, f = i+j, f+g
	case "$subtract":
		n, f = i-j, f-g
	case "$multiply":
		n, f = i*j, f*g
	case "$divide":
		return f / g
	case "$mod":
		if f = math.Mod(f, g); j != 0 {
			n = i % j
		}
	}
	switch {
	case x == "double" || y == "double" || math.Abs(f) >= 1<<63:
		return f
	case x == "int" && y == "int" && n == int64(int32(n)):
		return int32(n)
	}
	return n
}

func contains(vs []any, v any) bool {
	return slices.ContainsFunc(vs, func(w any) bool { return order(v, w) == 0 })
}

// present leaves away what is null or missing.
func present(vs []any) bson.A {
	return slices.DeleteFunc(vs, func(v any) bool { return orNull(v) == nil })
}

// union appends to a copy of a what is not in it yet.
func union(a bson.A, vs []any) bson.A {
	for _, v := range vs {
		if !contains(a, v) {
			a = append(slices.Clip(a), v)
		}
	}
	return a
}
