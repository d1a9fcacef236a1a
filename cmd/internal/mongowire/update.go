package mongowire

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// updater is a document of operators, a replacement or a pipeline.
type updater struct {
	editor
	spec  any
	edits []modification
}

type modification struct {
	operator, path string
	arg            any
}

// editor changes what a path leads to. It goes into all elements of an array, as
// projections do, or into those that $[] and a filter's name in it stand for.
type editor struct {
	spread  bool
	filters []bson.D
}

func newUpdate(update value, arrayFilters []bson.Raw) (u updater, err error) {
	defer catch(&err)
	for _, f := range arrayFilters {
		if len(f) > 5 {
			u.filters = append(u.filters, decodeDoc(f))
		}
	}
	u.spec = decode(update)
	if list, ok := u.spec.(bson.A); ok {
		pipe(nil, list, nil)
		return u, nil
	}
	if !isOperators(u.spec.(bson.D)) {
		return u, nil
	}
	var paths []string
	for _, op := range u.spec.(bson.D) {
		check(modifiers[op.Key] != nil, 9, "FailedToParse", "Unknown modifier: %s. Expected a valid update modifier or pipeline-style update specified as an array", op.Key)
		for _, e := range op.Value.(bson.D) {
			u.edits = append(u.edits, modification{op.Key, e.Key, e.Value})
			if paths = append(paths, e.Key+"."); op.Key == "$rename" {
				paths = append(paths, e.Value.(string)+".")
			}
		}
	}
	slices.Sort(paths) // what a path begins with comes just before it
	for i, path := range paths {
		if strings.Contains("."+path, "..") {
			panic(failure(56, "EmptyFieldName", "The update path '%s' contains an empty field name, which is not allowed.", path))
		} else if i > 0 && strings.HasPrefix(path, paths[i-1]) {
			panic(failure(40, "ConflictingUpdateOperators", "Updating the path '%s' would create a conflict at '%s'", path, paths[i-1]))
		}
	}
	slices.SortStableFunc(u.edits, func(a, b modification) int { return strings.Compare(a.path, b.path) }) // the order of new fields
	return u, nil
}

// apply returns what becomes of doc, which filter has matched. When upserting
// there is no doc: it begins with what filter asks fields to be equal to.
func (u updater) apply(doc, filter bson.Raw, upserting bool) (after bson.Raw, changed bool, err error) {
	defer catch(&err)
	d := decodeDoc(doc)
	if upserting {
		d = equalities(d, decodeDoc(filter))
	}
	id := get(d, "_id")
	switch spec := u.spec.(type) {
	case bson.A:
		out := pipe([]bson.D{d}, spec, nil)
		check(len(out) == 1, 72, "InvalidOptions", "an update's pipeline has to make one document of one")
		d = out[0]
	case bson.D:
		if !isOperators(spec) {
			d = spec
			break
		}
		for _, m := range u.edits {
			if upserting || m.operator != "$setOnInsert" {
				d = u.modify(d, m)
			}
		}
	}
	now := get(d, "_id")
	switch {
	case now == absent && id == absent:
		now = bson.NewObjectID()
	case now == absent && len(u.edits) == 0: // those replace all but the _id
		now = id
	case id != absent && order(id, now) != 0:
		panic(failure(66, "ImmutableField", "After applying the update, the (immutable) field '_id' was found to have been altered to _id: %v", now))
	}
	after = valueOf(append(bson.D{{Key: "_id", Value: now}}, with(d, "_id", absent)...)).Value
	return after, upserting || !bytes.Equal(doc, after), nil
}

// equalities adds what filter asks to be equal to doc.
func equalities(doc, filter bson.D) bson.D {
	for _, e := range filter {
		if isOperators(e.Value) {
			e.Value = get(e.Value.(bson.D), "$eq")
		}
		_, isRegex := e.Value.(bson.Regex)
		switch {
		case e.Key == "$and":
			for _, f := range e.Value.(bson.A) {
				doc = equalities(doc, f.(bson.D))
			}
		case !strings.HasPrefix(e.Key, "$") && e.Value != absent && !isRegex:
			doc = assign(doc, e.Key, e.Value)
		}
	}
	return doc
}

func (u updater) modify(d bson.D, m modification) bson.D {
	path := strings.Split(m.path, ".")
	if v := descend(d, path, false); m.operator == "$rename" && v != absent {
		d = assign(d, m.arg.(string), v)
	}
	return u.edit(d, path, func(old any) any { return modifiers[m.operator](old, m.arg) }).(bson.D)
}

// modifiers are an update's operators: what they make of a field, which may be absent.
var modifiers = map[string]func(old, arg any) any{
	"$set":         func(_, arg any) any { return arg },
	"$setOnInsert": func(_, arg any) any { return arg },
	"$unset":       func(any, any) any { return absent },
	"$rename":      func(any, any) any { return absent }, // to where it has been copied
	"$inc":         func(old, arg any) any { return increase("$add", old, arg) },
	"$mul":         func(old, arg any) any { return increase("$multiply", old, arg) },
	"$push":        func(old, arg any) any { return append(slices.Clip(arrayIn(old)), added(arg)...) },
	"$addToSet":    func(old, arg any) any { return union(arrayIn(old), added(arg)) },
	"$min":         func(old, arg any) any { return bound(old, arg, 1) },
	"$max":         func(old, arg any) any { return bound(old, arg, -1) },
	"$currentDate": func(_, arg any) any {
		if d, ok := arg.(bson.D); ok && get(d, "$type") == "timestamp" {
			return bson.Timestamp{T: uint32(time.Now().Unix()), I: 1}
		}
		return bson.NewDateTimeFromTime(time.Now())
	},
	"$pop": func(old, arg any) any {
		a := arrayIn(old)
		switch n := integer(arg, -1); {
		case n*n != 1:
			panic(failedToParse("$pop expects 1 or -1, found: %d", n))
		case len(a) == 0:
			return old
		case n < 0:
			return a[1:]
		}
		return a[:len(a)-1]
	},
	"$pull": func(old, arg any) any {
		if old == absent {
			return old
		}
		return slices.DeleteFunc(slices.Clone(arrayIn(old)), func(v any) bool { return element(v, arg) })
	},
}

// increase keeps to integers, for which too much is an error.
func increase(operation string, old, arg any) any {
	if old == absent {
		old = int32(0)
	}
	v := calculate(operation, old, arg)
	if kindOf(v).alias == "double" && kindOf(old).alias != "double" && kindOf(arg).alias != "double" || v == nil {
		panic(failure(14, "TypeMismatch", "Cannot apply $inc or $mul to %v with %v", old, arg))
	}
	return v
}

func bound(old, arg any, direction int) any {
	if old == absent || order(arg, old)*direction < 0 {
		return arg
	}
	return old
}

func arrayIn(old any) bson.A {
	a, ok := old.(bson.A)
	check(ok || old == absent, 2, "BadValue", "The field must be an array but is of type %s", kindOf(old).alias)
	return a
}

// added is what $push and $addToSet add.
func added(arg any) bson.A {
	d, _ := arg.(bson.D)
	if get(d, "$each") == absent {
		return bson.A{arg}
	} else if len(d) > 1 {
		panic(failure(238, "NotImplemented", "$each with %s", d[1].Key))
	}
	return d[0].Value.(bson.A)
}

// edit replaces what path leads to in a copy of v by what f makes of it.
func (e editor) edit(v any, path []string, f func(old any) any) any {
	if len(path) == 0 {
		return f(v)
	}
	name, rest := path[0], path[1:]
	d, isDoc := v.(bson.D)
	a, isArray := v.(bson.A)
	i, err := strconv.Atoi(name)
	switch {
	case isDoc:
		return with(d, name, e.edit(get(d, name), rest, f))
	case isArray && e.spread:
		return each(a, func(v any) any { return e.edit(v, path, f) })
	case isArray && strings.HasPrefix(name, "$["):
		return each(a, func(v any) any {
			if e.accepts(strings.Trim(name, "$[]"), v) {
				return e.edit(v, rest, f)
			}
			return v
		})
	case isArray && err == nil && i >= 0 && i < len(a):
		a = slices.Clone(a)
		a[i] = orNull(e.edit(a[i], rest, f))
		return a
	}
	switch x := e.edit(absent, rest, f); {
	case x == absent:
		return v
	case isArray && err == nil && i >= len(a) && i < 1<<20:
		return append(append(slices.Clip(a), make(bson.A, i-len(a))...), x)
	case !strings.HasPrefix(name, "$") && (v == absent || e.spread):
		return bson.D{{Key: name, Value: x}}
	}
	panic(failure(28, "PathNotViable", "Cannot create field '%s' in element of type %s", name, kindOf(v).alias))
}

// accepts tells whether the filter of that name accepts v; without a name, all do.
func (e editor) accepts(name string, v any) bool {
	for _, f := range e.filters {
		if id, _, _ := strings.Cut(f[0].Key, "."); id == name {
			return matches(bson.D{{Key: name, Value: v}}, f)
		}
	}
	check(name == "", 2, "BadValue", "No array filter found for identifier '%s'", name)
	return true
}

// with replaces a field in a copy of d, or appends it; an absent value removes it.
func with(d bson.D, name string, v any) bson.D {
	i := slices.IndexFunc(d, func(e bson.E) bool { return e.Key == name })
	switch {
	case i < 0 && v == absent:
		return d
	case i < 0:
		return append(slices.Clip(d), bson.E{Key: name, Value: v})
	case v == absent:
		return slices.Delete(slices.Clone(d), i, i+1)
	}
	d = slices.Clone(d)
	d[i].Value = v
	return d
}

func assign(doc bson.D, path string, v any) bson.D {
	return editor{}.edit(doc, strings.Split(path, "."), func(any) any { return v }).(bson.D)
}

// difference is what a change stream tells of an update: dotted paths and their
// new values, and the paths that are gone. An array that got shorter is new.
func difference(before, after bson.Raw) (updated bson.D, removed []string) {
	return differ("", before, after)
}

func differ(prefix string, before, after []byte) (updated bson.D, removed []string) {
	for _, e := range parse(after) {
		v, old := e.Value.(value), lookup(before, e.Key)
		if old.Type == v.Type && (isObject(v) || v.Type == bson.TypeArray && len(elements(v)) >= len(elements(old))) {
			u, r := differ(prefix+e.Key+".", old.Value, v.Value)
			updated, removed = append(updated, u...), append(removed, r...)
		} else if !old.Equal(v) {
			updated = append(updated, bson.E{Key: prefix + e.Key, Value: v})
		}
	}
	for _, e := range parse(before) {
		if lookup(after, e.Key).Type == 0 {
			removed = append(removed, prefix+e.Key)
		}
	}
	return updated, removed
}
