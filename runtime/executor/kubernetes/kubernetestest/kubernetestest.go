// Package kubernetestest starts a real Kubernetes cluster for a test: API server, controllers, scheduler and nodes with containerd, on this
// machine (`up` beside it says what is needed, `make cluster` builds the program).
//
//	c := kubernetestest.Start(t, 2)
//	image := c.Image(t, "bin/mlp")
//	t.Setenv("KUBECONFIG", c.Config)
package kubernetestest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
}

// Start starts a cluster that ends with the test.
func Start(t testing.TB, nodes int) *Cluster {
	t.Helper()
	if os.Getenv(Required) == "" {
		t.Skip("tests on a cluster run by `make cluster-test`")
	}
	c := &Cluster{dir: t.TempDir(), client: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, // the certificate is its own, and the token ends with it
	}}
	t.Cleanup(func() { c.script(t, "down", c.dir) })
	c.script(t, "up", os.Getenv(Program), c.dir, fmt.Sprint(nodes))
	c.Config, c.server, c.token = filepath.Join(c.dir, "kubeconfig"), c.read(t, "server"), c.read(t, "token")
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

// Call makes a request of the API server and decodes the answer into to, which may be nil. It returns the status code.
func (c *Cluster) Call(t testing.TB, method, path, kind string, body, to any) int {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		text = nil
	}
	request, err := http.NewRequestWithContext(t.Context(), method, c.server+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", kind)
	response, err := c.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if to != nil {
		if err := json.Unmarshal(answer, to); err != nil {
			t.Fatalf("%s %s: %v\n%s", method, path, err, answer)
		}
	}
	return response.StatusCode
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
