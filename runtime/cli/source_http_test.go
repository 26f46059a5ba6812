package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const httpModule = `pipeline "shop" {}

secret "shop" { env = "MLP_TEST_SHOP_TOKEN" }

source "csv" "orders" {
  path  = "%s/orders.csv"
  token = secret.shop

  column "id"     { type = "bigint" }
  column "amount" { type = "double" }
}

dataset "big" {
  from = [source.orders]
  sql  = "select * from orders where amount > 2"
}
`

// TestHTTPSource takes a file elsewhere through all that becomes of it: known and not known, changed, out of reach, and read again
// without a network.
func TestHTTPSource(t *testing.T) {
	const token = "a-token-that-opens-the-shop"
	t.Setenv("MLP_TEST_SHOP_TOKEN", token)
	var text atomic.Value
	text.Store("id,amount\n1,2.5\n2,1\n")
	var got atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		now := text.Load().(string)
		sum := sha256.Sum256([]byte(now))
		w.Header().Set("ETag", fmt.Sprintf("%q", hex.EncodeToString(sum[:4])))
		if r.Method == http.MethodGet {
			got.Add(1)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(now))
	}))
	defer server.Close()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "p.mlp"), fmt.Sprintf(httpModule, server.URL))
	step := func(code int, wants []string, args ...string) {
		t.Helper()
		stdout, stderr, exit := run(t, dir, args...)
		for _, want := range wants {
			if !strings.Contains(stdout+stderr, want) {
				t.Errorf("%s does not say %q:\n%s%s", strings.Join(args, " "), want, stdout, stderr)
			}
		}
		if exit != code || strings.Contains(stdout+stderr, token) {
			t.Fatalf("%s: exit code %d\n%s%s", strings.Join(args, " "), exit, stdout, stderr)
		}
	}
	apply := []string{"apply", "--auto-approve", "--executor", "process"}
	saved := filepath.Join(t.TempDir(), "saved.json")

	step(0, []string{"3 to run", "is not known, for it has not been fetched yet", "An apply asks again"}, "plan", "--offline")
	step(0, []string{"3 to run"}, "plan", "--refresh")
	step(0, []string{"3 ran"}, apply...)
	step(0, []string{"nothing to do, 3 cached"}, "plan", "--refresh")
	if n := got.Load(); n != 1 {
		t.Errorf("the file was fetched %d times", n)
	}

	text.Store("id,amount\n1,2.5\n2,1\n3,9\n")
	step(0, []string{"1 to run, 2 may run", `version of ` + server.URL + `/orders.csv  ETag "`, "runs      source.orders@fetch"}, "plan")
	step(0, []string{"nothing to do, 3 cached", "It is taken as recorded in revision"}, "plan", "--offline")
	step(0, []string{"nothing to do, 3 cached", "It is taken as recorded in revision"}, "apply", "--offline", "--auto-approve", "--executor", "process")
	step(0, []string{"3 ran"}, apply...)

	// A saved plan fetches what it says, and nothing that came since.
	text.Store("id,amount\n1,2.5\n2,1\n3,9.5\n")
	step(0, []string{"1 to run"}, "plan", "--out", saved)
	text.Store("id,amount\n1,2.5\n2,1\n3,9.6\n")
	step(1, []string{"changed since the plan was made", "Plan again"}, append(apply, saved)...)
	step(0, []string{"1 to run"}, "plan", "--out", saved)
	step(0, []string{"3 ran"}, append(apply, saved)...)

	// What is changed without a change of the rows ends at the source.
	text.Store("id,amount\n2,1\n3,9.6\n1,2.5\n")
	step(0, []string{"2 ran, 1 cached"}, apply...)

	t.Setenv("MLP_TEST_SHOP_TOKEN", "another-token")
	step(1, []string{"answers 401 Unauthorized", "It does not take the token", "MLP1710"}, "plan")
	if err := os.Unsetenv("MLP_TEST_SHOP_TOKEN"); err != nil {
		t.Fatal(err)
	}
	step(0, []string{"nothing to do", "MLP_TEST_SHOP_TOKEN, which is not set", "It is taken as recorded"}, "plan")
	server.Close()
	t.Setenv("MLP_TEST_SHOP_TOKEN", token)
	step(0, []string{"nothing to do", "does not answer", "It is taken as recorded"}, "plan")
	step(1, []string{"does not answer", "MLP1710"}, "plan", "--refresh")
	// The bytes are in the store: they are read again with nobody there.
	step(0, []string{"1 ran"}, append(apply, "--force", "source.orders")...)
	step(1, []string{"does not answer"}, append(apply, "--force", "source.orders@fetch")...)

	err := filepath.WalkDir(filepath.Join(dir, ".mlp"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), token) {
			t.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSourceHTTPS reads from a server whose certificate the operator vouches for by SSL_CERT_FILE, in a plan and in a fetch's own process;
// without that, and where it leads on to a server without one, nothing is read.
func TestSourceHTTPS(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Error("the server without TLS was asked")
	}))
	defer plain.Close()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved.csv" {
			http.Redirect(w, r, plain.URL+"/orders.csv", http.StatusFound)
			return
		}
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("id,amount\n1,2.5\n"))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	certificate := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	module := func(name string) string {
		dir := t.TempDir()
		text := fmt.Sprintf("pipeline \"p\" {}\nsource \"csv\" \"orders\" {\n  path = %q\n  column \"id\" { type = \"bigint\" }\n}\n", server.URL+"/"+name)
		if err := os.WriteFile(filepath.Join(dir, "p.mlp"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dir := module("orders.csv")
	if stdout, stderr, code := run(t, dir, "apply", "--auto-approve", "--executor", "process"); code == 0 || !strings.Contains(stdout+stderr, "certificate") {
		t.Errorf("nobody vouches for the server: exit code %d\n%s%s", code, stdout, stderr)
	}
	t.Setenv("SSL_CERT_FILE", certificate)
	if stdout, stderr, code := run(t, dir, "apply", "--auto-approve", "--executor", "process"); code != 0 || !strings.Contains(stdout, "2 ran") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := run(t, module("moved.csv"), "apply", "--auto-approve", "--executor", "process"); code == 0 || !strings.Contains(stdout+stderr, "redirects from https to http") {
		t.Errorf("led on to http: exit code %d\n%s%s", code, stdout, stderr)
	}
}

// TestFetchBesideContainers: where stages are containers, the fetch reaches the network and its secret as a process, and what parses the file is a
// container that has neither.
func TestFetchBesideContainers(t *testing.T) {
	if !engineAnswers(t) {
		t.Skip("no container engine answers")
	}
	const token = "a-token-that-opens-the-shop"
	t.Setenv("MLP_TEST_SHOP_TOKEN", token)
	var got atomic.Int64
	text := "id,amount\n1,2.5\n2,x\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodGet {
			got.Add(1)
		}
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
	}))
	defer server.Close()
	dir := t.TempDir()
	module := fmt.Sprintf(httpModule, server.URL)
	writeFile(t, filepath.Join(dir, "p.mlp"), module)
	began := time.Now()
	apply := []string{"apply", "--auto-approve", "--executor", "docker"}
	says(t, dir, token, 1, []string{"source.orders@fetch done", `orders.csv line 3: column "amount" holds "x"`}, apply...)
	writeFile(t, filepath.Join(dir, "p.mlp"), strings.Replace(strings.Replace(module, `{ type = "double" }`, `{ type = "varchar" }`, 1), "amount > 2", "id > 1", 1))
	says(t, dir, token, 0, []string{"2 ran, 1 cached"}, apply...)
	if n := got.Load(); n != 1 {
		t.Errorf("the file was fetched %d times", n)
	}
	made := happened(t, began, "container", "create", "{{.Actor.ID}}", "--filter", "label=mlp.store="+filepath.Join(dir, ".mlp"))
	if len(made) == 0 {
		t.Fatal("nothing ran in a container")
	}
	joined := happened(t, began, "network", "connect", "{{.Actor.Attributes.container}} {{.Actor.Attributes.name}}")
	for _, id := range made {
		of := slices.DeleteFunc(slices.Clone(joined), func(line string) bool { return !strings.HasPrefix(line, id+" ") })
		if len(of) != 1 || of[0] != id+" none" {
			t.Errorf("a container of the apply joined the networks %q", of)
		}
	}
	noContainers(t, dir)
}

// happened are the events of the engine of one kind since a time, a line each.
func happened(t *testing.T, since time.Time, kind, event, format string, filters ...string) []string {
	t.Helper()
	args := append([]string{"events", "--since", since.Format(time.RFC3339Nano), "--until", time.Now().Format(time.RFC3339Nano),
		"--filter", "type=" + kind, "--filter", "event=" + event, "--format", format}, filters...)
	out, err := exec.Command("docker", args...).Output()
	if err != nil {
		t.Fatalf("asking the engine what happened: %v", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}
