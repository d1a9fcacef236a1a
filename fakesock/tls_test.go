package fakesock

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"
)

// certificate is self-signed for 127.0.0.1.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true,
		BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestTLSOverBothEnds(t *testing.T) {
	l := startLoop(t)
	cert, pool := certificate(t)
	a, b := fakePair(t, l, "tcp4")
	client := tls.Client(a, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
	server := tls.Server(b, &tls.Config{Certificates: []tls.Certificate{cert}})
	echoed := async(func() (int, error) {
		n, err := io.Copy(server, server)
		server.CloseWrite()
		return int(n), err
	})
	data := make([]byte, 3<<20)
	rand.Read(data)
	wrote := async(func() (int, error) {
		defer client.CloseWrite()
		return client.Write(data)
	})
	got, err := io.ReadAll(client)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("read %d bytes of %d, %v", len(got), len(data), err)
	}
	if r := await(t, wrote); r.err != nil {
		t.Fatal(r.err)
	}
	if r := await(t, echoed); r.err != nil {
		t.Fatal(r.err)
	}
	if client.NetConn() != net.Conn(a) {
		t.Error("probes cannot unwrap the connection")
	}
}
