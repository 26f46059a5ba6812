package workspace

import (
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

func TestPlace(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere.sock")
	foreign := func(v plan.Verdict) *plan.Node {
		return &plan.Node{Address: "train.x", Verdict: v, Container: &plan.Container{}, Inputs: []plan.Input{plan.Outside(plan.ImagePort, "scorer:1", "")}}
	}
	pool := &schema.Resources{NodeSelector: map[string]string{"pool": "large"}}
	tests := []struct {
		name string
		node *plan.Node
		want string // part of the refusal; empty: none
	}{
		{"built-in", &plan.Node{Address: "dataset.x", Verdict: plan.Run}, ""},
		{"foreign, to run", foreign(plan.Run), "train.x runs the image scorer:1, which needs a container engine"},
		{"foreign, may run", foreign(plan.MayRun), "train.x runs the image scorer:1"},
		{"foreign, known", foreign(plan.Cached), ""},
		{"nodes of a cluster", &plan.Node{Address: "dataset.x", Verdict: plan.Run, Resources: pool}, "dataset.x asks for node_selector, which the executor process does not see to"},
		{"nodes of a cluster, known", &plan.Node{Address: "dataset.x", Verdict: plan.Cached, Resources: pool}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			placed, err := Place(t.Context(), &plan.Plan{Nodes: []*plan.Node{tt.node}}, ExecutorOptions{Name: "process"})
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("got %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer placed.Close()
			if got := placed.For(tt.node).Name(); got != "process" || len(placed.All()) != 1 {
				t.Errorf("got %s of %d executors, want one, of processes", got, len(placed.All()))
			}
		})
	}
}
