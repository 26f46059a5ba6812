package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/store"
)

// figuresFile holds the figures of a stage, in a port that carries figures or a verdict.
const figuresFile = "metrics.json"

// given are the results that the test gives, by address, stored. Several givens of one block, such as two ports of a
// split, make one result. The comparison with a champion becomes the result of the stage derived for it.
func (r *run) given(ctx context.Context) (map[string]planner.Given, error) {
	out := map[string]planner.Given{}
	for _, g := range r.test.givens {
		if g.content == "" && g.figures == nil && g.passed == nil { // a model that is live is in the state (begin)
			continue
		}
		one := out[g.block.Address]
		if one.Outputs == nil {
			one.Outputs = map[string]plan.Digest{}
		}
		if g.content != "" {
			one.Outputs[g.port] = g.content
		}
		if err := r.giveFigures(ctx, g, &one); err != nil {
			return nil, err
		}
		out[g.block.Address] = one
		if g.delta != nil {
			delta, err := plan.Canonical(map[string]any{"delta": g.delta})
			if err != nil {
				return nil, err
			}
			out[champion(g.block.Address)] = planner.Given{Figures: delta}
		}
	}
	return out, nil
}

// giveFigures writes figures as a stage writes them: canonical JSON, in each port of the block that carries figures or
// a verdict. A check that is given as passed or failed has that in place of its figures, and its rules are not decided.
func (r *run) giveFigures(ctx context.Context, g *given, into *planner.Given) error {
	figures := maps.Clone(g.figures)
	if g.passed != nil {
		into.NoRules = true
		if figures == nil {
			figures = map[string]any{"warned": 0}
		}
		if figures["failed"] = 0; !*g.passed {
			figures["failed"] = 1
		}
	}
	if figures == nil {
		return nil
	}
	var err error
	if into.Figures, err = plan.Canonical(figures); err != nil {
		return err
	}
	d, err := r.suite.store.PutBytes(ctx, into.Figures)
	if err != nil {
		return err
	}
	list, err := r.suite.store.PutList(ctx, []store.Entry{{Name: figuresFile, Size: int64(len(into.Figures)), Digest: d}})
	for _, out := range g.block.TypeSpec.Out {
		if out.Type == "figures" || out.Type == "verdict" {
			into.Outputs[out.Name] = list
		}
	}
	return err
}

// record makes a given result one that the store has, under the fingerprint that the planner gave the stage, and one
// that plans of this test know. The time is the epoch's beginning: given results must not differ from run to run.
func (r *run) record(n *plan.Node, given planner.Given) error {
	action := plan.Action{
		Fingerprint: n.Fingerprint, Definition: n.Definition, Address: n.Address, Component: n.Kind, Inputs: map[string]plan.Digest{},
		Outputs: map[string]plan.Digest{}, Figures: given.Figures, Executor: "given", ToolVersion: r.suite.o.ToolVersion, StartedAt: time.Unix(0, 0).UTC(),
	}
	for _, in := range n.Inputs {
		action.Inputs[in.Port] = in.Digest
	}
	for _, out := range n.Outputs {
		action.Outputs[out.Port] = out.Digest
	}
	if _, err := r.suite.store.PutAction(action); err != nil {
		return fmt.Errorf("recording what is given of %s: %w", n.Address, err)
	}
	r.known[n.Fingerprint] = true
	return nil
}

// actions answers the planner: of all results in the store those that this test, or one that it goes on from, knows of.
type actions struct{ r *run }

// Action is a record of this test, or of one that it goes on from, or none: a record that another test left in the
// store would make this one pass for another reason, and only when both run.
func (a actions) Action(fp plan.Digest) (*plan.Action, bool, error) {
	if !a.r.known[fp] {
		return nil, false, nil
	}
	action, err := a.r.suite.store.Action(fp)
	if errors.Is(err, store.ErrMissing) {
		return nil, false, nil
	}
	return action, err == nil, err
}

// sources finds the files of sources that are not given. Where they are not here a plan goes on without: what it would
// read is then not known.
type sources struct {
	run    *run
	absent map[string]bool
}

// External looks at real files where a test gives no rows. Where they are not here the source has a version of its own,
// "not here", with which a plan can be made and no apply: a repository often has tests and no data.
func (x *sources) External(ctx context.Context, kind, typ, address string, config json.RawMessage) (*plan.External, plan.Digest, error) {
	o := x.run.suite.o
	dir := x.run.test.module.Blocks[address].Dir
	root, names, err := o.Library.Files(kind, typ, filepath.Join(o.Dir, dir), config)
	if errors.Is(err, fs.ErrNotExist) {
		x.absent[address] = true
		return &plan.External{Root: dir, Files: []plan.ExternalFile{}}, digest.Of([]byte("not here")), nil
	}
	if err != nil {
		return nil, "", err
	}
	if !filepath.IsAbs(root) {
		root = filepath.Join(dir, root)
	}
	ext, digest, err := x.run.suite.store.HashFiles(ctx, o.Dir, root, names)
	return &ext, digest, err
}

// Code is that of the module: a test takes code as it is here.
func (x *sources) Code(ctx context.Context, at string, files []schema.Files) (*plan.External, plan.Digest, error) {
	return x.run.suite.o.Code(ctx, x.run.suite.store, x.run.test.module.Blocks[address.Block(at)], at, files)
}

// Bases are those of the Dockerfile as it is here.
func (x *sources) Bases(_ context.Context, at string, build *schema.Build, given []string) ([]string, error) {
	return x.run.suite.o.Bases(x.run.test.module.Blocks[at], build, given)
}

// Edited is not looked for: tests ask what runs, and not why.
func (x *sources) Edited(string, *plan.External, string, plan.Digest) (before, after *plan.CodeLine) {
	return nil, nil
}

// Version is of no use to a test, which fetches nothing: the source's rows are given, or not needed. A plan goes on without images that
// are not here; an apply that runs one asks again.
func (x *sources) Version(ctx context.Context, n *plan.Node, location string) (string, error) {
	if n.Container == nil {
		x.absent[n.Address] = true
		return "", nil
	}
	version, err := x.run.suite.o.Image(ctx, location)
	if err != nil {
		version = ""
	}
	return version, nil
}
