package planner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// TestEngine shows that another version of what a component computes with is another definition, told as its cause.
func TestEngine(t *testing.T) {
	node := func(engine string) *plan.Node {
		return &plan.Node{Address: "dataset.x", Kind: "dataset", Type: "sql", Version: 1, Engine: engine, Config: []byte(`{"sql":"select 1"}`)}
	}
	definition := func(engine string) plan.Digest {
		d, err := node(engine).Define()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	seen := map[plan.Digest]string{}
	for _, engine := range []string{"", "duckdb-1.4.5", "duckdb-1.4.6"} {
		d := definition(engine)
		if other, ok := seen[d]; ok {
			t.Errorf("engines %q and %q give the same definition", engine, other)
		}
		seen[d] = engine
		if again := definition(engine); again != d {
			t.Errorf("engine %q: got %s and %s", engine, d, again)
		}
	}
	before := plan.NodeState{Definition: definition("duckdb-1.4.5"), Kind: "dataset", Type: "sql", Version: 1,
		Engine: "duckdb-1.4.5", Config: []byte(`{"sql":"select 1"}`)}
	after := node("duckdb-1.4.6")
	after.Definition = definition("duckdb-1.4.6")
	want := []plan.Cause{{Kind: plan.ComponentCause, Path: "engine", Before: text("duckdb-1.4.5"), After: text("duckdb-1.4.6")}}
	if diff := cmp.Diff(want, (&planner{}).causes(after, &before, nil)); diff != "" {
		t.Errorf("causes:\n%s", diff)
	}
}
