package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zeebo/blake3"
)

// secretImage is the image of examples/python, which has a shell and Python.
const secretImage = "mlp-example-python:1"

// secretModule trains with a command that prints its secrets in all ways, and does with them what script says.
func secretModule(script string) string {
	return fmt.Sprintf(`pipeline "p" {}

source "csv" "x" {
  path = "x.csv"
  column "a" { type = "double" }
  column "y" { type = "boolean" }
}

secret "token" {
  env     = "MLP_TEST_TOKEN"
  version = "1"
}

secret "key" { file = "key.pem" }

train "container" "m" {
  data     = source.x
  target   = "y"
  features = ["a"]
  task     = "binary_classification"
  image    = %q
  command  = ["python3", "-c", <<-PY
    import base64, json, os, sys, urllib.parse
    t = open("/mlp/secrets/token").read()
    k = open("/mlp/secrets/key").read()
    print("token", t, flush=True)
    print(k, file=sys.stderr, flush=True)
    sys.stdout.write(t[:5]); sys.stdout.flush(); sys.stdout.write(t[5:] + "\n"); sys.stdout.flush()
    print(json.dumps({"mlp": "warning", "message": "warned of " + t + " and " + k}), flush=True)
    print(json.dumps({"request": {"token": t, "key": k}}), t.encode().hex(), t.encode().hex().upper(), urllib.parse.quote(t), urllib.parse.quote_plus(t))
    for user in ["", "a:", "ab:", "abc:"]:
        print("Basic", base64.b64encode((user + t).encode()).decode(), base64.urlsafe_b64encode((user + t + ":x").encode()).decode(), flush=True)
    assert not any(t in v for v in os.environ.values())
    assert "MLP_TEST_TOKEN" not in os.environ
    %s
  PY
  ]
  secrets = [secret.token, secret.key]
}
`, secretImage, script)
}

const (
	canaryToken = `canary "token" \é<93c1f0aa>?~`
	canaryKey   = "-----BEGIN KEY-----\ncanary-key-51d2\ncanary-key-77e4\n-----END KEY-----"
)

// TestSecretsAreWrittenNowhere plants canaries and looks for them in every byte that is left or printed.
func TestSecretsAreWrittenNowhere(t *testing.T) {
	if !engineAnswers(t) || exec.Command("docker", "image", "inspect", secretImage).Run() != nil {
		if os.Getenv("MLP_REQUIRE_PYTHON_IMAGE") != "" {
			t.Fatalf("MLP_REQUIRE_PYTHON_IMAGE is set and there is no image %s", secretImage)
		}
		t.Skipf("SKIPPED: it needs a container engine with the image %s (make it with examples/python)", secretImage)
	}
	cases := []struct {
		name, script string
		want         string // on standard error or output
		code         int
	}{
		{"used well", `open("/mlp/out/model/m.txt", "w").write("model")`, "Applied: 2 ran", 0},
		{"fails with it", `sys.exit("wrong: " + t)`, "wrong: (secret.token)", 1},
		{"tells it as an error", `print(json.dumps({"mlp": "error", "summary": "bad " + t, "detail": k})); sys.exit(1)`, "bad (secret.token)", 1},
		{"writes it into the model", `open("/mlp/out/model/m.txt", "w").write("x" * 3000000 + t)`, "wrote the value of secret.token down", 1},
		{"writes it into the model, coded", `open("/mlp/out/model/m.txt", "w").write(base64.b64encode(("user:" + t).encode()).decode())`, "wrote the value of secret.token down", 1},
		{"writes it into a figure", `open("/mlp/out/model/m.txt", "w").write("m"); open("/mlp/out/metrics.json", "w").write(json.dumps({t: 1}))`, "wrote the value of secret.token down", 1},
		{"writes it into a name", `open("/mlp/out/model/" + t.replace("/", ""), "w")`, "wrote the value of secret.token down", 1},
		{"leaves it in the checkpoint", `open("/mlp/checkpoint/c", "w").write(k); sys.exit(1)`, "ended with exit code 1", 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			files := map[string]string{"main.mlp": secretModule(c.script), "x.csv": "a,y\n1.0,true\n2.0,false\n"}
			for name, text := range files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "key.pem"), []byte(canaryKey+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("MLP_TEST_TOKEN", canaryToken)
			printed, code := "", 0
			t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
			if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o777); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"plan", "--format", "json", "--out", "plan.json"}, {"apply", "--auto-approve", "--executor", "docker"},
				{"logs", "train.m"}, {"show"}, {"show", "--format", "json"}, {"explain", "train.m"}, {"graph", "--format", "svg"}, {"plan", "--all"}} {
				cmd := exec.Command(mlp, append([]string{"-C", dir}, args...)...)
				cmd.Dir = dir
				out, _ := cmd.CombinedOutput()
				printed += string(out)
				if args[0] == "apply" {
					code = cmd.ProcessState.ExitCode()
				}
			}
			if !strings.Contains(printed, c.want) || code != c.code {
				t.Errorf("exit code %d, want %d, and %q in:\n%s", code, c.code, c.want, printed)
			}
			if !strings.Contains(printed, "token (secret.token)") {
				t.Errorf("the log does not say where the secret was printed:\n%s", printed)
			}
			for name, text := range everyByte(t, dir) {
				noCanary(t, name, text)
			}
			noCanary(t, "what was printed", []byte(printed))
			if left, _ := filepath.Glob("/dev/shm/mlp-secrets-*"); len(left) > 0 {
				t.Errorf("secrets are left: %v", left)
			}
		})
	}
	noCanary(t, "the image of built-in components", builtinLayers(t))
}

// builtinLayers is the image of built-in components as the engine holds it: all its layers and its configuration.
func builtinLayers(t *testing.T) []byte {
	t.Helper()
	binary, err := os.ReadFile(mlp)
	if err != nil {
		t.Fatal(err)
	}
	sum := blake3.Sum256(binary)
	name := "mlp-stage:" + hex.EncodeToString(sum[:])[:12]
	layers, err := exec.Command("docker", "save", name).Output()
	if err != nil {
		t.Fatalf("saving %s: %v", name, err)
	}
	config, err := exec.Command("docker", "image", "inspect", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) < len(binary) {
		t.Errorf("got %d bytes of layers, want the binary's %d and more: are they packed?", len(layers), len(binary))
	}
	return append(layers, config...)
}

func noCanary(t *testing.T, where string, text []byte) {
	t.Helper()
	coded, _ := json.Marshal(canaryToken) // a string can be
	sha, blake := sha256.Sum256([]byte(canaryToken)), blake3.Sum256([]byte(canaryToken))
	for _, canary := range []string{canaryToken, "canary-key-51d2", "canary-key-77e4", "93c1f0aa", strings.Trim(string(coded), `"`),
		hex.EncodeToString([]byte(canaryToken)), strings.ToUpper(hex.EncodeToString([]byte(canaryToken))), hex.EncodeToString(sha[:]), hex.EncodeToString(blake[:]),
		base64.StdEncoding.EncodeToString([]byte(canaryToken))[:30], base64.StdEncoding.EncodeToString([]byte("a:" + canaryToken))[4:30], base64.StdEncoding.EncodeToString([]byte("b" + canaryToken))[4:30]} {
		if bytes.Contains(text, []byte(canary)) {
			t.Errorf("%s holds %s", where, canary)
		}
	}
}

// everyByte reads all files below dir but the secret's own.
func everyByte(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "key.pem" {
			return err
		}
		text, err := os.ReadFile(path)
		out[path] = append([]byte(path), text...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("only %d files were looked at", len(out))
	}
	return out
}
