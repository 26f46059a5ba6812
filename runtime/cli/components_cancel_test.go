package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/workspace"
	"github.com/mlp-lang/mlp/stdlib"
)

// prepared are the stages of the module of all components, as an executor would lay them out.
type prepared struct {
	dir   string
	store *store.Store
	nodes []*plan.Node
}

func prepare(t *testing.T) *prepared {
	t.Helper()
	dir := digestsApplied(t)
	p := &prepared{dir: dir, nodes: digestsPlan(t, dir).Nodes}
	var err error
	if p.store, err = store.Open(filepath.Join(dir, workspace.StoreName)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.store.Close() })
	return p
}

// stage makes a root folder for one attempt at a node. The configuration is the node's if none is given.
func (p *prepared) stage(t *testing.T, n *plan.Node, config []byte) (root string) {
	t.Helper()
	root = t.TempDir()
	if config == nil {
		config = n.Config
	}
	s := component.Spec{Protocol: component.Protocol, Address: n.Address, Component: workspace.ComponentName(n.Kind, n.Type), Version: n.Version,
		Config: config, In: map[string]schema.Shape{}, Out: map[string]schema.Shape{}}
	for _, in := range n.Inputs {
		s.In[in.Port] = *in.Shape
		to := filepath.Join(root, "in", in.Port)
		if in.External != nil {
			s.Files = map[string][]string{in.Port: in.External.Names()}
			link(t, filepath.Join(p.dir, in.External.Root), to)
		} else if err := p.store.Materialize(t.Context(), in.Digest, to); err != nil {
			t.Fatal(err)
		}
	}
	for _, out := range n.Outputs {
		s.Out[out.Port] = schema.Shape{Type: out.Type}
		if out.Shape != nil {
			s.Out[out.Port] = *out.Shape
		}
	}
	spec, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Join(root, "out"), 0o755), os.WriteFile(filepath.Join(root, "stage.json"), spec, 0o644)); err != nil {
		t.Fatal(err)
	}
	return root
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Symlink(from, to)); err != nil {
		t.Fatal(err)
	}
}

// TestCancelledStages cancels every component: before it begins, and at each of the moments at which it looks whether it
// was. It must fail then, and must not have written figures, which are what tells a whole result from a part of one.
func TestCancelledStages(t *testing.T) {
	p := prepare(t)
	seen := map[string]bool{}
	for _, n := range p.nodes {
		name := workspace.ComponentName(n.Kind, n.Type)
		if seen[name] {
			continue
		}
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			if code := component.RunStage(t.Context(), stdlib.Component, p.stage(t, n, nil), 2, &log); code != 0 {
				t.Fatalf("the stage does not run: exit code %d\n%s", code, log.String())
			}
			cancelled, cancel := context.WithCancel(t.Context())
			cancel()
			root := p.stage(t, n, nil)
			if code := component.RunStage(cancelled, stdlib.Component, root, 2, io.Discard); code != component.ExitCancelled {
				t.Errorf("cancelled before it began: got exit code %d, want %d", code, component.ExitCancelled)
			}
			noFigures(t, root, "cancelled before it began")
			p.cancelAtLooks(t, n)
		})
	}
}

// cancelAtLooks cancels at the first look, the second, the fourth and so on, until the component is done before.
func (p *prepared) cancelAtLooks(t *testing.T, n *plan.Node) {
	t.Helper()
	c := stdlib.Component(workspace.ComponentName(n.Kind, n.Type))
	for at := int64(1); ; at *= 2 {
		root := p.stage(t, n, nil)
		s, err := component.Open(root, 1, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		ctx := newLooked(t.Context(), at)
		err = c.Run(ctx, s)
		switch {
		case ctx.Err() == nil || at > 1<<20:
			if err != nil {
				t.Errorf("fails where nothing was cancelled: %v", err)
			}
			return
		case err != nil:
			noFigures(t, root, fmt.Sprintf("cancelled at look %d", at))
		}
	}
}

func noFigures(t *testing.T, root, when string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(root, "out", "metrics.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: metrics.json is there (%v)", when, err)
	}
}

// looked is a context that is cancelled when it is looked at for the nth time.
type looked struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func newLooked(parent context.Context, n int64) *looked {
	ctx, cancel := context.WithCancel(parent)
	l := &looked{Context: ctx, cancel: cancel}
	l.left.Store(n)
	return l
}

func (l *looked) look() {
	if l.left.Add(-1) == 0 {
		l.cancel()
	}
}

func (l *looked) Done() <-chan struct{} {
	l.look()
	return l.Context.Done()
}

func (l *looked) Err() error {
	l.look()
	return l.Context.Err()
}

// TestCancelledSoon gives components work for hours and cancels them in the middle of it.
func TestCancelledSoon(t *testing.T) {
	p := prepare(t)
	tests := []struct {
		address string
		change  func(config map[string]any)
	}{
		{"train.trees", func(c map[string]any) {
			params := c["params"].(map[string]any)
			params["trees"], params["early_stopping_rounds"] = 10_000_000, 0
		}},
		{"evaluate.trees", func(c map[string]any) {
			c["intervals"] = map[string]any{"resamples": 10_000_000, "confidence": 0.95}
		}},
		{"dataset.meters", func(c map[string]any) {
			c["sql"] = "select m.*, 0.0::double as difference from meters m where (select sum(hash(i)) from range(1000000000000) r(i)) > 0"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.address, func(t *testing.T) {
			for _, n := range p.nodes {
				if n.Address == tt.address {
					p.cancelInTheMiddle(t, n, tt.change)
					return
				}
			}
			t.Fatal("no such node")
		})
	}
}

func (p *prepared) cancelInTheMiddle(t *testing.T, n *plan.Node, change func(map[string]any)) {
	t.Helper()
	var config map[string]any
	if err := json.Unmarshal(n.Config, &config); err != nil {
		t.Fatal(err)
	}
	change(config)
	changed, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	root := p.stage(t, n, changed)
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	var log strings.Builder
	go func() { code <- component.RunStage(ctx, stdlib.Component, root, 2, &log) }()
	select {
	case got := <-code:
		t.Fatalf("it ended by itself, with exit code %d\n%s", got, log.String())
	case <-time.After(500 * time.Millisecond):
	}
	cancel()
	const soon = 5 * time.Second // a loaded machine; the real time is some milliseconds
	select {
	case got := <-code:
		if got != component.ExitCancelled {
			t.Errorf("got exit code %d, want %d\n%s", got, component.ExitCancelled, log.String())
		}
	case <-time.After(soon):
		t.Fatalf("still running %s after it was cancelled", soon)
	}
	noFigures(t, root, "cancelled in the middle")
}
