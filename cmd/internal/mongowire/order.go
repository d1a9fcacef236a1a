package mongowire

import (
	"bytes"
	"cmp"
	"math"
	"reflect"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// kind is a type as $type names and numbers it, and its place in the order of
// all values. The deprecated types have none.
type kind struct {
	alias      string
	code, rank int
}

var kinds = map[reflect.Type]kind{
	reflect.TypeFor[bson.MinKey](): {"minKey", -1, -1}, reflect.TypeFor[absence](): {"missing", 0, 1}, reflect.TypeOf(nil): {"null", 10, 5},
	reflect.TypeFor[float64](): {"double", 1, 10}, reflect.TypeFor[int32](): {"int", 16, 10}, reflect.TypeFor[int64](): {"long", 18, 10},
	reflect.TypeFor[bson.Decimal128](): {"decimal", 19, 10}, reflect.TypeFor[string](): {"string", 2, 15},
	reflect.TypeFor[bson.D](): {"object", 3, 20}, reflect.TypeFor[bson.A](): {"array", 4, 25}, reflect.TypeFor[bson.Binary](): {"binData", 5, 30},
	reflect.TypeFor[bson.ObjectID](): {"objectId", 7, 35}, reflect.TypeFor[bool](): {"bool", 8, 40}, reflect.TypeFor[bson.DateTime](): {"date", 9, 45},
	reflect.TypeFor[bson.Timestamp](): {"timestamp", 17, 47}, reflect.TypeFor[bson.Regex](): {"regex", 11, 50}, reflect.TypeFor[bson.MaxKey](): {"maxKey", 127, 127},
}

func kindOf(v any) kind { return kinds[reflect.TypeOf(v)] }

// numeric returns a number both ways, i truncated if it is a double.
func numeric(v any) (i int64, f float64, ok bool) {
	switch v := v.(type) {
	case int32:
		return int64(v), float64(v), true
	case int64:
		return v, float64(v), true
	case float64:
		return int64(max(-1<<63, min(v, 1<<63-1024))), v, true
	case bson.Decimal128:
		panic(failure(238, "NotImplemented", "a Decimal128 can only be stored"))
	}
	return 0, 0, false
}

// integer reads a whole number that is not less than least.
func integer(arg any, least int64) int {
	i, f, ok := numeric(arg)
	check(ok && f == float64(i) && i >= least && i <= 1<<40, 9, "FailedToParse", "not a whole number, or out of range: %v", arg)
	return int(i)
}

// truth is what conditions ask of a value.
func truth(v any) bool {
	_, f, ok := numeric(v)
	return orNull(v) != nil && v != false && (!ok || f != 0)
}

// compare is order, of encoded values.
func compare(a, b value) int { return order(decode(a), decode(b)) }

// order is BSON's across types; numbers compare by value, and documents field by
// field: the types, then the names, then the values.
func order(a, b any) int {
	if c := cmp.Compare(kindOf(a).rank, kindOf(b).rank); c != 0 {
		return c
	}
	switch x := a.(type) {
	case float64, int32, int64, bson.Decimal128:
		i, f, _ := numeric(a)
		j, g, _ := numeric(b)
		if c := cmp.Compare(f, g); c != 0 || !(math.Abs(f) >= 1<<53) {
			return c
		}
		return cmp.Compare(i, j) // which has more digits
	case string:
		return strings.Compare(x, b.(string))
	case bson.D:
		return slices.CompareFunc(x, b.(bson.D), func(x, y bson.E) int {
			return cmp.Or(cmp.Compare(kindOf(x.Value).rank, kindOf(y.Value).rank), strings.Compare(x.Key, y.Key), order(x.Value, y.Value))
		})
	case bson.A:
		return slices.CompareFunc(x, b.(bson.A), order)
	case bson.DateTime:
		return cmp.Compare(x, b.(bson.DateTime))
	case bson.Timestamp:
		return x.Compare(b.(bson.Timestamp))
	}
	return bytes.Compare(valueOf(a).Value, valueOf(b).Value)
}

// newSorter compiles {a: 1, "b.c": -1, ...}.
func newSorter(spec bson.Raw) (sort func(docs []bson.Raw) error, err error) {
	defer catch(&err)
	by := sorting(decodeDoc(spec))
	return func(docs []bson.Raw) (err error) {
		defer catch(&err)
		decoded := map[*byte]bson.D{}
		for _, doc := range docs {
			decoded[&doc[0]] = decodeDoc(doc)
		}
		slices.SortStableFunc(docs, func(a, b bson.Raw) int { return by(decoded[&a[0]], decoded[&b[0]]) })
		return nil
	}, nil
}

func sorting(spec bson.D) func(a, b bson.D) int {
	by := func(a, b bson.D) (c int) {
		for _, e := range spec {
			path, direction := strings.Split(e.Key, "."), integer(e.Value, -1)
			check(direction*direction == 1, 2, "BadValue", "$sort key ordering must be 1 (for ascending) or -1 (for descending)")
			c = cmp.Or(c, order(first(descend(a, path, true), direction), first(descend(b, path, true), direction))*direction)
		}
		return c
	}
	by(nil, nil) // finds what is wrong with spec
	return by
}

// first is the value to sort by, the least or the greatest of an array's elements.
func first(v any, direction int) any {
	return extreme(slices.DeleteFunc(leaves(v), func(v any) bool { _, isArray := v.(bson.A); return isArray }), direction)
}

// extreme is the least of what there is, or the greatest if descending.
func extreme(vs []any, direction int) any {
	if vs = present(vs); len(vs) == 0 {
		return nil
	}
	return slices.MinFunc(vs, func(a, b any) int { return order(a, b) * direction })
}
