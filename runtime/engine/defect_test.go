package engine

import (
	"context"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// defective panics at one stage.
type defective struct {
	executor.Executor
	at string
}

func (d *defective) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	if t.Address == d.at {
		panic("no such thing")
	}
	return d.Executor.Run(ctx, t)
}

// TestDefect: a panic at a stage is told as an error, what was done before stays recorded, and the next run goes on.
func TestDefect(t *testing.T) {
	r := newRig(t)
	whole := r.exec
	r.exec = &defective{Executor: whole, at: "stage.b"}
	p := newPlan(stage("stage.a", script{}), stage("stage.b", script{}, "stage.a"))
	_, err := r.try(context.Background(), p)
	if err == nil || !strings.Contains(err.Error(), "mlp has a defect, met at stage.b: no such thing") || !strings.Contains(err.Error(), "defect_test.go") {
		t.Fatalf("got %v", err)
	}
	r.exec = whole
	if res := r.run(p); res.node("stage.a").Status != Cached || res.node("stage.b").Status != Ran {
		t.Errorf("got %s and %s", res.node("stage.a").Status, res.node("stage.b").Status)
	}
}
