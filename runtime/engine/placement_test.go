package engine

import (
	"context"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// counted is an executor that counts its attempts and the applies that it cleaned up before.
type counted struct {
	executor.Executor
	name    string
	ran     []string
	cleaned int
}

func (c *counted) Name() string { return c.name }

func (c *counted) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	c.ran = append(c.ran, t.Address)
	return c.Executor.Run(ctx, t)
}

func (c *counted) Cleanup(context.Context, string, string) (int, error) {
	c.cleaned++
	return 0, nil
}

// apart places the stages at some addresses on one executor, and all others on another.
type apart struct {
	at      []string
	on, not executor.Executor
}

func (a apart) All() []executor.Executor { return []executor.Executor{a.on, a.not} }

func (a apart) For(n *plan.Node) executor.Executor {
	if slices.Contains(a.at, n.Address) {
		return a.on
	}
	return a.not
}

// TestPlacement: each stage runs on the executor that it is placed on, which its record names, and all are cleaned up before.
func TestPlacement(t *testing.T) {
	r := newRig(t)
	near, far := &counted{Executor: r.exec, name: "near"}, &counted{Executor: r.exec, name: "far"}
	r.opts = func(o *Options) { o.Placement, o.Parallelism = apart{[]string{"stage.b"}, far, near}, 1 }
	res := r.run(newPlan(stage("stage.a", script{}), stage("stage.b", script{}, "stage.a"), stage("stage.c", script{}, "stage.b")))
	if !slices.Equal(near.ran, []string{"stage.a", "stage.c"}) || !slices.Equal(far.ran, []string{"stage.b"}) {
		t.Errorf("near ran %v, far %v", near.ran, far.ran)
	}
	if near.cleaned != 1 || far.cleaned != 1 {
		t.Errorf("cleaned up %d and %d times, want once each", near.cleaned, far.cleaned)
	}
	for address, want := range map[string]string{"stage.a": "near", "stage.b": "far", "stage.c": "near"} {
		a, err := r.store.Action(res.node(address).Fingerprint)
		if err != nil || a.Executor != want {
			t.Errorf("%s: recorded as run by %q, %v, want %q", address, a.Executor, err, want)
		}
	}
}
