package integration

import (
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/cmd/internal/mongowire"
)

func TestMongoTLS(t *testing.T) {
	issuer := httptest.NewUnstartedServer(nil)
	issuer.StartTLS()
	cert, pool := issuer.TLS.Certificates[0], x509.NewCertPool()
	pool.AddCert(issuer.Certificate())
	issuer.Close()
	d, err := mongowire.Start(mongowire.Options{TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	e := newEnv(t)
	client, err := mongo.Open(e.a, options.Client().ApplyURI(d.URI()).SetTLSConfig(&tls.Config{RootCAs: pool}))
	if err != nil {
		t.Fatal(err)
	}
	coll := client.Database("valet").Collection("tls")
	must(e, func(cb func(*mongo.InsertOneResult, error)) *adapter.Call {
		return coll.InsertOne(bg, bson.M{"_id": 1}, cb)
	})
	res := must(e, func(cb func(*mongo.SingleResult, error)) *adapter.Call { return coll.FindOne(bg, bson.M{"_id": 1}, cb) })
	if raw, err := res.Raw(); err != nil || raw.Lookup("_id").Int32() != 1 {
		t.Errorf("found %v, %v", raw, err)
	}
	begin(e, finish(func(cb func(error)) { client.Disconnect(bg, cb) })).must()
}
