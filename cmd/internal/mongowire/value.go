package mongowire

import (
	"runtime"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// value is one BSON value, still encoded. Its zero value is missing.
type value = bson.RawValue

var missing, null = value{}, value{Type: bson.TypeNull}

func embedded(doc []byte) value { return value{Type: bson.TypeEmbeddedDocument, Value: doc} }
func isObject(v value) bool     { return v.Type == bson.TypeEmbeddedDocument }
func text(v value) []byte       { return v.Value[4 : len(v.Value)-1] }

// isTrue reads a flag.
func isTrue(v value) bool {
	b, _ := v.BooleanOK()
	n, _ := v.AsInt64OK()
	return b || n != 0
}

// next takes the first element off what follows a document's length.
func next(rem []byte) (key []byte, v value, rest []byte, ok bool) {
	e, rest, ok := bsoncore.ReadElement(rem)
	if !ok {
		return nil, missing, nil, false
	}
	c := e.Value()
	return e.KeyBytes(), value{Type: bson.Type(c.Type), Value: c.Data}, rest, true
}

// lookup returns the field of that name, which is not a path.
func lookup(doc []byte, name string) value {
	v, _ := bson.Raw(doc).LookupErr(name)
	return v
}

// parse takes a document apart, but leaves its values encoded.
func parse(doc []byte) (d bson.D) {
	es, _ := bson.Raw(doc).Elements()
	for _, e := range es {
		d = append(d, bson.E{Key: e.Key(), Value: e.Value()})
	}
	return d
}

func elements(array value) []value {
	a, _ := array.ArrayOK()
	vs, _ := a.Values()
	return vs
}

// catch ends a panic with a *cmdError, as which what follows reports errors to
// the functions that servers call. A failed assertion is one too: arguments are
// of the type that is asserted, or wrong.
func catch(err *error) {
	switch e := recover().(type) {
	case nil:
	case *cmdError:
		*err = e
	case *runtime.TypeAssertionError:
		*err = failedToParse("wrong type of an argument: %v", e)
	default:
		panic(e)
	}
}

// check panics with a *cmdError unless all is well.
func check(ok bool, code int32, name, format string, args ...any) {
	if !ok {
		panic(failure(code, name, format, args...))
	}
}

func badValue(format string, args ...any) *cmdError { return failure(2, "BadValue", format, args...) }

func failedToParse(format string, args ...any) *cmdError {
	return failure(9, "FailedToParse", format, args...)
}

// Queries work on values as the driver decodes them, absent among them.
type absence struct{}

var absent any = absence{}

func orNull(v any) any {
	if v == absent {
		return nil
	}
	return v
}

func decode(v value) (x any) {
	if err := v.Unmarshal(&x); err != nil {
		panic(failedToParse("broken BSON: %v", err))
	}
	return x
}

// decodeDoc decodes a document, an empty one if there is none.
func decodeDoc(doc bson.Raw) bson.D {
	if len(doc) == 0 {
		return bson.D{}
	}
	return decode(embedded(doc)).(bson.D)
}

func valueOf(x any) value {
	if x == nil {
		return null
	}
	t, b, err := bson.MarshalValue(x)
	if err != nil {
		panic(badValue("%v", err))
	}
	return value{Type: t, Value: b}
}
