package cli

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// watching starts a watcher that ends with the test.
func watching(t *testing.T, dir string, args ...string) (*exec.Cmd, *said) {
	t.Helper()
	log := &said{}
	cmd := exec.Command(mlp, append([]string{"-C", dir, "watch", "--every", "200ms"}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, log
}

// eventually waits for something, for half a minute.
func eventually(t *testing.T, what string, told func() string, is func(string) bool) string {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		text := told()
		if is(text) {
			return text
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not come about:\n%s", what, text)
		}
	}
}

// ask sends a row of each of some customers.
func ask(t *testing.T, url string, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		body := fmt.Sprintf(`{"rows":[{"customer":"c%d","x":1,"n":1,"big":1,"word":"a","member":true,"age":30}]}`, i)
		answer, err := http.Post(url+"/v1/models/scorer/predict", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
}

// TestWatch: without a hand a canary that is as good goes through its steps, and one that fails is taken away, by what servers have written to the store: also
// by one that was killed. Of two watchers one is at work, and the other takes its place once that is killed.
func TestWatch(t *testing.T) {
	dir := loggingStore(t, 20)
	module := filepath.Join(dir, "p.mlp")
	edit(t, module, `key   = ["customer"]`, `key   = ["customer"]
  canary {
    steps         = [30, 60]
    min_samples   = 20
    promote_when  = "errors.difference < 0.1"
    rollback_when = "errors.difference > 0"
  }`)
	edit(t, module, "trees = 20", "trees = 21")
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	if out := mustRun(t, dir, "watch", "--once"); !strings.Contains(out, "stays a canary at 30 % of the rows, step 1 of 2") || !strings.Contains(out, "0 of 20 rows") {
		t.Errorf("nothing is counted yet:\n%s", out)
	}
	first := startLogging(t, dir, "")
	ask(t, first.url, 0, 60)
	shown := func() string { return mustRun(t, dir, "release", "show", "deploy.scorer") }
	eventually(t, "what a server has counted", shown, func(text string) bool { return rowsSeen(text) == 60 })
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if text := shown(); rowsSeen(text) != 60 || !strings.Contains(text, "promote_when   OPEN") || !strings.Contains(text, "seen by 1 server") {
		t.Errorf("what a killed server has counted is gone:\n%s", text)
	}
	killed, log := watching(t, dir, "--as", "one")
	eventually(t, "a watcher", log.String, func(text string) bool { return strings.Contains(text, "watching ") })
	_, other := watching(t, dir, "--as", "two")
	eventually(t, "one that waits", other.String, func(text string) bool { return strings.Contains(text, "one on ") })
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	second := startLogging(t, dir, "")
	at := 60
	more := func() string {
		ask(t, second.url, at, at+100)
		at += 100
		return other.String()
	}
	eventually(t, "the end of a rollout", more, func(text string) bool { return strings.Contains(text, " is live (revision ") })
	text := other.String()
	for _, want := range []string{"step 2 of 2", "promote_when holds: errors.difference < 0.1; errors.difference 0 ("} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	if text := mustRun(t, dir, "history", "deploy.scorer"); !strings.Contains(text, "two (user") || !strings.Contains(text, "promote_when holds") {
		t.Errorf("who moved it and why is not recorded:\n%s", text)
	}

	// One that reads a column which nobody sends fails each row.
	edit(t, module, `["x", "n", "big", "word", "member", "age"]`, `["x", "n", "big", "word", "member", "age", "z"]`)
	edit(t, module, `column "x"      { type = "double" }`, "column \"x\"      { type = \"double\" }\n  column \"z\"      { type = \"double\" }")
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
	eventually(t, "the end of a canary that fails", more, func(text string) bool { return strings.Contains(text, "is taken away and held") })
	if text := mustRun(t, dir, "release", "list"); !strings.Contains(text, "held: ") || strings.Contains(text, "canary at") {
		t.Errorf("the canary is not taken away:\n%s", text)
	}
	if out := mustRun(t, dir, "history", "deploy.scorer"); !strings.Contains(out, "rollback_when holds: errors.difference > 0") {
		t.Errorf("why it was taken away is not recorded:\n%s", out)
	}
}

// rowsSeen adds up the rows that release show tells of.
func rowsSeen(text string) (rows int) {
	for _, line := range strings.Split(text, "\n") {
		var share float64
		var canary, failed, live, none int
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "at %g %%   canary %d rows, %d failed   live %d rows, %d failed", &share, &canary, &failed, &live, &none); err == nil {
			rows += canary + live
		}
	}
	return rows
}

// TestWatchDoesNothing: a dry run tells and moves nothing, and a canary that somebody paused is left alone.
func TestWatchDoesNothing(t *testing.T) {
	dir := loggingStore(t, 20)
	module := filepath.Join(dir, "p.mlp")
	edit(t, module, `key   = ["customer"]`, "key   = [\"customer\"]\n  canary {\n    steps        = [50]\n    promote_when = \"errors.difference < 0.9\"\n  }")
	if _, said, code := run(t, dir, "watch", "--once"); code != 0 || !strings.Contains(said, "No deployment has a canary with rules") {
		t.Errorf("got %d %s", code, said)
	}
	edit(t, module, "trees = 20", "trees = 21")
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	r := startLogging(t, dir, "")
	ask(t, r.url, 0, 60)
	dry := func() string { return mustRun(t, dir, "watch", "--once", "--dry-run") }
	eventually(t, "a decision", dry, func(text string) bool { return strings.Contains(text, "would go on from canary at 50 %") })
	if _, _, code := run(t, dir, "watch", "--once", "--dry-run", "--detailed-exitcode"); code != 2 {
		t.Errorf("got exit code %d, want 2", code)
	}
	mustRun(t, dir, "release", "pause", "deploy.scorer", "--reason", "a look", "--as", "alice")
	if out := mustRun(t, dir, "watch", "--once"); !strings.Contains(out, "deploy.scorer: paused by alice") {
		t.Errorf("got %s", out)
	}
	mustRun(t, dir, "release", "resume", "deploy.scorer", "--reason", "seen", "--as", "alice")
	if _, out, code := run(t, dir, "watch", "--once", "--detailed-exitcode"); code != 2 {
		t.Errorf("got exit code %d %s, want 2", code, out)
	}
	if text := mustRun(t, dir, "release", "list"); strings.Contains(text, "canary") {
		t.Errorf("it is not live:\n%s", text)
	}
}
