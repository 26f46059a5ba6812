package workspace

import (
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
)

func TestPlace(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere.sock")
	image := &plan.Container{Image: "scorer:1"}
	tests := []struct {
		name string
		node *plan.Node
		want string // part of the refusal; empty: none
	}{
		{"built-in", &plan.Node{Address: "dataset.x", Verdict: plan.Run}, ""},
		{"foreign, to run", &plan.Node{Address: "train.x", Verdict: plan.Run, Container: image}, "train.x runs the image scorer:1, which needs a container engine"},
		{"foreign, may run", &plan.Node{Address: "train.x", Verdict: plan.MayRun, Container: image}, "train.x runs the image scorer:1"},
		{"foreign, known", &plan.Node{Address: "train.x", Verdict: plan.Cached, Container: image}, ""},
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
