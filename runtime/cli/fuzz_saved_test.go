package cli

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// edited replaces the value that is met as number *at on a walk through a tree; a value that is nil takes it out.
func edited(tree any, at *int, value any) any {
	if *at--; *at == -1 {
		return value
	}
	switch x := tree.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(x)) {
			if x[key] = edited(x[key], at, value); x[key] == nil {
				delete(x, key)
			}
		}
	case []any:
		for i := range x {
			x[i] = edited(x[i], at, value)
		}
	}
	return tree
}

// resigned is a plan with some of it replaced, and an id that says that it is whole.
func resigned(t *testing.T, text []byte, edits map[uint16]string) []byte {
	t.Helper()
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	for _, place := range slices.Sorted(maps.Keys(edits)) {
		var value any
		if json.Unmarshal([]byte(edits[place]), &value) != nil {
			value = edits[place]
		}
		at := int(place)
		tree = edited(tree, &at, value)
	}
	body, ok := tree.(map[string]any)
	if !ok {
		return nil
	}
	delete(body, "envelope")
	body["plan_id"] = ""
	id, err := plan.Sum("plan", body)
	if err != nil {
		return nil
	}
	body["plan_id"] = id
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzSavedPlan edits plans that were saved, so that their digest is right and nothing else need be: what reads them
// refuses or shows them, and never ends the program.
func FuzzSavedPlan(f *testing.F) {
	paths, err := filepath.Glob("../../spec/plans/*/*.json")
	if err != nil || len(paths) == 0 {
		f.Fatalf("got %d plans: %v", len(paths), err)
	}
	texts := make([][]byte, len(paths))
	for i, path := range paths {
		if texts[i], err = os.ReadFile(path); err != nil {
			f.Fatal(err)
		}
	}
	values := []string{"", "null", "[]", "{}", "[null]", `{"":null}`, "-1", "1e300", "0.5", "true", `"x"`, `"node/a"`, `"blake3:"`, "train.model", "../../x"}
	f.Add(uint8(3), uint16(3), "-1", uint16(60000), "") // its base is no revision
	for i := range paths {
		f.Add(uint8(i), uint16(i*7), values[i%len(values)], uint16(i*31), values[(i*5)%len(values)])
	}
	s, err := store.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which uint8, a uint16, x string, b uint16, y string) {
		text := texts[int(which)%len(texts)]
		useAll(t, s, text, resigned(t, text, map[uint16]string{a: x, b: y}), int(a)+int(b))
	})
}

// useAll does with a plan what commands do with one that was saved, up to its first stage. It is shown in one form, which
// pick says: they take most of the time.
func useAll(t *testing.T, s *store.Store, original, text []byte, pick int) {
	t.Helper()
	p, err := plan.Read(text)
	if err != nil {
		return
	}
	names := slices.Sorted(maps.Keys(formats))
	_ = formats[names[pick%len(names)]](io.Discard, p, render.Options{All: pick/len(names)%2 == 1}) // may be refused
	before, err := plan.Read(original)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []*diff.Diff{diff.Compare(before, p, nil), diff.Compare(p, before, nil)} {
		_ = errors.Join(review.Diff(io.Discard, d, render.Options{}), review.DiffMarkdown(io.Discard, d))
	}
	_ = planOutcome(p, planFlags{})
	part, err := engine.Part(p)
	if err != nil {
		return
	}
	log, err := state.Open(s, p.Pipeline, p.Workspace)
	if err != nil {
		return
	}
	st, err := log.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	saved := &engine.Saved{Plan: part, Store: s, State: st, Dir: s.Root(), Version: workspace.ComponentVersion, Files: workspace.DataRoots{}.Files}
	_, _ = saved.Stale(t.Context())
}

// TestForgedStoriesAreRefused: a plan that does what it did, and tells another story of it, is neither shown nor applied.
func TestForgedStoriesAreRefused(t *testing.T) {
	dir := appliedFraud(t)
	reviews["gate_rule_stricter"].edit(t, dir)
	file := filepath.Join(t.TempDir(), "plan.json")
	mustRun(t, dir, "plan", "--out", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatal(err)
	}
	body["changes"] = []any{}
	forged, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, resigned(t, forged, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"show", file}, {"apply", file, "--auto-approve", "--executor", "process"}} {
		out, stderr, code := run(t, dir, args...)
		if code != exitStale || out != "" || !strings.Contains(stderr, "does not say what would be planned") {
			t.Errorf("mlp %v: exit code %d\n%s%s", args, code, out, stderr)
		}
	}
}
