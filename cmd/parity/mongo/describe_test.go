package mongo

import (
	"context"
	"fmt"
	"hash/crc32"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// names are given to what is another one on each side, such as an ObjectID, in
// the order in which it appears: so that it is seen where the same appears again.
type names struct{ of map[string]string }

func (n *names) name(kind, s string) string {
	if n.of == nil {
		n.of = map[string]string{}
	}
	if n.of[s] == "" {
		n.of[s] = fmt.Sprintf("%s-%d", kind, len(n.of)+1)
	}
	return n.of[s]
}

// What is another one on each side.
var (
	objectID   = regexp.MustCompile(`\b[0-9a-f]{24}\b`)
	uuid       = regexp.MustCompile(`"base64":"([0-9A-Za-z+/=]{24})","subType":"04"`)
	stamp      = regexp.MustCompile(`"t":[0-9]{10},"i":[0-9]+`)
	token      = regexp.MustCompile(`"_data":"([^"]*)"`)
	millis     = regexp.MustCompile(`\{"\$date":\{"\$numberLong":"([0-9]{13})"\}\}`)
	localPort  = regexp.MustCompile(`127\.0\.0\.1:[0-9]+->`)
	connection = regexp.MustCompile(`\[-[0-9]+\]`)
	cursorID   = regexp.MustCompile(`(cursor(?: id)?:? )-?[0-9]+`)
	elapsed    = regexp.MustCompile(`[0-9.]+(?:ns|µs|ms|s)\b`)
	roundTrip  = regexp.MustCompile(`Average RTT: [0-9]+`)
	readPart   = regexp.MustCompile(`incomplete read of (full message|message header)`)
	poolState  = regexp.MustCompile(`total connections: [0-9]+, maxPoolSize: ([0-9]+), idle connections: [0-9]+`)
	cut        = regexp.MustCompile(`(incomplete read|unable to write wire message to network): context canceled`)
	pointer    = regexp.MustCompile(`0x[0-9a-f]{6,}`)
)

// normal is text in which everything has its name.
func (p *program) normal(text string) string {
	text = uuid.ReplaceAllStringFunc(text, func(s string) string {
		return `"uuid":"` + p.names.name("uuid", uuid.FindStringSubmatch(s)[1]) + `"`
	})
	text = token.ReplaceAllString(text, `"_data":"a token"`)
	text = stamp.ReplaceAllString(text, `"t":now`)
	text = millis.ReplaceAllStringFunc(text, func(s string) string {
		n, _ := strconv.ParseInt(millis.FindStringSubmatch(s)[1], 10, 64)
		if isNow(time.UnixMilli(n)) {
			return `{"$date":"now"}`
		}
		return s
	})
	text = objectID.ReplaceAllStringFunc(text, func(s string) string { return p.names.name("oid", s) })
	text = localPort.ReplaceAllString(text, "127.0.0.1:port->")
	text = connection.ReplaceAllString(text, "[-n]")
	text = cursorID.ReplaceAllString(text, "${1}n")
	text = roundTrip.ReplaceAllString(text, "Average RTT: n")
	text = readPart.ReplaceAllString(text, "incomplete read")
	text = poolState.ReplaceAllString(text, "maxPoolSize: $1")     // as are the connections that are being closed
	text = cut.ReplaceAllString(text, "cut off: context canceled") // it depends on the moment
	text = pointer.ReplaceAllString(text, "0xaddress")
	return elapsed.ReplaceAllString(text, "a while")
}

// isNow reports whether a time is from this run.
func isNow(t time.Time) bool { return time.Since(t).Abs() < 24*time.Hour }

// describe is the text of a value. Objects of both sides that correspond have
// the same.
func (p *program) describe(v any) string { return p.normal(p.walk(reflect.ValueOf(v), 0)) }

func (p *program) describeAll(values []any) string {
	var all []string
	for _, v := range values {
		all = append(all, p.describe(v))
	}
	return strings.Join(all, ", ")
}

// describeResult is the text of what a method returned.
func (p *program) describeResult(method string, v any) string {
	switch method {
	case "Cursor.ID", "ChangeStream.ID":
		return map[bool]string{true: "none", false: "some"}[v == int64(0)]
	case "Session.ClusterTime":
		return map[bool]string{true: "none", false: "some"}[len(v.(bson.Raw)) == 0]
	case "Session.OperationTime":
		return map[bool]string{true: "none", false: "some"}[v.(*bson.Timestamp) == nil]
	case "Session.SnapshotTime":
		return map[bool]string{true: "none", false: "some"}[v == bson.Timestamp{}]
	}
	return p.describe(v)
}

// objects are what has methods to be called, and no text of its own.
var objects = []string{
	"Client", "Database", "Collection", "IndexView", "SearchIndexView", "Session", "Cursor", "ChangeStream", "SingleResult",
	"DistinctResult", "GridFSBucket", "GridFSDownloadStream", "GridFSUploadStream", "Registry",
}

// walk is the text of a value, with what it holds.
func (p *program) walk(v reflect.Value, depth int) string {
	if !v.IsValid() {
		return "nil"
	}
	if depth > 12 {
		return "..."
	}
	if text, ok := p.leaf(v); ok {
		return text
	}
	switch v.Kind() {
	case reflect.Interface:
		return p.walk(v.Elem(), depth)
	case reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		return "&" + p.walk(v.Elem(), depth+1)
	case reflect.Func, reflect.Chan:
		return v.Type().String()
	case reflect.Struct:
		var all []string
		for _, f := range reflect.VisibleFields(v.Type()) {
			if f.IsExported() && len(f.Index) == 1 {
				all = append(all, f.Name+":"+p.walk(v.FieldByIndex(f.Index), depth+1))
			}
		}
		return v.Type().Name() + "{" + strings.Join(all, " ") + "}"
	case reflect.Map:
		var all []string
		for _, k := range v.MapKeys() {
			all = append(all, p.walk(k, depth+1)+":"+p.walk(v.MapIndex(k), depth+1))
		}
		slices.Sort(all)
		return v.Type().Name() + "map[" + strings.Join(all, " ") + "]"
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			return "no " + v.Type().String()
		}
		if v.Len() > 100 {
			return fmt.Sprintf("%d of %v", v.Len(), v.Type())
		}
		var all []string
		for i := range v.Len() {
			all = append(all, p.walk(v.Index(i), depth+1))
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	return fmt.Sprintf("%v(%v)", v.Type(), v)
}

// leaf is the text of what is not looked into.
func (p *program) leaf(v reflect.Value) (text string, ok bool) {
	if !v.CanInterface() {
		return v.Type().String(), true
	}
	if v.Kind() == reflect.Pointer && !v.IsNil() || v.Kind() == reflect.Struct {
		if name := typeName(v.Interface()); slices.Contains(objects, name) && strings.Contains(v.Type().String(), "mongo") {
			return name, true
		}
		if v.MethodByName("List").IsValid() && strings.Contains(v.Type().String(), "options.") {
			return v.Type().Elem().Name(), true
		}
	}
	switch x := v.Interface().(type) {
	case error:
		return p.describeError(x), true
	case context.Context:
		return "ctx", true
	case bson.Raw:
		return rawText(x), true
	case bson.RawArray:
		return rawText(bson.Raw(x)), true
	case bson.RawValue:
		return x.String(), true
	case bson.Binary:
		if x.Subtype == bson.TypeBinaryUUID {
			return p.names.name("uuid", string(x.Data)), true
		}
	case bson.ObjectID:
		return "ObjectID " + x.Hex(), true
	case []byte:
		if len(x) > 60 {
			return fmt.Sprintf("%d bytes, %08x", len(x), crc32.ChecksumIEEE(x)), true
		}
		return fmt.Sprintf("%q", x), true
	case string:
		if len(x) > 300 {
			return fmt.Sprintf("string of %d, %08x", len(x), crc32.ChecksumIEEE([]byte(x))), true
		}
		return strconv.Quote(x), true
	case time.Time:
		if isNow(x) {
			return "now", true
		}
		return x.Format(time.RFC3339Nano), true
	case bson.D, bson.M:
		if v.IsNil() {
			return "nil " + v.Type().String(), true
		}
		return documentText(x)
	}
	return "", false
}

// documentText is a document in canonical JSON, if it can be one. A map has its
// fields in the order of their names.
func documentText(x any) (string, bool) {
	if m, is := x.(bson.M); is {
		d := bson.D{}
		for k, v := range m {
			d = append(d, bson.E{Key: k, Value: v})
		}
		slices.SortFunc(d, func(a, b bson.E) int { return strings.Compare(a.Key, b.Key) })
		x = d
	}
	raw, err := bson.Marshal(x)
	return rawText(raw), err == nil
}

func rawText(raw bson.Raw) string {
	if raw == nil {
		return "no document"
	}
	if len(raw) > 4000 {
		return fmt.Sprintf("document of %d, %08x", len(raw), crc32.ChecksumIEEE(raw))
	}
	text, err := bson.MarshalExtJSON(raw, true, false)
	if err != nil { // an array, or broken
		return raw.String()
	}
	return string(text)
}
