package mongowire

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// foreign returns another collection's documents, for $lookup.
type foreign = func(collection string) []bson.Raw

// newPipeline compiles stages.
func newPipeline(stages []bson.Raw, from foreign) (run func(docs []bson.Raw) ([]bson.Raw, error), err error) {
	defer catch(&err)
	var list bson.A
	for _, s := range stages {
		list = append(list, decodeDoc(s))
	}
	pipe(nil, list, from) // finds what is wrong with it
	return func(docs []bson.Raw) (out []bson.Raw, err error) {
		defer catch(&err)
		if len(list) == 0 {
			return docs, nil
		}
		decoded := make([]bson.D, len(docs))
		for i, doc := range docs {
			decoded[i] = decodeDoc(doc)
		}
		for _, d := range pipe(decoded, list, from) {
			out = append(out, valueOf(d).Value)
		}
		return out, nil
	}, nil
}

// pipe sends documents through a pipeline's stages.
func pipe(docs []bson.D, list bson.A, from foreign) []bson.D {
	for _, s := range list {
		spec := s.(bson.D)
		check(len(spec) == 1, 40323, "Location40323", "A pipeline stage specification object must contain exactly one field.")
		run := stages[spec[0].Key]
		check(run != nil, 40324, "Location40324", "Unrecognized pipeline stage name: '%s'", spec[0].Key)
		docs = run(docs, spec[0].Value, from)
	}
	return docs
}

// stages turn documents into others; without documents, they check the argument.
var stages = map[string]func(docs []bson.D, arg any, from foreign) []bson.D{
	"$group": group, "$unwind": unwind, "$lookup": join, "$addFields": addFields, "$set": addFields,
	"$project": func(docs []bson.D, arg any, _ foreign) []bson.D { return mapping(docs, projecting(arg.(bson.D))) },
	"$unset": func(docs []bson.D, arg any, _ foreign) []bson.D {
		names, ok := arg.(bson.A)
		if !ok {
			names = bson.A{arg}
		}
		spec := bson.D{}
		for _, name := range names {
			spec = append(spec, bson.E{Key: name.(string), Value: "$$REMOVE"})
		}
		return addFields(docs, spec, nil)
	},
	"$replaceRoot": func(docs []bson.D, arg any, _ foreign) []bson.D {
		return replace(docs, get(arg.(bson.D), "newRoot"), nil)
	},
	"$replaceWith": replace,
	"$match": func(docs []bson.D, arg any, _ foreign) []bson.D {
		matches(absent, arg)
		return slices.DeleteFunc(docs, func(doc bson.D) bool { return !matches(doc, arg) })
	},
	"$sort": func(docs []bson.D, arg any, _ foreign) []bson.D {
		slices.SortStableFunc(docs, sorting(arg.(bson.D)))
		return docs
	},
	"$skip":  func(docs []bson.D, arg any, _ foreign) []bson.D { return docs[min(integer(arg, 0), len(docs)):] },
	"$limit": func(docs []bson.D, arg any, _ foreign) []bson.D { return docs[:min(integer(arg, 1), len(docs))] },
	"$count": func(docs []bson.D, arg any, _ foreign) []bson.D {
		name := arg.(string)
		if len(docs) == 0 {
			return nil
		}
		return []bson.D{{{Key: name, Value: int32(len(docs))}}}
	},
}

func mapping(docs []bson.D, f func(doc bson.D) bson.D) []bson.D {
	for i, doc := range docs {
		docs[i] = f(doc)
	}
	return docs
}

func addFields(docs []bson.D, arg any, _ foreign) []bson.D {
	fields := flat("", arg.(bson.D))
	extend(nil, nil, fields)
	return mapping(docs, func(doc bson.D) bson.D { return extend(doc, doc, fields) })
}

func replace(docs []bson.D, arg any, _ foreign) []bson.D {
	eval(arg, nil)
	return mapping(docs, func(doc bson.D) bson.D {
		d, ok := eval(arg, doc).(bson.D)
		check(ok, 40228, "Location40228", "'newRoot' expression must evaluate to an object")
		return d
	})
}

func group(docs []bson.D, arg any, _ foreign) (out []bson.D) {
	id, columns := get(arg.(bson.D), "_id"), with(arg.(bson.D), "_id", absent)
	check(id != absent, 15955, "Location15955", "a group specification must include an _id")
	for _, e := range append(columns, bson.E{Value: bson.D{{Key: "$first", Value: id}}}) {
		operator, _ := e.Value.(bson.D)
		check(len(operator) == 1 && accumulators[operator[0].Key] != nil, 15952, "Location15952", "unknown group operator in %v", e)
		eval(operator[0].Value, nil)
	}
	groups, byKey := [][]bson.D{}, map[string]int{}
	for _, doc := range docs {
		key := string(appendKey(nil, valueOf(orNull(eval(id, doc)))))
		i, found := byKey[key]
		if !found {
			i, groups = len(groups), append(groups, nil)
			byKey[key] = i
		}
		groups[i] = append(groups[i], doc)
	}
	for _, docs := range groups {
		row := bson.D{{Key: "_id", Value: orNull(eval(id, docs[0]))}}
		for _, e := range columns {
			operator, vs := e.Value.(bson.D)[0], make([]any, len(docs))
			for i, doc := range docs {
				vs[i] = eval(operator.Value, doc)
			}
			row = append(row, bson.E{Key: e.Key, Value: orNull(accumulators[operator.Key](vs))})
		}
		out = append(out, row)
	}
	return out
}

// accumulators are what $group makes of an expression's values.
var accumulators = map[string]func(vs []any) any{
	"$count": func(vs []any) any { return int32(len(vs)) },
	"$first": func(vs []any) any { return vs[0] },
	"$last":  func(vs []any) any { return vs[len(vs)-1] },
	"$push":  func(vs []any) any { return slices.DeleteFunc(bson.A(vs), func(v any) bool { return v == absent }) },
	"$addToSet": func(vs []any) any {
		return union(bson.A{}, slices.DeleteFunc(vs, func(v any) bool { return v == absent }))
	},
	"$min": func(vs []any) any { return extreme(vs, 1) },
	"$max": func(vs []any) any { return extreme(vs, -1) },
	"$sum": func(vs []any) any { total, _ := sum(vs); return total },
	"$avg": func(vs []any) any {
		total, n := sum(vs)
		if n == 0 {
			return nil
		}
		return calculate("$divide", total, n)
	},
}

// sum adds numbers up, and counts them.
func sum(vs []any) (total any, n int32) {
	total = int32(0)
	for _, v := range vs {
		if _, _, ok := numeric(v); ok {
			total, n = calculate("$add", total, v), n+1
		}
	}
	return total, n
}

// unwind makes a document of each element of an array.
func unwind(docs []bson.D, arg any, _ foreign) (out []bson.D) {
	options, isDoc := arg.(bson.D)
	if isDoc {
		arg = get(options, "path")
	}
	path, ok := strings.CutPrefix(arg.(string), "$")
	check(ok && get(options, "includeArrayIndex") == absent, 28818, "Location28818", "$unwind takes a path with a '$', and no includeArrayIndex")
	for _, doc := range docs {
		v := settled(descend(doc, strings.Split(path, "."), false))
		a, isArray := v.(bson.A)
		keep := truth(get(options, "preserveNullAndEmptyArrays"))
		if !isArray && (keep || orNull(v) != nil) {
			out = append(out, doc)
		} else if keep && len(a) == 0 {
			out = append(out, assign(doc, path, absent))
		}
		for _, v := range a {
			out = append(out, assign(doc, path, v))
		}
	}
	return out
}

// join is $lookup by equality.
func join(docs []bson.D, arg any, from foreign) []bson.D {
	var fields [4]string
	for i, name := range []string{"from", "localField", "foreignField", "as"} {
		fields[i] = get(arg.(bson.D), name).(string)
	}
	if docs == nil {
		return nil
	}
	var others []bson.D
	for _, doc := range from(fields[0]) {
		others = append(others, decodeDoc(doc))
	}
	return mapping(docs, func(doc bson.D) bson.D {
		local := settled(descend(doc, strings.Split(fields[1], "."), false))
		if _, isArray := local.(bson.A); !isArray {
			local = bson.A{orNull(local)}
		}
		found := bson.A{}
		for _, other := range others {
			if matches(other, bson.D{{Key: fields[2], Value: bson.D{{Key: "$in", Value: local}}}}) {
				found = append(found, other)
			}
		}
		return assign(doc, fields[3], found)
	})
}
