package review

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// Another version of a component is told once, whatever it makes run; another component, and what somebody changed, by itself.
func TestComponentsAreToldOnce(t *testing.T) {
	p := &plan.Plan{Pipeline: "p", Workspace: "default"}
	for i, kind := range []string{"dataset", "dataset", "dataset", "dataset", "dataset", "feature"} {
		n := &plan.Node{Address: fmt.Sprintf("%s.x%d", kind, i), Kind: kind, Version: 2, Verdict: plan.Run}
		p.Nodes = append(p.Nodes, n)
		p.Changes = append(p.Changes, plan.Change{Address: n.Address, Category: plan.Rebuild, Runs: []string{n.Address, "feature.x5"}[:1+min(1, 5-i)],
			Cause: plan.Cause{Kind: plan.ComponentCause, Before: json.RawMessage("1"), After: json.RawMessage("2")}})
	}
	p.Changes = append(p.Changes[:1], append([]plan.Change{{Address: "dataset.x0", Category: plan.Rebuild, Runs: []string{"dataset.x0"},
		Cause: plan.Cause{Kind: plan.ConfigCause, Path: "sql", Before: json.RawMessage(`"a"`), After: json.RawMessage(`"b"`)}}}, p.Changes[1:]...)...)
	before := fmt.Sprint(p.Changes)
	var b bytes.Buffer
	if err := Text(&b, p, render.Options{}); err != nil {
		t.Fatal(err)
	}
	const want = `
  1  component of dataset.x0, dataset.x1, …, dataset.x3, dataset.x4 (5 stages)  version 1 → 2
     runs      dataset.x0, dataset.x1, dataset.x2, dataset.x3, dataset.x4, feature.x5
  2  sql of dataset.x0  a → b
     runs      dataset.x0
  3  component of feature.x5  version 1 → 2
     runs      feature.x5
`
	if got := b.String(); !strings.Contains(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if fmt.Sprint(p.Changes) != before {
		t.Error("the plan's changes are others now")
	}
}
