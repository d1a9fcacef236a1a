package mongowire

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func newProjection(spec bson.Raw) (project func(bson.Raw) (bson.Raw, error), err error) {
	defer catch(&err)
	p := projecting(decodeDoc(spec))
	return func(doc bson.Raw) (after bson.Raw, err error) {
		defer catch(&err)
		return valueOf(p(decodeDoc(doc))).Value, nil
	}, nil
}

// projecting compiles what find and $project take.
func projecting(spec bson.D) func(doc bson.D) bson.D {
	paths, fields, excluded := [][]string{{"_id"}}, bson.D{}, false
	for _, e := range flat("", spec) {
		_, isBool := e.Value.(bool)
		_, _, isNumber := numeric(e.Value)
		switch {
		case strings.Contains("."+e.Key, ".$"):
			panic(failure(16410, "Location16410", "FieldPath field names may not start with '$': %s", e.Key))
		case !isBool && !isNumber:
			fields = append(fields, e)
		case truth(e.Value):
			paths = append(paths, strings.Split(e.Key, "."))
		default:
			fields = append(fields, bson.E{Key: e.Key, Value: "$$REMOVE"})
			excluded = excluded || e.Key != "_id"
		}
	}
	picks := len(paths) > 1 || slices.ContainsFunc(fields, func(e bson.E) bool { return e.Value != "$$REMOVE" })
	check(!picks || !excluded, 31254, "Location31254", "Cannot do exclusion in inclusion projection")
	extend(nil, nil, fields)
	return func(doc bson.D) bson.D {
		if picks {
			return extend(pick(doc, paths).(bson.D), doc, fields)
		}
		return extend(doc, doc, fields)
	}
}

// flat gives dotted paths to the fields of documents within documents.
func flat(prefix string, spec bson.D) (fields bson.D) {
	for _, e := range spec {
		if d, ok := e.Value.(bson.D); ok && len(d) > 0 && !isOperators(d) {
			fields = append(fields, flat(prefix+e.Key+".", d)...)
		} else {
			fields = append(fields, bson.E{Key: prefix + e.Key, Value: e.Value})
		}
	}
	return fields
}

// extend sets fields to what there is to evaluate for doc.
func extend(to, doc, fields bson.D) bson.D {
	for _, e := range fields {
		v := eval(e.Value, doc)
		to = editor{spread: true}.edit(to, strings.Split(e.Key, "."), func(any) any { return v }).(bson.D)
	}
	return to
}

// pick keeps what the paths lead to.
func pick(v any, paths [][]string) any {
	switch v := v.(type) {
	case bson.A:
		return present(each(v, func(v any) any { return pick(v, paths) }))
	case bson.D:
		out := bson.D{}
		for _, e := range v {
			var rest [][]string
			for _, path := range paths {
				if path[0] == e.Key {
					rest = append(rest, path[1:])
				}
			}
			if !slices.ContainsFunc(rest, func(path []string) bool { return len(path) == 0 }) {
				e.Value = pick(e.Value, rest)
			}
			if len(rest) > 0 && e.Value != absent {
				out = append(out, e)
			}
		}
		return out
	}
	return absent
}
