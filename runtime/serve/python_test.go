package serve

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPythonCalls: a client of Python's library, with a stub made of the protocol's messages, over TLS. It needs Debian's python3-grpcio and
// python3-grpc-tools, and is left out where they are not there, unless MLP_REQUIRE_PYTHON_GRPC=1 says that they must be.
func TestPythonCalls(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's, which has its packages
	dir := t.TempDir()
	out, err := exec.Command(python, "-m", "grpc_tools.protoc", "-Iopeninference", "--python_out="+dir, "--grpc_python_out="+dir, "openinference/open_inference.proto").CombinedOutput()
	if err != nil && os.Getenv("MLP_REQUIRE_PYTHON_GRPC") != "1" {
		t.Skipf("no stub for Python can be made: %v %s", err, out)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cert, key, tokens := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "tokens")
	writeCertificate(t, cert, key, 1)
	const token = "0123456789abcdef0123456789abcdef"
	if err := os.WriteFile(tokens, []byte("billing "+token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.Cert, o.Key, o.Tokens = cert, key, tokens })
	cmd := exec.Command(python, "testdata/calls.py", strings.TrimPrefix(r.base, "https://"), token, cert)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+dir, "PYTHONDONTWRITEBYTECODE=1")
	got, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	const answer = `{"id": "p", "outputs": {"predicted": ["true", "false"], "score": [0.625, 0.0]}, "parameters": {"missing.amount": 1, "unseen.merchant": 2}}`
	want := strings.Join([]string{
		`{"live": true, "ready": true}`,
		`{"inputs": {"amount": "FP64", "items": "INT32", "merchant": "BYTES", "known": "BOOL", "paid_at": "BYTES"}}`,
		answer, answer,
		`{"raw": [0.625, 0.0]}`,
		`{"code": "NOT_FOUND", "details": "there is no model \"scorr\"; did you mean \"scorer\"?"}`,
		`{"code": "INVALID_ARGUMENT", "details": "input \"amount\" is missing; give nulls where its values are not known"}`,
		`{"code": "UNAUTHENTICATED", "details": "this server asks for a token; send it as Authorization: Bearer TOKEN"}`,
	}, "\n") + "\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
