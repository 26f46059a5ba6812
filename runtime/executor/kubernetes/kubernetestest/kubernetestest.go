// Package kubernetestest starts a real Kubernetes cluster for a test: API server, controllers, scheduler and nodes with containerd, on this
// machine (`up` beside it says what is needed, `make cluster` builds the program).
//
//	c := kubernetestest.Start(t, 2)
//	image := c.Image(t, "bin/mlp")
//	t.Setenv("KUBECONFIG", c.Config)
package kubernetestest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// Required is the variable of the environment without which tests on a cluster are skipped; Program the one that names what `make cluster` built.
const (
	Required = "MLP_REQUIRE_CLUSTER"
	Program  = "MLP_CLUSTER"
)

// Cluster is one that runs.
type Cluster struct {
	Config string // the file of its kubeconfig
	dir    string
	server string
	token  string
	client *http.Client
	loaded map[string]bool // images that the nodes have
}

// Start starts a cluster that ends with the test. Without nodes of its own it is a control plane for those of Play.
func Start(t testing.TB, nodes int) *Cluster {
	t.Helper()
	if os.Getenv(Required) == "" {
		t.Skip("tests on a cluster run by `make cluster-test`")
	}
	c := &Cluster{dir: t.TempDir(), loaded: map[string]bool{}, client: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // the certificate is its own, and the token ends with it
	}}
	t.Cleanup(func() { c.script(t, "down", c.dir) })
	c.script(t, "up", os.Getenv(Program), c.dir, fmt.Sprint(nodes), Address(t))
	c.Config, c.server, c.token = filepath.Join(c.dir, "kubeconfig"), c.read(t, "server"), c.read(t, "token")
	if nodes > 0 {
		c.serveNames(t, Address(t))
	}
	return c
}

func (c *Cluster) read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// script runs a script of this folder.
func (c *Cluster) script(t testing.TB, name string, args ...string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/mlp-lang/mlp/runtime/executor/kubernetes/kubernetestest").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(strings.TrimSpace(string(out)), name), args...)
	// What a script starts must not hold the pipe that its output comes by, so it is a file.
	said, err := os.CreateTemp(t.TempDir(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(said.Name())
		t.Fatalf("%s: %v\n%s", name, err, text)
	}
}

// Image makes an image with a program as /bin/mlp and nothing else but /tmp, brings it to all nodes, and returns its name.
func (c *Cluster) Image(t testing.TB, program string) string {
	t.Helper()
	root := t.TempDir()
	const name = "mlp/stage:test"
	const do = `chmod 755 "$0" && mkdir -m 755 "$0/bin" && mkdir -m 1777 "$0/tmp" && install -m 755 "$1" "$0/bin/mlp" && tar -C "$0" -c . | docker import - ` + name
	if out, err := exec.Command("sh", "-c", do, root, program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c.script(t, "load", c.dir, name)
	return "docker.io/" + name
}

// Load brings an image of the local engine to all nodes, unless they have it.
func (c *Cluster) Load(t testing.TB, name string) {
	t.Helper()
	if !c.loaded[name] {
		c.script(t, "load", c.dir, name)
		c.loaded[name] = true
	}
}

// Program makes an image of busybox, for programs of the shell, by that name in the local engine, and brings it to all nodes.
func (c *Cluster) Program(t testing.TB, name string) {
	t.Helper()
	const do = `mkdir -p "$0/bin" && cp "$(command -v busybox)" "$0/bin/busybox" && for a in sh cat wc env grep cut sed tail echo nc sleep mv; do ln -s busybox "$0/bin/$a"; done && tar -C "$0" -c . | docker import -c 'ENV PATH=/bin' - "$1"`
	if out, err := exec.Command("sh", "-c", do, t.TempDir(), name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c.script(t, "load", c.dir, name)
}

// Apply creates the objects of a list that is YAML, each of which must be new.
func (c *Cluster) Apply(t testing.TB, list string) {
	t.Helper()
	var all struct{ Items []map[string]any }
	if err := yaml.Unmarshal([]byte(list), &all); err != nil || len(all.Items) == 0 {
		t.Fatalf("got %v, %v", all, err)
	}
	for _, o := range all.Items {
		version, _ := o["apiVersion"].(string)
		kind, _ := o["kind"].(string)
		group, plural := "/apis/"+version, strings.ToLower(kind)+"s"
		if version == "v1" {
			group = "/api/v1"
		}
		if base, ok := strings.CutSuffix(plural, "ys"); ok {
			plural = base + "ies"
		}
		if code := c.Call(t, http.MethodPost, group+"/namespaces/default/"+plural, "application/json", o, nil); code != http.StatusCreated {
			t.Fatalf("creating %s: status %d\n%v", kind, code, o)
		}
	}
}

// tokenOf is a token of a service account of the namespace default.
func (c *Cluster) tokenOf(t testing.TB, account string) string {
	t.Helper()
	var answer struct{ Status struct{ Token string } }
	c.Call(t, http.MethodPost, "/api/v1/namespaces/default/serviceaccounts/"+account+"/token", "application/json",
		map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": map[string]any{}}, &answer)
	if answer.Status.Token == "" {
		t.Fatalf("no token for %s", account)
	}
	return answer.Status.Token
}

// As writes a kubeconfig of a service account of the namespace default, and returns its path.
func (c *Cluster) As(t testing.TB, account string) string {
	t.Helper()
	text, err := os.ReadFile(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), c.token, c.tokenOf(t, account))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// CallAs is Call as a service account, without an answer.
func (c *Cluster) CallAs(t testing.TB, account, method, path string) int {
	t.Helper()
	as := *c
	as.token = c.tokenOf(t, account)
	return as.Call(t, method, path, "", nil, nil)
}

// Host and Port are where the API server is, also for pods.
func (c *Cluster) Host() string { return c.at().Hostname() }

// Port is the other half of Host.
func (c *Cluster) Port() string { return c.at().Port() }

func (c *Cluster) at() *url.URL {
	u, err := url.Parse(c.server)
	if err != nil {
		panic(err) // `up` wrote it
	}
	return u
}

// Text is the answer to a request for what is no JSON, such as a log; that of a request which fails too.
func (c *Cluster) Text(t testing.TB, path string) string {
	t.Helper()
	_, answer := c.call(t, http.MethodGet, path, "", nil)
	return string(answer)
}

// Call makes a request of the API server, also while a test cleans up, and decodes the answer into to, which may be nil. It returns the status code.
func (c *Cluster) Call(t testing.TB, method, path, kind string, body, to any) int {
	t.Helper()
	code, answer := c.call(t, method, path, kind, body)
	if to != nil {
		if err := json.Unmarshal(answer, to); err != nil {
			t.Fatalf("%s %s: %v\n%s", method, path, err, answer)
		}
	}
	return code
}

func (c *Cluster) call(t testing.TB, method, path, kind string, body any) (int, []byte) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		text = nil
	}
	code, answer, err := c.do(context.WithoutCancel(t.Context()), method, path, kind, text)
	if err != nil {
		t.Fatal(err)
	}
	return code, answer
}

// do makes a request of the API server.
func (c *Cluster) do(ctx context.Context, method, path, kind string, body []byte) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", kind)
	response, err := c.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// Address is an address of this machine that pods reach: that of a route to elsewhere, for pods are behind bridges of their own.
func Address(t testing.TB) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return ip.IP.String()
		}
	}
	t.Fatal("this machine has no address beside the loopback")
	return ""
}
