package mongo

import (
	"reflect"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/cmd/parity/internal/methods"
)

// streaming are the driver's types that are wrapped by hand, and that
// docs/api-mongo.md does not list.
var streaming = []reflect.Type{
	reflect.TypeFor[*mongo.Cursor](), reflect.TypeFor[*mongo.ChangeStream](),
	reflect.TypeFor[*mongo.GridFSDownloadStream](), reflect.TypeFor[*mongo.GridFSUploadStream](),
}

func table() []methods.Row { return methods.Table("../../../docs/api-mongo.md") }

// callNames is what the calls of the driver's methods are named.
func callNames() map[string]string {
	names := map[string]string{
		// A stream's calls have no name.
		"Cursor.Next": "", "Cursor.TryNext": "", "Cursor.Close": "", "Cursor.All": "",
		"ChangeStream.Next": "", "ChangeStream.TryNext": "", "ChangeStream.Close": "",
		"GridFSDownloadStream.Read": "Read", "GridFSDownloadStream.Skip": "Skip", "GridFSDownloadStream.Close": "Close",
		"GridFSUploadStream.Write": "Write", "GridFSUploadStream.Close": "Close", "GridFSUploadStream.Abort": "Abort",
		"Session.WithTransaction": "WithTransaction",
	}
	for _, row := range table() {
		if strings.HasPrefix(row.How, "call") {
			names[row.Method()] = row.Here
		}
	}
	return names
}

// judge reports what was called, and fails if that is too little.
func judge(t *testing.T, seen *methods.Seen) {
	want := methods.Wrapped(table())
	for _, s := range streaming {
		for method := range s.Methods() {
			want = append(want, s.Elem().Name()+"."+method.Name)
		}
	}
	seen.Judge(t, "wrapped methods", want, 100)
}
