package mongowire

import (
	"fmt"
	"math"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// fromJSON reads a document in extended JSON.
func fromJSON(t testing.TB, json string) bson.Raw {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(json), false, &d); err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	raw, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func allFromJSON(t testing.TB, json ...string) []bson.Raw {
	t.Helper()
	all := make([]bson.Raw, len(json))
	for i, s := range json {
		all[i] = fromJSON(t, s)
	}
	return all
}

// wantCmdError fails unless err has a server's code.
func wantCmdError(t *testing.T, err error, code int32) {
	t.Helper()
	if e, ok := err.(*cmdError); !ok || e.code != code {
		t.Fatalf("error %v, want code %d", err, code)
	}
}

func TestOrderOfTypesAndValues(t *testing.T) {
	ascending := []value{
		valueOf(bson.MinKey{}), null,
		valueOf(math.NaN()), valueOf(math.Inf(-1)), valueOf(int64(math.MinInt64)), valueOf(-1.5), valueOf(int32(-1)),
		valueOf(0.1), valueOf(int32(1)), valueOf(1.5), valueOf(int64(2)),
		valueOf(int64(1)<<53 + 1), valueOf(float64(1<<53 + 2)), valueOf(int64(math.MaxInt64)), valueOf(1e19), valueOf(math.Inf(1)),
		valueOf(""), valueOf("B"), valueOf("a"), valueOf("ab"),
		valueOf(bson.D{}), valueOf(bson.D{{Key: "b", Value: 1}}), valueOf(bson.D{{Key: "b", Value: 1}, {Key: "a", Value: 1}}), valueOf(bson.D{{Key: "a", Value: "x"}}),
		valueOf(bson.A{}), valueOf(bson.A{1}), valueOf(bson.A{1, 2}), valueOf(bson.A{2}),
		valueOf(bson.Binary{Data: []byte{9}}), valueOf(bson.Binary{Subtype: 5, Data: []byte{9}}), valueOf(bson.Binary{Data: []byte{1, 1}}),
		valueOf(bson.ObjectID{}), valueOf(bson.ObjectID{1}), valueOf(false), valueOf(true),
		valueOf(time.UnixMilli(-5)), valueOf(time.UnixMilli(5)),
		valueOf(bson.Timestamp{T: 1, I: 2}), valueOf(bson.Timestamp{T: 2, I: 1}), valueOf(bson.Regex{Pattern: "a"}), valueOf(bson.MaxKey{}),
	}
	for i, a := range ascending {
		for j, b := range ascending {
			want := min(max(i-j, -1), 1)
			if got := compare(a, b); got != want {
				t.Errorf("compare(%v, %v) = %d, want %d", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]value{
		{valueOf(int32(3)), valueOf(3.0)},
		{valueOf(int64(3)), valueOf(int32(3))},
		{valueOf(bson.D{{Key: "a", Value: int32(1)}}), valueOf(bson.D{{Key: "a", Value: 1.0}})},
	} {
		if compare(same[0], same[1]) != 0 {
			t.Errorf("%v and %v differ", same[0], same[1])
		}
	}
}

func TestSort(t *testing.T) {
	for _, c := range []struct {
		spec string
		docs []string
		want string
	}{
		{`{"a": 1}`, []string{`{"_id": 1, "a": 2}`, `{"_id": 2}`, `{"_id": 3, "a": 1}`, `{"_id": 4, "a": "x"}`}, "[2 3 1 4]"},
		{`{"a": -1, "b": 1}`, []string{`{"_id": 1, "a": 1, "b": 2}`, `{"_id": 2, "a": 2}`, `{"_id": 3, "a": 1, "b": 1}`}, "[2 3 1]"},
		// Of an array, the least counts, or the greatest.
		{`{"a": 1}`, []string{`{"_id": 1, "a": [9, 2]}`, `{"_id": 2, "a": 3}`, `{"_id": 3, "a": [1, 10]}`}, "[3 1 2]"},
		{`{"a": -1}`, []string{`{"_id": 1, "a": [9, 2]}`, `{"_id": 2, "a": 3}`, `{"_id": 3, "a": [1, 10]}`}, "[3 1 2]"},
		{`{"a": 1}`, []string{`{"_id": 1, "a": 0}`, `{"_id": 2, "a": []}`, `{"_id": 3}`, `{"_id": 4, "a": null}`}, "[2 3 4 1]"},
		{`{"a.b": 1}`, []string{`{"_id": 1, "a": {"b": 2}}`, `{"_id": 2, "a": [{"b": 3}, {"b": 1}]}`}, "[2 1]"},
		// Equals keep their order.
		{`{"a": 1}`, []string{`{"_id": 1, "a": 1}`, `{"_id": 2, "a": 1.0}`, `{"_id": 3, "a": 1}`}, "[1 2 3]"},
	} {
		sort, err := newSorter(fromJSON(t, c.spec))
		if err != nil {
			t.Fatal(err)
		}
		all := allFromJSON(t, c.docs...)
		if err := sort(all); err != nil {
			t.Fatal(err)
		}
		var ids []int32
		for _, d := range all {
			ids = append(ids, d.Lookup("_id").Int32())
		}
		if got := fmt.Sprint(ids); got != c.want {
			t.Errorf("%s: %s, want %s", c.spec, got, c.want)
		}
	}
	_, err := newSorter(fromJSON(t, `{"a": 2}`))
	wantCmdError(t, err, 2)
}
