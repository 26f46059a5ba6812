package ci_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// TestRoles: by policy.json each role may do what the workflows have it do, and no more.
func TestRoles(t *testing.T) {
	w := newWorld(t)
	c := w.clone("main")
	as := func(role string, ok bool, args ...string) {
		t.Helper()
		t.Setenv("AWS_ACCESS_KEY_ID", role)
		out, code := c.exits(args...)
		if denied := strings.Contains(out, "AccessDenied"); ok != (code == 0) || ok == denied {
			t.Errorf("%s: mlp %s: exit code %d\n%s", role, strings.Join(args, " "), code, out)
		}
	}
	apply := []string{"apply", "--auto-approve", "--executor", "process"}
	try := append([]string{"--workspace", "pr-1"}, append(apply, "--base", "default")...)
	production := filepath.Join(w.s3.Dir, "models/fraud/log/fraud/default")

	as("mlp-read", true, "plan", "--refresh")
	as("mlp-read", false, try...)
	as("mlp-try", false, apply...)
	if _, err := os.Stat(production); err == nil {
		t.Error("mlp-try recorded something of production")
	}
	as("mlp-try", true, try...)
	as("mlp-apply", true, apply...)
	if _, err := os.Stat(production); err != nil {
		t.Error(err)
	}
	as("mlp-read", true, "store", "verify")
	as("mlp-read", false, "workspace", "remove", "pr-1")
	as("mlp-try", false, "workspace", "remove", "default", "--force")
	as("mlp-try", true, "workspace", "remove", "pr-1")
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
	has(t, "what is live", c.mlp("show", "deploy.scorer"), "train.model")
}
