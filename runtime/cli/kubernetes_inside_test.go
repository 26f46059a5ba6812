package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/executor/kubernetes/kubernetestest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// insideOnCluster: an apply that is a pod itself, as the account that 'mlp plan --manifests' prints, finds the cluster that it is in, runs its stages there, and
// yields what one does that looks from outside.
func insideOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := clusterModule(t)
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	want := results(t, dir)
	if err := os.RemoveAll(filepath.Join(dir, workspace.StoreName)); err != nil {
		t.Fatal(err)
	}
	url := s.URL("models/inside")
	t.Setenv(workspace.StoreVariable, url)
	grant(t, c, mustRun(t, dir, "plan", "--manifests"))
	if err := os.RemoveAll(filepath.Join(dir, workspace.StoreName)); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{"a.csv", "p.mlp"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	post(t, c, "/api/v1/namespaces/default/configmaps", "module", map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": files})
	env := []any{}
	for name, value := range map[string]string{
		workspace.StoreVariable: url, workspace.KubeImageVariable: os.Getenv(workspace.KubeImageVariable), workspace.KubeSecretVariable: "bucket", "HOME": "/tmp",
		"KUBERNETES_SERVICE_HOST": c.Host(), "KUBERNETES_SERVICE_PORT": c.Port(), // there is no kube-proxy, which has the address of the service
	} {
		env = append(env, map[string]any{"name": name, "value": value})
	}
	mount := func(name, at, sub string) map[string]any {
		return map[string]any{"name": name, "mountPath": at, "subPath": sub}
	}
	remove := post(t, c, pods, "apply", map[string]any{"apiVersion": "v1", "kind": "Pod", "spec": map[string]any{
		"serviceAccountName": "mlp-apply", "restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
		"securityContext": map[string]any{"runAsUser": 65534, "runAsGroup": 65534, "fsGroup": 65534},
		"containers": []any{map[string]any{
			"name": "apply", "image": os.Getenv(workspace.KubeImageVariable), "imagePullPolicy": "Never", "env": env,
			"envFrom":      []any{map[string]any{"secretRef": map[string]any{"name": "bucket"}}},
			"command":      append([]string{"/bin/mlp", "-C", "/module"}, applyOnCluster...),
			"volumeMounts": []any{mount("work", "/module", ""), mount("work", "/tmp", ""), mount("files", "/module/a.csv", "a.csv"), mount("files", "/module/p.mlp", "p.mlp")},
		}},
		"volumes": []any{map[string]any{"name": "work", "emptyDir": map[string]any{}}, map[string]any{"name": "files", "configMap": map[string]any{"name": "module"}}},
	}})
	var p aPod
	for end := time.Now().Add(2 * time.Minute); p.Status.Phase != "Succeeded" && p.Status.Phase != "Failed"; time.Sleep(time.Second) {
		if c.Call(t, http.MethodGet, pods+"/apply", "", nil, &p); time.Now().After(end) {
			break
		}
	}
	if log := c.Text(t, pods+"/apply/log"); p.Status.Phase != "Succeeded" || !strings.Contains(log, "Applied: 2 ran") {
		t.Fatalf("its pod is %s\n%s", p.Status.Phase, log)
	}
	remove()
	if diff := cmp.Diff(want, results(t, dir)); diff != "" {
		t.Errorf("-process +inside\n%s", diff)
	}
	if text := mustRun(t, dir, "show", "dataset.b", "--format", "json"); !strings.Contains(text, `"kubernetes"`) {
		t.Errorf("it ran elsewhere:\n%s", text)
	}
}
