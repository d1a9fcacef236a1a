package syncmongo

import (
	"reflect"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/internal/facadetest"
)

// facades are the driver's types and those of this package.
var facades = facadetest.Facades{
	reflect.TypeFor[mongo.Client]():               reflect.TypeFor[Client](),
	reflect.TypeFor[mongo.Database]():             reflect.TypeFor[Database](),
	reflect.TypeFor[mongo.Collection]():           reflect.TypeFor[Collection](),
	reflect.TypeFor[mongo.IndexView]():            reflect.TypeFor[IndexView](),
	reflect.TypeFor[mongo.SearchIndexView]():      reflect.TypeFor[SearchIndexView](),
	reflect.TypeFor[mongo.Session]():              reflect.TypeFor[Session](),
	reflect.TypeFor[mongo.Cursor]():               reflect.TypeFor[Cursor](),
	reflect.TypeFor[mongo.ChangeStream]():         reflect.TypeFor[ChangeStream](),
	reflect.TypeFor[mongo.DistinctResult]():       reflect.TypeFor[DistinctResult](),
	reflect.TypeFor[mongo.GridFSBucket]():         reflect.TypeFor[GridFSBucket](),
	reflect.TypeFor[mongo.GridFSDownloadStream](): reflect.TypeFor[GridFSDownloadStream](),
	reflect.TypeFor[mongo.GridFSUploadStream]():   reflect.TypeFor[GridFSUploadStream](),
}

func TestEveryMethodOfTheDriverIsThereWithItsSignature(t *testing.T) { facades.Methods(t) }

func TestEveryFieldOfTheDriverIsThere(t *testing.T) {
	for theirs, ours := range facades {
		for _, want := range reflect.VisibleFields(theirs) {
			if !want.IsExported() {
				continue
			}
			if got, ok := ours.FieldByName(want.Name); !ok || got.Type != facades.Own(want.Type) {
				t.Errorf("%v has no field %s, a %v", ours, want.Name, facades.Own(want.Type))
			}
		}
	}
}

func TestSessionsInContextsHaveTheDriversFunctions(t *testing.T) {
	for _, f := range []struct{ theirs, ours any }{
		{mongo.NewSessionContext, NewSessionContext},
		{mongo.SessionFromContext, SessionFromContext},
		{mongo.WithSession, WithSession},
	} {
		if want, got := facades.Translated(reflect.TypeOf(f.theirs)), reflect.TypeOf(f.ours); got != want {
			t.Errorf("a %v, want a %v", got, want)
		}
	}
}
