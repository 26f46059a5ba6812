package serve

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// authority signs certificates of clients.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	a := authority{t: t}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.cert, a.key = a.sign(template)
	return a
}

// sign makes a certificate; the authority's own, while it has none.
func (a authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// client is a certificate of one, of that name and perhaps a URI.
func (a authority) client(name, uri string, until time.Time) tls.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if u, err := url.Parse(uri); err == nil && uri != "" {
		template.URIs = []*url.URL{u}
	}
	cert, key := a.sign(template)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// TestCertificatesOfClients: who may ask is told by the certificate of the connection, over REST and gRPC; that of a signer who is taken away ends at the next
// request, and one that runs out when it does.
func TestCertificatesOfClients(t *testing.T) {
	dir := t.TempDir()
	cert, key, signers := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "signers.pem")
	writeCertificate(t, cert, key, 1)
	one, other := newAuthority(t, "one"), newAuthority(t, "other")
	writePEM(t, signers, "CERTIFICATE", one.cert.Raw)
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.Cert, o.Key, o.Signers = cert, key, signers })
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	client := func(certificates ...tls.Certificate) *http.Client {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates}, ForceAttemptHTTP2: true}}
		t.Cleanup(c.CloseIdleConnections)
		return c
	}
	ask := func(c *http.Client, path string) int {
		response, err := c.Get(r.base + path)
		if err != nil {
			return 0 // the connection is refused
		}
		response.Body.Close()
		return response.StatusCode
	}
	hour := time.Now().Add(time.Hour)
	known, short := client(one.client("billing", "spiffe://shop/billing", hour)), client(one.client("short", "", time.Now().Add(2*time.Second)))
	if got := ask(known, "/v2/models/scorer"); got != 200 {
		t.Errorf("with a certificate: got %d", got)
	}
	if got := ask(short, "/v2/models/scorer"); got != 200 {
		t.Errorf("with one of two seconds: got %d", got)
	}
	for name, c := range map[string]*http.Client{"none": client(), "another's": client(other.client("billing", "", hour))} {
		if got := ask(c, "/v2/models/scorer"); got != 401 && got != 0 {
			t.Errorf("with %s: got %d", name, got)
		}
	}
	if got := ask(client(), "/v2/health/ready"); got != 200 {
		t.Errorf("health: got %d", got)
	}
	if got := ask(client(), "/metrics"); got != 401 {
		t.Errorf("metrics: got %d", got)
	}
	dial := func(certificates ...tls.Certificate) grpc.DialOption {
		return grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, Certificates: certificates}))
	}
	if _, err := r.caller(dial(one.client("grpc", "", hour))).ModelInfer(t.Context(), twoRows()); err != nil {
		t.Errorf("gRPC: %v", err)
	}
	if _, err := r.caller(dial()).ModelInfer(t.Context(), twoRows()); status.Code(err) != codes.Unauthenticated {
		t.Errorf("gRPC without: got %v", err)
	}
	log := r.log.String()
	for _, who := range []string{"caller=spiffe://shop/billing", "caller=short", "caller=grpc"} {
		if !strings.Contains(log, who) {
			t.Errorf("the log has no %s: %s", who, log)
		}
	}
	time.Sleep(2100 * time.Millisecond)
	if got := ask(short, "/v2/models/scorer"); got != 401 && got != 0 {
		t.Errorf("a certificate that has run out: got %d", got)
	}
	writePEM(t, signers, "CERTIFICATE", other.cert.Raw)
	if got := ask(known, "/v2/models/scorer"); got != 401 {
		t.Errorf("after its signer was taken away: got %d", got)
	}
	if got := ask(client(other.client("billing", "", hour)), "/v2/models/scorer"); got != 200 {
		t.Errorf("of the new signer: got %d", got)
	}
	for name, o := range map[string]Options{"no certificate of its own": {Signers: signers}, "a file without": {Cert: cert, Key: key, Signers: key}} {
		if err := newServer(o.withDefaults()).secure(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
