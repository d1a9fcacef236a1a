package main

import (
	"errors"
	"net"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/valet-go/valet/adapter"
	vmongo "github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/cmd/internal/mongowire"
)

func TestMongoEndToEnd(t *testing.T) {
	for _, args := range []string{"", "-tls -pairs 1", "-context request -pairs 1"} {
		t.Run(args, func(t *testing.T) {
			doc := smallLoad(t, append(strings.Fields(args), "-driver", "mongo", "-path", "native,pool,adapter,sock,valet", "-conns", "2", "-inflight", "5")...)
			if len(doc.Rows) != 5 || len(doc.Ratios) != 5*4 {
				t.Errorf("%d rows and %d ratios, want 5 and 20", len(doc.Rows), len(doc.Ratios))
			}
		})
	}
}

func TestDocsEndToEnd(t *testing.T) {
	doc := smallRun(t, "-driver", "docs", "-path", "native,sock,valet,typed", "-rows", "3000")
	if len(doc.Rows) != 4 || len(doc.Ratios) != 4*3 || doc.Rows[0].Unit != "document" {
		t.Fatalf("document: %+v", doc)
	}
	for _, r := range doc.Rows {
		if r.OpsPerSec <= 0 || r.conditions.Rows != 3000 || r.TimerLag.Max <= 0 {
			t.Errorf("%s: %+v", r.Path, r)
		}
	}
}

// The collection has a document for each key, with the key's value, of the size
// that the documentation says.
func TestMongoDocuments(t *testing.T) {
	for key := range keys {
		id := mongoFilter(key)[0].Value.(int)
		doc := newMongoDocument(id)
		if id >= mongoDocuments || doc.ID != id || doc.V != value(key) {
			t.Errorf("key %d: _id %d, %+v", key, id, doc)
		}
		raw, err := bson.Marshal(doc)
		if err != nil || len(raw) < 190 || len(raw) > 210 {
			t.Errorf("key %d: %d bytes, %v", key, len(raw), err)
		}
	}
}

// A document that is missing, or not as it should be, fails the run.
func TestDocsSeeWhatIsWrong(t *testing.T) {
	d, err := mongowire.Start(mongowire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	at := target{Addr: d.Member(0).Addr()}
	if err := storeDocs(t.Context(), at, 200); err != nil {
		t.Fatal(err)
	}
	readers := map[string]rowReader{}
	for path, r := range docsReaders {
		l := startLoop(t)
		reader, err := r.open(at, l, paths[r.sockets].dialer(l))
		if err != nil {
			t.Fatal(err)
		}
		defer reader.close()
		readers[path] = reader
		if err := reader.read(t.Context(), 200); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if err := reader.read(t.Context(), 201); err == nil || err.Error() != "200 came instead of 201" {
			t.Errorf("%s: one too many asked for: %v", path, err)
		}
	}
	client, err := mongoDriver{}.client(at, 1, new(net.Dialer).DialContext)
	if err != nil {
		t.Fatal(err)
	}
	defer disconnect(client)
	if _, err := docs(client).InsertOne(t.Context(), numbered{N: 5000}); err != nil {
		t.Fatal(err)
	}
	for path, reader := range readers {
		if err := reader.read(t.Context(), 201); err == nil || !strings.Contains(err.Error(), "number 201 is {N:5000") {
			t.Errorf("%s: a wrong one: %v", path, err)
		}
	}
}

// A find of the wrapper's that fails is a failed operation.
func TestMongoCallReportsAnError(t *testing.T) {
	d, err := mongowire.Start(mongowire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l := startLoop(t)
	a := adapter.New(l)
	defer a.Close(t.Context())
	s, err := mongoDriver{}.open(t.Context(), target{Addr: d.Member(0).Addr()}, spec{Conns: 1}, paths["valet"].dialer(l))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	_, err = adapter.Wait(func(cb func(string, error)) { s.calls(a)(t.Context(), 1, cb) })
	if !errors.Is(err, vmongo.ErrNoDocuments) {
		t.Errorf("error: %v", err)
	}
}
