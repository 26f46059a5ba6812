package engine

import (
	"os"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/attempt"
)

// TestDisk: a stage that writes more than it may is ended, and nothing of it is kept; what has holes counts by its length.
func TestDisk(t *testing.T) {
	for name, c := range map[string]struct {
		script script
		mb     int64
		want   attempt.FailureKind
	}{
		"within":                   {script{Holes: map[string]int64{"files/a": 1 << 20}}, 2, ""},
		"at the end":               {script{Holes: map[string]int64{"files/a": 2<<20 + 1}}, 2, attempt.DiskFailure},
		"in several files":         {script{Holes: map[string]int64{"files/a": 1 << 20, "files/b/c": 1 << 20, "files/d": 1}}, 2, attempt.DiskFailure},
		"in the checkpoint":        {script{Holes: map[string]int64{"../checkpoint/c": 3 << 20}}, 2, attempt.DiskFailure},
		"while it runs":            {script{Holes: map[string]int64{"files/a": 3 << 20}, SleepMS: 0, Exits: []int{1}}, 2, attempt.DiskFailure},
		"more than the disk has":   {script{Holes: map[string]int64{"files/a": 1 << 42}}, 0, attempt.DiskFailure},
		"without a limit of one's": {script{Holes: map[string]int64{"files/a": 1 << 20}}, 0, ""},
	} {
		r := newRig(t)
		n := stage("stage.x", c.script)
		n.DiskMB = c.mb
		f := r.run(newPlan(n)).node("stage.x").Failure
		switch {
		case c.want == "" && f != nil, c.want != "" && (f == nil || f.Kind != c.want || !strings.Contains(f.Error(), "disk_mb")):
			t.Errorf("%s: got %v, want %q", name, f, c.want)
		}
		if entries, err := os.ReadDir(r.store.Place().Path("tmp")); err != nil || len(entries) > 1 {
			t.Errorf("%s: left in tmp: %v, %v", name, entries, err)
		}
	}
}

// maxLog is how many bytes of a log are kept, as spec/protocol.md says.
const maxLog = 64 << 20

// TestLogIsBounded: what a stage prints is kept up to a bound, and that is said; its messages count all the same.
func TestLogIsBounded(t *testing.T) {
	r := newRig(t)
	res := r.run(newPlan(stage("stage.x", script{Lines: maxLog>>10 + 500, Warn: "early"}))).node("stage.x")
	if res.Failure != nil || len(res.Warnings) != 2 || !strings.Contains(res.Warnings[1], "longer than 64 MB") {
		t.Fatalf("got %v, %v", res.Failure, res.Warnings)
	}
	a, err := r.store.Action(res.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.store.Get(a.Log)
	if err != nil || len(text) > maxLog+1<<10 || !strings.HasSuffix(string(text), "what comes after that is not kept ---\n") {
		t.Errorf("got %d bytes, %v, ending in %q", len(text), err, text[max(0, len(text)-80):])
	}
}
