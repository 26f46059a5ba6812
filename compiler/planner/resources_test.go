package planner

import (
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// Where a stage runs is metadata: a change of it runs nothing, and stages that the block's program runs in have it too.
func TestResources(t *testing.T) {
	w := ran(t)
	asking := strings.Replace(opaque, `image   = "i"`, "image   = \"i\"\n  node_selector = { pool = \"large\" }\n  tolerations = [\"gpu:NoSchedule\"]\n  service_account = \"trainer\"\n  architecture = \"amd64\"", 1)
	p := w.plan(asking)
	n, predict := p.Node("train.m"), p.Node("evaluate.e@predict")
	if n.Verdict != plan.Metadata || predict.Verdict != plan.Cached {
		t.Errorf("got %s and %s", n.Verdict, predict.Verdict)
	}
	for _, n := range []*plan.Node{n, predict} {
		if got := n.Resources.Asked(); !slices.Equal(got, []string{"architecture", "node_selector", "service_account", "tolerations"}) {
			t.Errorf("%s asks for %v", n.Address, got)
		}
	}
	if got := p.Node("evaluate.e").Resources; got != nil {
		t.Errorf("evaluate.e asks for %v", got)
	}
}

// What no cluster could be asked for is told with the plan, at its place.
func TestResourcesRefused(t *testing.T) {
	for text, want := range map[string]string{
		`tolerations = ["gpu:Sometimes"]`:     `train.m: "gpu:Sometimes" is no taint`,
		`node_selector = { count = 2 }`:       `train.m: count = 2 in node_selector is no label`,
		`architecture = "arm64"`:              `the image "i" of train.m is for linux/amd64, and not for arm64`,
		`node_selector = "large"`:             `train.m: node_selector is no map of labels`,
		`service_account = "a b"`:             `train.m: "a b" is no name of a service account`,
		`node_selector = { "a b" = "large" }`: `train.m: a b = large in node_selector is no label`,
	} {
		w := ran(t)
		_, diags := Make(t.Context(), w.module(strings.Replace(opaque, `image   = "i"`, "image   = \"i\"\n  "+text, 1)), w.options())
		if len(diags) != 1 || diags[0].Summary != want {
			t.Errorf("%s: got %v, want %q", text, diags, want)
		}
	}
}
