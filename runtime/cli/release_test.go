package cli

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReleaseSeen: a canary is served, and what the server has seen of it is told beside who moved it. The candidate fails every row that the live model
// scores, since it reads a column that callers do not send: both of its ends say so, and a hundred keys that ask a thousand times are a hundred.
func TestReleaseSeen(t *testing.T) {
	dir := loggingStore(t, 20)
	edit(t, filepath.Join(dir, "p.mlp"), `key   = ["customer"]`, "key   = [\"customer\"]\n  canary { steps = [50] }")
	edit(t, filepath.Join(dir, "p.mlp"), `["x", "n", "big", "word", "member", "age"]`, `["x", "n", "big", "word", "member", "age", "z"]`)
	edit(t, filepath.Join(dir, "p.mlp"), `column "x"      { type = "double" }`, "column \"x\"      { type = \"double\" }\n  column \"z\"      { type = \"double\" }")
	rows, err := os.ReadFile(filepath.Join(dir, "s.csv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(rows)), "\n")
	for i := range lines {
		lines[i] += map[bool]string{true: ",z", false: fmt.Sprintf(",%d", i)}[i == 0]
	}
	if err := os.WriteFile(filepath.Join(dir, "s.csv"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	r := startServer(t, dir)
	for range 3 {
		for i := range 100 {
			body := fmt.Sprintf(`{"rows":[{"customer":"c%d","x":1,"n":1,"big":1,"word":"a","member":true,"age":30}]}`, i)
			answer, err := http.Post(r.url+"/v1/models/scorer/predict", "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
		}
	}
	out := mustRun(t, dir, "release", "show", "deploy.scorer", "--server", r.url)
	for _, want := range []string{"canary at 50 % of the rows", "seen by 1 server", "errors.ratio", "latency.p99_ms"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	var canary, failed, live, none int
	at := strings.Index(out, "  at 50 %")
	if _, err := fmt.Sscanf(out[max(at, 0):], "  at 50 %%   canary %d rows, %d failed   live %d rows, %d failed", &canary, &failed, &live, &none); err != nil || canary+live != 100 || failed != canary || none != 0 {
		t.Errorf("got %d rows, %d failed, and %d rows, %d failed (%v):\n%s", canary, failed, live, none, err, out)
	}
	if !strings.Contains(out, "errors.ratio     any (") || strings.Contains(out, "errors.ratio     any (0 to") {
		t.Errorf("all of the canary's rows failed and none of the others, and nothing is made of it:\n%s", out)
	}
	for arguments, want := range map[string]string{"http://127.0.0.1:1": "asking http://127.0.0.1:1 about the canary", r.url + "/elsewhere": "there is nothing at"} {
		if _, said, code := run(t, dir, "release", "show", "deploy.scorer", "--server", arguments); code == 0 || !strings.Contains(said, want) {
			t.Errorf("%s: got %d %s, want %q", arguments, code, said, want)
		}
	}
}
