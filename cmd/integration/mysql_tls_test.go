package integration

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"testing"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	gomysql "github.com/go-sql-driver/mysql"

	"github.com/valet-go/valet/backends/mysql"
)

// TestMySQLOverTLS uses the embedded server, which package embedded offers
// without TLS.
func TestMySQLOverTLS(t *testing.T) {
	cert, roots := certificate(t)
	addr := startMySQLWithTLS(t, cert)
	const name = "valet-integration"
	if err := gomysql.RegisterTLSConfig(name, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	defer gomysql.DeregisterTLSConfig(name)
	dsn := func(tlsConfig string) string {
		return "root@tcp(" + addr + ")/valet?tls=" + tlsConfig
	}
	e := newMySQLEnv(t, mysqlServer{dsn: dsn(name)})
	for way, read := range ways {
		if table := e.numbers(300); !t.Failed() {
			e.wantNumbers(read(e, e.query("SELECT n, label FROM "+table+" ORDER BY n")), 300)
		}
		if t.Failed() {
			t.Fatalf("by %s", way)
		}
	}
	tx := e.tx()
	e.txExec(tx, "SET @x = 1").must()
	e.commit(tx).must()
	e.wantIdle()

	// The server is not trusted by everybody.
	err := (&mysqlEnv{e.env, e.mysqlServer, e.open(t, dsn("true"), mysql.WithMaxConns(1))}).beginExec(bg, "SELECT 1").fails()
	if !notVouchedFor(err) {
		t.Errorf("got %v, want a failed verification", err)
	}
}

// notVouchedFor reports whether err is that of a certificate that could not be
// verified.
func notVouchedFor(err error) bool {
	var failed *tls.CertificateVerificationError
	return errors.As(err, &failed)
}

// certificate borrows the one that net/http/httptest has for 127.0.0.1.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return web.TLS.Certificates[0], roots
}

func startMySQLWithTLS(t *testing.T, cert tls.Certificate) (addr string) {
	t.Helper()
	db := memory.NewDatabase("valet")
	db.EnablePrimaryKeyIndexes()
	provider := memory.NewDBProvider(db)
	engine := sqle.NewDefault(provider)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.NewServer(server.Config{
		Protocol: "tcp", Listener: ln, TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
	}, engine, sql.NewContext, memory.NewSessionBuilder(provider), nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); srv.Start() }()
	t.Cleanup(func() {
		srv.Close()
		await(t, ended)
		engine.Close()
	})
	return ln.Addr().String()
}
