package cli

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/executor/kubernetes/kubernetestest"
	"github.com/mlp-lang/mlp/runtime/executor/registry/registrytest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// pythonImage brings the image of the examples in Python to the nodes. Without it the test is skipped, or fails where MLP_REQUIRE_PYTHON_IMAGE is set.
func pythonImage(t *testing.T, c *kubernetestest.Cluster) {
	t.Helper()
	const image = "mlp-example-python:1"
	if err := exec.Command("docker", "image", "inspect", image).Run(); err != nil {
		if os.Getenv("MLP_REQUIRE_PYTHON_IMAGE") == "1" {
			t.Fatalf("MLP_REQUIRE_PYTHON_IMAGE=1, and no image %s", image)
		}
		t.Skipf("no image %s: examples/python/image.sh makes it", image)
	}
	c.Load(t, image)
}

// registryOnCluster: an image that is built here is pushed to a registry, and the nodes pull it from there, each side with credentials of its own.
func registryOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	host := registrytest.Start(t) // on the loopback, which is the nodes' too
	registrytest.Login(t, host, registrytest.User, registrytest.Password)
	t.Setenv(workspace.KubeRegistryVariable, host+"/team/mlp")
	t.Setenv(workspace.KubePullSecretVariable, "pull")
	files := map[string]string{
		"p.mlp": `pipeline "p" {}

image "build" "tool" { files = ["says.sh"] }

stage "container" "report" {
  image   = image.tool
  command = ["sh", "/says.sh"]
}
`,
		"Dockerfile": "FROM mlp/program:test\nCOPY says.sh /\n", "says.sh": "echo reported; echo 42 > $MLP_OUT_FILES/answer\n",
	}
	here, there := t.TempDir(), t.TempDir()
	for name, text := range files {
		writeFile(t, filepath.Join(here, name), text)
		writeFile(t, filepath.Join(there, name), text)
	}
	mustRun(t, here, "apply", "--auto-approve", "--executor", "docker")
	want := results(t, here)
	t.Setenv(workspace.StoreVariable, s.URL("models/registry"))

	// Who applies may not push.
	registrytest.Login(t, host, registrytest.User, "guess")
	ends(t, there, 1, []string{"pushing the image that stage.report runs in", host, "docker login " + host}, applyOnCluster...)
	registrytest.Login(t, host, registrytest.User, registrytest.Password)
	// The nodes may not pull: by no Secret, and by one with a wrong password.
	ends(t, there, 1, []string{"the image that stage.report was to run in cannot be had", host + "/team/mlp@sha256:", workspace.KubePullSecretVariable}, applyOnCluster...)
	remove := pullSecret(t, c, host, "guess")
	ends(t, there, 1, []string{"the image that stage.report was to run in cannot be had", "401 Unauthorized", workspace.KubePullSecretVariable}, applyOnCluster...)
	remove()
	pullSecret(t, c, host, registrytest.Password)
	mustRun(t, there, applyOnCluster...)
	if diff := cmp.Diff(want, results(t, there)); diff != "" {
		t.Errorf("-docker +kubernetes\n%s", diff)
	}
	ends(t, there, 0, []string{"reported"}, "logs", "stage.report")
	var pulled struct {
		Items []struct{ Message string }
	}
	c.Call(t, http.MethodGet, "/api/v1/namespaces/default/events?fieldSelector=reason=Pulled", "", nil, &pulled)
	n := 0
	for _, e := range pulled.Items {
		if strings.HasPrefix(e.Message, `Successfully pulled image "`+host+"/team/mlp@sha256:") {
			n++
		}
	}
	if n == 0 {
		t.Errorf("no node pulled it: %+v", pulled.Items)
	}
}

// pullSecret makes the Secret by which nodes pull from a registry.
func pullSecret(t *testing.T, c *kubernetestest.Cluster, host, password string) (remove func()) {
	t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte(registrytest.User + ":" + password))
	return post(t, c, secrets, "pull", map[string]any{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
		"stringData": map[string]string{".dockerconfigjson": fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, auth)}})
}

// pythonExampleOnCluster: the example in Python yields what it does by docker.
func pythonExampleOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	pythonImage(t, c)
	sameOnCluster(t, c, s, "python", "docker")
}
