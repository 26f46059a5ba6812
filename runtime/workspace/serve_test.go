package workspace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
)

// TestReleasesDoNotGoBack: a log that is gone, or another one, withdraws nothing; that a release is taken back is a revision more.
func TestReleasesDoNotGoBack(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	log, err := state.Open(s, "p", "default")
	if err != nil {
		t.Fatal(err)
	}
	record := func(event plan.Event) {
		t.Helper()
		st, err := log.Load(t.Context())
		if err == nil {
			_, err = log.Append(t.Context(), st, []plan.Event{event})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	live := func(model string) plan.Event {
		return plan.Event{Key: "release/deploy.scorer", Release: &plan.ReleaseState{Type: "http", Model: plan.Digest(model), From: "train.m"}}
	}
	empty := func() {
		t.Helper()
		for _, folder := range []string{"log", "heads"} {
			if err := os.RemoveAll(filepath.Join(s.Root(), folder)); err != nil {
				t.Fatal(err)
			}
		}
	}
	r := &releases{log: log}
	current := func(want int, text string) {
		t.Helper()
		got, err := r.Current(t.Context())
		if len(got) != want || (err != nil) != (text != "") || err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, %v, want %d releases, %q", got, err, want, text)
		}
	}
	current(0, "")
	record(live("blake3:01"))
	current(1, "")
	record(live("blake3:02"))
	current(1, "")
	empty()
	current(0, "ends with revision 0, and is not the log that was read up to revision 2")
	record(live("blake3:01"))
	record(live("blake3:01"))
	current(0, "ends with revision 2, and is not")
	r = &releases{log: log} // a server that is started again
	current(1, "")
	record(plan.Event{Key: "release/deploy.scorer", Removed: true})
	current(0, "")
}
