package mongowire

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// matcher is a filter and the first failure to evaluate it.
type matcher struct {
	filter  bson.D
	failure *error
}

func newMatcher(filter bson.Raw) (m matcher, err error) {
	defer catch(&err)
	m = matcher{decodeDoc(filter), new(error)}
	matches(absent, m.filter)
	return m, nil
}

// match tells whether doc meets the filter.
func (m matcher) match(doc bson.Raw) (met bool) {
	defer catch(m.failure)
	return *m.failure == nil && matches(decodeDoc(doc), m.filter)
}

// err is the first failure of an $expr or to read a document, after which nothing
// matches. Like a bufio.Scanner's, it is to be looked at after the last document.
func (m matcher) err() error { return *m.failure }

// fan is what a path leads to by way of an array: something for each element.
type fan []any

// descend returns what path leads to in v. In a query, a number is an index too.
func descend(v any, path []string, query bool) any {
	if len(path) == 0 {
		return v
	}
	switch v := v.(type) {
	case bson.D:
		return descend(get(v, path[0]), path[1:], query)
	case bson.A:
		f := fan{}
		if i, err := strconv.Atoi(path[0]); query && err == nil && i >= 0 && i < len(v) {
			f = append(f, descend(v[i], path[1:], query))
		}
		for _, e := range v {
			if d, ok := e.(bson.D); ok {
				f = append(f, descend(d, path, query))
			}
		}
		return f
	}
	return absent
}

func get(d bson.D, name string) any {
	if i := slices.IndexFunc(d, func(e bson.E) bool { return e.Key == name }); i >= 0 {
		return d[i].Value
	}
	return absent
}

// leaves are what queries test of what a path led to: an array's elements too.
func leaves(v any) (all []any) {
	switch v := v.(type) {
	case fan:
		for _, e := range v {
			all = append(all, leaves(e)...)
		}
		return all
	case bson.A:
		return append(slices.Clone(v), v)
	}
	return []any{v}
}

// matches evaluates all of a filter, even if it is not met for long, so that what
// is wrong with it is found with any document, and with none.
func matches(doc, filter any) bool {
	met := true
	for _, e := range filter.(bson.D) {
		switch n, all := 0, 0; e.Key {
		case "$and", "$or", "$nor":
			n, all = tally(doc, e.Value, matches)
			met = met && (e.Key == "$and" && n == all || e.Key == "$or" && n > 0 || e.Key == "$nor" && n == 0)
		case "$expr":
			d, _ := doc.(bson.D)
			met = truth(eval(e.Value, d)) && met
		case "$comment":
		default:
			check(!strings.HasPrefix(e.Key, "$"), 2, "BadValue", "unknown top level operator: %s", e.Key)
			met = meets(descend(doc, strings.Split(e.Key, "."), true), e.Value) && met
		}
	}
	return met
}

// tally counts the arguments in a list that are met.
func tally(v, list any, meets func(v, arg any) bool) (met, all int) {
	for _, arg := range list.(bson.A) {
		if all++; meets(v, arg) {
			met++
		}
	}
	return met, all
}

// isOperators tells operators from values, which references are.
func isOperators(arg any) bool {
	d, _ := arg.(bson.D)
	return len(d) > 0 && strings.HasPrefix(d[0].Key, "$") && d[0].Key != "$ref" && d[0].Key != "$id"
}

// meets evaluates operators, or a value to be equal to, or a pattern, for what a
// path led to.
func meets(v, arg any) bool {
	spec := bson.D{{Key: "$eq", Value: arg}}
	if _, ok := arg.(bson.Regex); ok {
		spec[0].Key = "$regex"
	} else if isOperators(arg) {
		spec = arg.(bson.D)
	}
	met := true
	for _, e := range spec {
		name, wanted := e.Key, true
		switch e.Key {
		case "$not":
			met = !meets(v, e.Value) && met
			continue
		case "$all":
			n, all := tally(v, e.Value, meets)
			met = n == all && n > 0 && met
			continue
		case "$ne":
			name, wanted = "$eq", false
		case "$nin":
			name, wanted = "$in", false
		case "$exists":
			wanted = truth(e.Value)
		case "$regex":
			e.Value = pattern(e.Value, get(spec, "$options"))
		}
		test := operators[name]
		check(test != nil, 2, "BadValue", "unknown operator: %s", name)
		found := false
		for _, leaf := range leaves(v) {
			found = test(leaf, e.Value) || found
		}
		met = found == wanted && met
	}
	return met
}

// element is meets for $elemMatch and $pull, which may have a filter of documents.
func element(v, arg any) bool {
	d, isDoc := arg.(bson.D)
	if !isDoc || isOperators(arg) && !slices.Contains([]string{"$and", "$or", "$nor", "$expr"}, d[0].Key) {
		return meets(v, arg)
	}
	_, isDoc = v.(bson.D)
	return matches(v, arg) && isDoc
}

// relations are the results of order that comparisons accept.
var relations = map[string][]int{"$eq": {0}, "$ne": {-1, 1}, "$gt": {1}, "$gte": {0, 1}, "$lt": {-1}, "$lte": {-1, 0}}

// compares compares within a type. What is missing is null, NaN equals only NaN.
func compares(relation string) func(v, arg any) bool {
	return func(v, arg any) bool {
		v = orNull(v)
		_, f, _ := numeric(v)
		_, g, _ := numeric(arg)
		rank := kindOf(arg).rank
		if rank != kindOf(v).rank && rank != -1 && rank != 127 { // all can be compared with the least and the greatest
			return false
		}
		return (f == f) == (g == g) && slices.Contains(relations[relation], order(v, arg))
	}
}

// operators test one of the leaves of what a path led to.
var operators map[string]func(v, arg any) bool

func init() { // here, because some of them look into the table
	operators = map[string]func(v, arg any) bool{
		"$eq": compares("$eq"), "$gt": compares("$gt"), "$gte": compares("$gte"), "$lt": compares("$lt"), "$lte": compares("$lte"),
		"$in":      func(v, arg any) bool { n, _ := tally(v, arg, meets); return n > 0 },
		"$exists":  func(v, _ any) bool { return v != absent },
		"$size":    func(v, arg any) bool { n := integer(arg, 0); a, ok := v.(bson.A); return ok && len(a) == n },
		"$options": func(any, any) bool { return true },
		"$comment": func(any, any) bool { return true },
		"$regex":   func(v, arg any) bool { s, ok := v.(string); return ok && arg.(*regexp.Regexp).MatchString(s) },
		"$elemMatch": func(v, arg any) bool {
			element(absent, arg.(bson.D)) // finds what is wrong with it
			a, _ := v.(bson.A)
			return slices.ContainsFunc(a, func(v any) bool { return element(v, arg) })
		},
		"$mod": func(v, arg any) bool {
			a := arg.(bson.A)
			check(len(a) == 2 && integer(a[0], -1<<40) != 0, 2, "BadValue", "$mod takes a divisor, which cannot be 0, and a remainder")
			i, f, ok := numeric(v)
			return ok && math.Trunc(f) == float64(i) && i%int64(integer(a[0], -1<<40)) == int64(integer(a[1], -1<<40))
		},
		"$type": func(v, arg any) bool {
			if list, ok := arg.(bson.A); ok {
				n, _ := tally(v, list, operators["$type"])
				return n > 0
			}
			i, _, ok := numeric(arg)
			is := func(k kind) bool { return k.alias == arg || ok && k.code == int(i) || k.rank == 10 && arg == "number" }
			check(slices.ContainsFunc(slices.Collect(maps.Values(kinds)), is), 2, "BadValue", "Unknown type name alias or code: %v", arg)
			return is(kindOf(v))
		},
	}
}

// pattern compiles $regex. Go's regular expressions have no lookaround and no
// references back, and no option x: those fail.
func pattern(arg, options any) *regexp.Regexp {
	re, ok := arg.(bson.Regex)
	if !ok {
		re.Pattern = arg.(string)
	}
	if options != absent {
		re.Options = options.(string)
	}
	compiled, err := regexp.Compile("(?" + re.Options + ")" + re.Pattern)
	check(err == nil, 51091, "Location51091", "Regular expression is invalid: %v", err)
	return compiled
}
