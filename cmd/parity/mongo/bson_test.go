package mongo

import (
	"fmt"
	"reflect"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

var bsonScenarios = []scenario{
	{name: "values of every type come back", run: bsonTypes},
	{name: "a client's registry codes its values", run: bsonRegistry, client: func(o *options.ClientOptions) { o.SetRegistry(registry("client")) }},
	{name: "a collection's registry codes its values", run: bsonCollectionRegistry},
	{name: "a client's BSON options are used", run: bsonOptions, client: func(o *options.ClientOptions) {
		o.SetBSONOptions(&options.BSONOptions{
			UseJSONStructTags: true, NilSliceAsEmpty: true, NilMapAsEmpty: true, OmitZeroStruct: true, StringifyMapKeysWithFmt: true,
			AllowTruncatingDoubles: true, DefaultDocumentM: true, ObjectIDAsHexString: true, UseLocalTimeZone: false, ZeroMaps: true, ZeroStructs: true,
		})
	}},
}

func bsonTypes(p *program) {
	c := p.coll("types")
	decimal, err := bson.ParseDecimal128("1.5")
	p.note("decimal", err)
	when := time.Date(2024, 2, 29, 12, 34, 56, 789e6, time.UTC)
	all := doc("_id", 1, "double", 1.5, "string", "Zoë\x00", "doc", doc("x", 1), "array", bson.A{1, "two", nil},
		"binary", bson.Binary{Subtype: 0x80, Data: []byte{1, 2}}, "oid", bson.ObjectID{1, 2, 3}, "bool", true, "date", when, "null", nil,
		"regex", bson.Regex{Pattern: "^a", Options: "i"}, "int", int32(7), "ts", bson.Timestamp{T: 5, I: 6}, "long", int64(1)<<40)
	p.do(c, "InsertOne", bg, all)
	p.result(c, "FindOne", bg, doc("_id", 1))
	p.do(c, "InsertOne", bg, append(doc("decimal", decimal, "js", bson.JavaScript("f()"), "min", bson.MinKey{}, "max", bson.MaxKey{},
		"symbol", bson.Symbol("s")), bson.E{Key: "_id", Value: 2}))
	p.result(c, "FindOne", bg, doc("_id", 2))
	var typed struct {
		Double float64
		String string
		Doc    map[string]int
		Array  []any
		Date   time.Time
		Null   *int
		Int    int64
		Long   int32 // overflows
	}
	p.do(p.one(c, "FindOne", bg, doc("_id", 1)), "Decode", &typed)
	p.do(c, "UpdateByID", bg, 1, doc("$currentDate", doc("now", true)))
	p.result(c, "FindOne", bg, doc("_id", 1), options.FindOne().SetProjection(doc("now", 1)))
}

// celsius is coded by a registry.
type celsius float64

// registry codes celsius as text that ends with a mark.
func registry(mark string) *bson.Registry {
	r := bson.NewRegistry()
	r.RegisterTypeEncoder(reflect.TypeFor[celsius](), bson.ValueEncoderFunc(func(_ bson.EncodeContext, w bson.ValueWriter, v reflect.Value) error {
		return w.WriteString(fmt.Sprintf("%.1f %s", v.Float(), mark))
	}))
	r.RegisterTypeDecoder(reflect.TypeFor[celsius](), bson.ValueDecoderFunc(func(_ bson.DecodeContext, r bson.ValueReader, v reflect.Value) error {
		text, err := r.ReadString()
		if err != nil {
			return err
		}
		var degrees float64
		if _, err := fmt.Sscanf(text, "%f "+mark, &degrees); err != nil {
			return fmt.Errorf("%q is not of %s", text, mark)
		}
		v.SetFloat(degrees)
		return nil
	}))
	return r
}

// reading has a value that a registry codes.
type reading struct {
	ID   int `bson:"_id"`
	Temp celsius
}

func (p *program) readings(c any) {
	p.t.Helper()
	p.do(c, "InsertMany", bg, []reading{{1, 36.6}, {2, -40}})
	p.do(c, "UpdateByID", bg, 1, doc("$set", doc("temp", celsius(37))))
	p.result(c, "FindOne", bg, doc("temp", celsius(37)))
	p.do(p.one(c, "FindOne", bg, doc("_id", 1)), "Decode", new(reading))
	var all []reading
	p.do(p.must(c, "Find", bg, doc(), byID().SetBatchSize(1)), "All", bg, &all)
	cur := p.must(c, "Aggregate", bg, bson.A{doc("$match", doc("temp", celsius(-40)))})
	p.do(cur, "Next", bg)
	p.do(cur, "Decode", new(reading))
	p.do(cur, "Close", bg)
	var temps []celsius
	p.do(p.one(c, "Distinct", bg, "temp", doc()), "Decode", &temps)
}

func bsonRegistry(p *program) { p.readings(p.coll("readings")) }

func bsonCollectionRegistry(p *program) {
	c := p.coll("readings", options.Collection().SetRegistry(registry("here")))
	p.readings(c)
	other := p.must(c, "Clone", options.Collection().SetRegistry(registry("there")))
	p.do(p.one(other, "FindOne", bg, doc("_id", 1)), "Decode", new(reading))
	p.do(p.must(other, "Find", bg, doc()), "All", bg, new([]reading))
	p.do(p.one(p.coll("readings"), "FindOne", bg, doc("_id", 1)), "Decode", new(reading))
}

func bsonOptions(p *program) {
	c := p.coll("options")
	type inner struct {
		A int `json:"a_json"`
	}
	type outer struct {
		ID    int            `json:"_id"`
		Slice []int          `json:"slice_json"`
		Map   map[string]int `json:"map_json"`
		Inner inner          `json:"inner_json,omitempty"`
		N     float64        `json:"n"`
		By    map[int]string `json:"by"`
	}
	p.do(c, "InsertOne", bg, outer{ID: 1, N: 2.5, By: map[int]string{7: "seven"}})
	p.do(c, "InsertOne", bg, outer{ID: 2, Inner: inner{3}, Slice: []int{1}, Map: map[string]int{"k": 1}})
	p.result(c, "FindOne", bg, doc("_id", 1))
	var whole struct {
		N int `json:"n"`
	}
	p.do(p.one(c, "FindOne", bg, doc("_id", 1)), "Decode", &whole)
	var v any
	p.do(p.one(c, "FindOne", bg, doc("_id", 2)), "Decode", &v)
	kept := outer{Map: map[string]int{"kept": 1}, N: 9}
	p.do(p.one(c, "FindOne", bg, doc("_id", 2)), "Decode", &kept)
	p.do(c, "InsertOne", bg, doc("_id", bson.NewObjectID()))
	var ids []struct {
		ID any `json:"_id"`
	}
	p.do(p.must(c, "Find", bg, doc("_id", doc("$type", "objectId"))), "All", bg, &ids)
	var strings []struct {
		ID string `json:"_id"`
	}
	p.do(p.must(c, "Find", bg, doc("_id", doc("$type", "objectId"))), "All", bg, &strings)
	cur := p.must(c, "Find", bg, doc(), byID())
	p.do(cur, "Next", bg)
	p.do(cur, "Decode", new(outer))
	p.do(cur, "Close", bg)
}
