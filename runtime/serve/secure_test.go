package serve

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// writeCertificate makes one for 127.0.0.1 that signs itself, with that number.
func writeCertificate(t *testing.T, cert, key string, number int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(number), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, key, "PRIVATE KEY", secret)
	writePEM(t, cert, "CERTIFICATE", der)
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTLS: what is spoken is TLS 1.2 at least, with the certificate of the file as it is now; one that cannot be read leaves that of before.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key, 1)
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.Cert, o.Key = cert, key })
	if !strings.HasPrefix(r.base, "https://127.0.0.1:") {
		t.Fatalf("the server says that it is at %s", r.base)
	}
	serial := func(pool *x509.CertPool) string {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
		defer client.CloseIdleConnections()
		response, err := client.Post(r.base+"/v1/models/scorer/predict", "application/json", strings.NewReader(`{"rows": [`+goodRow+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, _ := io.ReadAll(response.Body); response.StatusCode != 200 {
			t.Errorf("got %d %s", response.StatusCode, body)
		}
		return response.TLS.PeerCertificates[0].SerialNumber.String()
	}
	pool := func() *x509.CertPool {
		out := x509.NewCertPool()
		text, err := os.ReadFile(cert)
		if err != nil || !out.AppendCertsFromPEM(text) {
			t.Fatalf("%s has no certificate: %v", cert, err)
		}
		return out
	}
	first := pool()
	if got := serial(first); got != "1" {
		t.Errorf("got the certificate %s, want 1", got)
	}
	if err := os.WriteFile(cert, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(first); got != "1" {
		t.Errorf("with a file of nonsense: got the certificate %s, want 1 as before", got)
	}
	if !strings.Contains(r.log.String(), "what was read before stays in force") {
		t.Error("the log does not say that the certificate cannot be read")
	}
	writeCertificate(t, cert, key, 2)
	if got := serial(pool()); got != "2" {
		t.Errorf("after it was renewed: got the certificate %s, want 2", got)
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}
	if c, err := tls.Dial("tcp", strings.TrimPrefix(r.base, "https://"), old); err == nil {
		c.Close()
		t.Error("a client of TLS 1.1 is answered")
	}
}

// TestTokens: who bears none of the tokens is told 401 everywhere but where the server says whether it is alive and ready.
func TestTokens(t *testing.T) {
	const a, b = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	path := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# who may ask\nbilling " + a + "\n")
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.Tokens = path })
	ask := func(path, authorization string) *http.Response {
		t.Helper()
		method, body := http.MethodGet, ""
		if strings.HasSuffix(path, "predict") || strings.HasSuffix(path, "infer") || strings.HasSuffix(path, "counterfactual") {
			method, body = http.MethodPost, `{"rows": [`+goodRow+`]}`
		}
		request, err := http.NewRequest(method, r.base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	for _, path := range []string{"/v2", "/v2/models/scorer", "/v2/models/scorer/ready", "/v2/models/none", "/v2/models/scorer/infer", "/v1/models/scorer/predict",
		"/v1/models/scorer/counterfactual", "/v1/models/scorer/openapi.json", "/metrics", "/", "/nothing"} {
		for _, authorization := range []string{"", "Bearer " + b, "Bearer", "Bearer ", "Basic " + a, a, "Bearer " + a + "x"} {
			if got := ask(path, authorization); got.StatusCode != 401 || got.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %q: got %d, want 401 with WWW-Authenticate", path, authorization, got.StatusCode)
			}
		}
	}
	for path, want := range map[string]int{"/v2/health/live": 200, "/v2/health/ready": 200} {
		if got := ask(path, ""); got.StatusCode != want {
			t.Errorf("%s without a token: got %d, want %d", path, got.StatusCode, want)
		}
	}
	const predict = "/v1/models/scorer/predict"
	for _, authorization := range []string{"Bearer " + a, "bearer " + a} {
		if got := ask(predict, authorization); got.StatusCode != 200 {
			t.Errorf("with %q: got %d, want 200", authorization, got.StatusCode)
		}
	}
	if log := r.log.String(); !strings.Contains(log, "caller=billing") || strings.Contains(log, a) || strings.Contains(log, b) {
		t.Errorf("the log must name the caller and no token:\n%s", log)
	}
	write("billing " + b + "\n")
	if got := ask(predict, "Bearer "+a); got.StatusCode != 401 {
		t.Errorf("with the token of before: got %d, want 401", got.StatusCode)
	}
	write("")
	if got := ask(predict, "Bearer "+b); got.StatusCode != 200 {
		t.Errorf("with an empty file: got %d, want 200 by the tokens of before", got.StatusCode)
	}
}

// TestSecrets: files that say nonsense end the server before it listens, and what is said of them shows no token.
func TestSecrets(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	dir := t.TempDir()
	path := filepath.Join(dir, "tokens")
	for _, test := range []struct{ text, want string }{
		{"", "nobody could ask"},
		{"billing short", "can be guessed"},
		{token, "has 1 words"},
		{"billing " + token + " more", "has 3 words"},
		{"billing " + token + "\nshop " + token, ":2: the token is also that of another caller"},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readCallers(path)(); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), token) {
			t.Errorf("%q: got %v, want an error with %q that shows no token", test.text, err, test.want)
		}
	}
	for _, o := range []Options{{Cert: path}, {Key: path}, {Cert: path, Key: path}, {Tokens: filepath.Join(dir, "none")}} {
		o.Addr, o.Releases, o.Open, o.Load = "127.0.0.1:0", newStore(t), newStore(t).open, newStore(t).load
		if err := Run(t.Context(), o); err == nil {
			t.Errorf("%+v: the server began", o)
		}
	}
}

// TestConcurrent: more requests than are worked on at a time are told to come back, and one that is answered makes room.
func TestConcurrent(t *testing.T) {
	s := newStore(t)
	s.gate = &stepModel{enter: make(chan struct{}), leave: make(chan struct{})}
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.MaxRequests = 1 })
	const path, body = "/v1/models/scorer/predict", `{"rows": [` + goodRow + `]}`
	status := make(chan int)
	one := func() { got, _ := r.call(path, body); status <- got }
	for range 2 {
		go one()
		<-s.gate.enter
		if response, text := r.request(path, body); response.StatusCode != 429 || response.Header.Get("Retry-After") == "" {
			t.Errorf("the second: got %d %s, want 429 with Retry-After", response.StatusCode, text)
		}
		s.gate.leave <- struct{}{}
		if got := <-status; got != 200 {
			t.Errorf("the first: got %d, want 200", got)
		}
	}
}

// TestDrain: a server that stops says at once that it is not ready, and answers until who sends requests has seen that.
func TestDrain(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.Drain = time.Second })
	r.stop()
	r.eventually("not ready", func() bool { status, _ := r.call("/v2/health/ready", ""); return status == 503 })
	if status, text := r.call("/v1/models/scorer/predict", `{"rows": [`+goodRow+`]}`); status != 200 {
		t.Errorf("while draining: got %d %s, want 200", status, text)
	}
	if err := <-r.done; err != nil {
		t.Errorf("got %v, want a clean end", err)
	}
	r.done <- nil
	if _, err := http.Get(r.base + "/v2/health/live"); err == nil {
		t.Error("it answers after its end")
	}
}

// TestOpenAPI: the schema of a row takes what is scored and refuses nothing that is.
func TestOpenAPI(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	release := s.releases["deploy.scorer"]
	release.Config = []byte(`{"key": ["customer", "items"]}`)
	s.set("scorer", release)
	r := start(t, s, nil)
	status, text := r.call("/v1/models/scorer/openapi.json", "")
	if status != 200 {
		t.Fatalf("got %d %s", status, text)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled := func(name string) *jsonschema.Schema {
		t.Helper()
		out, err := compiler.Compile("openapi.json#/components/schemas/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	request, answer, failed := compiled("Request"), compiled("Answer"), compiled("Error")
	fits := func(s *jsonschema.Schema, text string) bool {
		t.Helper()
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return s.Validate(v) == nil
	}
	refused := 0
	for field, values := range map[string][]string{
		`"amount": 50`:                       {`null`, `"50"`, `true`, `1e3`, `[1]`},
		`"items": 2`:                         {`null`, `2.5`, `2147483647`, `2147483648`, `-2147483649`, `"2"`, `2.0`},
		`"merchant": "M1"`:                   {`null`, `"new"`, `7`, `{}`},
		`"known": true`:                      {`null`, `1`, `"true"`, `false`},
		`"paid_at": "2024-05-01T12:00:00Z"}`: {`null}`, `5}`, `"2024-05-01"}`, `null, "customer": "c1"}`, `null, "customer": {"a": [1]}}`, `null, "customer": 7}`, `null, "other": 1}`},
	} {
		name, _, _ := strings.Cut(field, ":")
		for _, value := range append(values, "") {
			row := strings.Replace(goodRow, field, name+": "+value, 1)
			if value == "" && !strings.HasSuffix(field, "}") {
				row = strings.Replace(goodRow, field+", ", "", 1)
			} else if value == "" {
				row = strings.Replace(goodRow, ", "+field, "}", 1)
			}
			body := `{"rows": [` + row + `]}`
			status, text := r.call("/v1/models/scorer/predict", body)
			if got := fits(request, body); got != (status == 200) {
				t.Errorf("%s: the schema says %v, the server %d %s", row, got, status, text)
			}
			switch {
			case status == 200 && !fits(answer, text):
				t.Errorf("the answer %s does not fit its schema", text)
			case status != 200 && !fits(failed, text):
				t.Errorf("the error %s does not fit its schema", text)
			case status != 200:
				refused++
			}
		}
	}
	if refused < 15 {
		t.Errorf("%d rows are refused, fewer than were meant to be", refused)
	}
}
