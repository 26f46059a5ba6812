package workspace

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
)

// A result is kept for as long as the state says that it is, from when another took its place, and not from when it was made.
func TestKeptSinceReplaced(t *testing.T) {
	ctx := context.Background()
	st, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	log, err := state.Open(st, "fraud", "default")
	if err != nil {
		t.Fatal(err)
	}
	result := func(name string) plan.Event {
		return plan.Event{Key: "node/train.model", Node: &plan.NodeState{Fingerprint: digest.Of([]byte(name)), Config: json.RawMessage(`{}`)}}
	}
	keep := func(text string) plan.Event {
		value, _ := json.Marshal(text)
		return plan.Event{Key: "block/pipeline.fraud", Block: &plan.BlockState{Policy: plan.Policy{"keep": value}}}
	}
	now, err := log.Load(ctx)
	for _, events := range [][]plan.Event{{result("first"), keep("10d")}, {result("second")}, {result("third")}} {
		if err != nil {
			t.Fatal(err)
		}
		now, err = log.Append(ctx, now, events)
		time.Sleep(5 * time.Millisecond) // revisions have times of their own
	}
	history, err := log.History(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	days := func(n int) *time.Duration { d := time.Duration(n) * day; return &d }
	second, third := history[1].At, history[2].At
	for name, c := range map[string]struct {
		began time.Time
		given *time.Duration
		want  []string
	}{
		"at once":                  {began: third, want: []string{"first", "second", "third"}},
		"until the first is over":  {began: second.Add(10*day - 1), want: []string{"first", "second", "third"}},
		"the first is over":        {began: second.Add(10 * day), want: []string{"second", "third"}},
		"until the second is over": {began: third.Add(10*day - 1), want: []string{"second", "third"}},
		"the second is over":       {began: third.Add(10 * day), want: []string{"third"}},
		"more days are given":      {began: third.Add(10 * day), given: days(11), want: []string{"first", "second", "third"}},
		"fewer days are given":     {began: third.Add(day), given: days(1), want: []string{"third"}},
		"none are given":           {began: third, given: days(0), want: []string{"third"}},
	} {
		c2 := &collector{store: st, keep: c.given, began: c.began}
		roots, err := c2.roots(ctx, log)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, result := range []string{"first", "second", "third"} {
			if got, want := slices.Contains(roots, digest.Of([]byte(result))), slices.Contains(c.want, result); got != want {
				t.Errorf("%s: the %s result is needed: %t, want %t", name, result, got, want)
			}
		}
		if len(c2.kept.States) != 1 || c2.kept.States[0].Keep != "10d" || c2.kept.States[0].Default || (c2.kept.Given != "") != (c.given != nil) {
			t.Errorf("%s: by which rule: %+v", name, c2.kept)
		}
	}
}
