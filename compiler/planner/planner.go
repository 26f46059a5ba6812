// Package planner makes a plan of a checked module and what is recorded of it.
//
// Nothing is run, and nothing is read but recorded results and the files of sources. The passes, in their order:
//
//	move            the state as it is after the module's moves                             moves.go
//	block           of each block, behind what it needs:
//	  node          what its stage is: configuration, inputs, what runs it                  node.go, program.go, derived.go
//	  decide        whether it runs, and why: definition, fingerprint, verdict, causes      verdict.go, fate.go, causes.go
//	  gate          its rules, as far as figures are known, and who is asked                gate.go, ruleset.go, approval.go
//	  release       what is live, and what would be                                         release.go
//	removals        what is recorded and stands in the module no more                       planner.go
//	missed          moves that say nothing, where a near name would be removed              moves.go
//	resting         the accepted results that each gate's figures and models come from      accept.go
//	looked          how often the rows behind a gate's figures were looked at               looked.go
//	twins           sources whose files hold the same bytes                                 twins.go
//	onTop           the results that a plan ahead of this one makes                         ahead.go
//	hypotheses      what figures say of problems' hypotheses                              hypothesis.go
//	compareFigures  figures of what would be live beside those of what is                   figures.go
//	assemble        all differences by root cause, all in order, the plan's id              change.go, planner.go
//
// Of train.model with another params.trees the pass block finds a definition that nothing is recorded of, so that it runs, with the cause
// params.trees; its evaluation may run; the gate behind both is open; and assemble tells of one change that makes both run.
//
// # Verdict and cause
//
// Each stage gets a verdict and its causes, which are two questions. The verdict asks what will happen, and goes by
// digests alone: a definition is the digest of all that the stage is, a fingerprint that of the definition and the
// contents of all inputs. Equal fingerprints yield equal results, so a recorded one is taken (cached); another one runs
// (run); and where an input is not known yet there is no fingerprint, so the stage may run (may_run). The causes ask
// why, and go by comparing what is recorded in the state with what the module says, field by field. They are for
// people: a stage without a cause that can be named still runs if its fingerprint is new.
//
// An example. dataset.clean has another where clause. The recorded definition of dataset.clean differs, so it runs,
// with the cause "sql". Its output is not known before it has run, so train.model behind it may run, with the cause
// that its input "data" may change. If the new clause leaves the same rows, dataset.clean yields the same digest, and
// the engine finds train.model's fingerprint recorded: the training is spared.
//
// # What a plan may depend on
//
// The module, the state, recorded results, the versions of what lies outside, and Options. No time, host, order of maps
// or number of processors: every list is sorted before it is put into the plan, and the plan's id is a digest over it.
package planner

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// Options are what a plan depends on beside the module. The same module and options, with the same answers of Actions and Sources, give
// the same plan but for its envelope.
type Options struct {
	Workspace string
	State     *plan.State
	// Own is what the workspace itself has recorded, where State is that of its upstream; nil otherwise.
	Own       *plan.State
	Actions   Actions
	Sources   Sources
	Rules     *rule.Cache // remembers what rules were compiled before; nil: nothing does
	Approvers plan.Approvers
	Force     []string // addresses that run even if their result is known
	Sample    *Sample  // what share of the rows the plan is of; nil: all
	Targets   []string // addresses of blocks, or of stages that are derived of one, that alone are planned, with what they rest on, sorted; nil: all
	// Looked are the models that evaluations measured on some rows in any workspace of the pipeline; nil: only what State says is known.
	Looked func(ctx context.Context, rows plan.Digest) ([]plan.Digest, error)
	// Ahead is the plan that this one is made on top of; State is that of after it. Nil: none.
	Ahead *Ahead
	// Given are results that are taken as they are, by address, whatever their stages rest on: tests of a module give them.
	Given map[string]Given
}

// Given is what a stage is taken to yield. Ports without a digest are not there for others to use. Figures may be nil.
type Given struct {
	Outputs map[string]plan.Digest // by port
	Figures json.RawMessage
	// NoRules: of a check, its rules are not decided; its figure "failed" alone says whether it passed.
	NoRules bool
}

// Actions finds recorded results by fingerprint; false where none is recorded. An error is of a record that cannot be
// read, and becomes a diagnostic. What is returned is not changed.
type Actions interface {
	Action(fingerprint plan.Digest) (*plan.Action, bool, error)
}

// Sources finds the version of what lies outside: the files that a block means and one digest over names and contents.
// An error becomes a diagnostic at the block.
type Sources interface {
	External(ctx context.Context, kind, typ, address string, config json.RawMessage) (*plan.External, plan.Digest, error)
	// Code finds the files of the module that the stage at an address reads; of train.model@predict those with which the model of train.model is scored. A
	// file that is not there is an error; one that says which attribute means it is a CodeError.
	Code(ctx context.Context, address string, files []schema.Files) (*plan.External, plan.Digest, error)
	// Bases are the names of the images that a build rests on, in the order of its Dockerfile, less those that are given: of the block at an address. What is wrong with
	// the Dockerfile, or with what it copies, is a CodeError.
	Bases(ctx context.Context, address string, build *schema.Build, given []string) ([]string, error)
	// Edited is the first line in which a file of code differs from the one that was: nil where there is no such line, or nobody knows. in is the input of
	// the stage at an address that has the file, and was the digest of the recorded one.
	Edited(address string, in *plan.External, name string, was plan.Digest) (before, after *plan.CodeLine)
	// Version finds the version of what lies elsewhere: of what a fetch gets, which lies at a location, or of the image that a stage
	// with a container runs in, by its name (plan.ImageVersion). One that cannot be found out is empty: the stage that takes it has an input
	// that is not known yet.
	Version(ctx context.Context, n *plan.Node, location string) (version string, err error)
}

// Make makes the plan; nil if any of the diagnostics is an error. The diagnostics are of what only planning can see,
// such as missing files; warnings stand in the plan as well. Neither the module nor the state of the options is
// changed, but what is in the plan may share memory with them.
func Make(ctx context.Context, m *check.Module, o Options) (*plan.Plan, source.Diagnostics) {
	return newPlanner(m, o).plan(ctx)
}

// newPlanner is a planner for one plan. It holds what the blocks came to so far, and is not used twice.
func newPlanner(m *check.Module, o Options) *planner {
	// Maps are empty, not nil: blocks are entered as they are planned.
	var whole *check.Module
	if len(o.Targets) > 0 {
		whole, m = m, partOf(m, o.Targets)
	}
	p := &planner{m: m, whole: whole, o: o, nodes: map[string]*plan.Node{}, fates: map[string]*fate{}, gates: map[string]*plan.Gate{}, actions: map[string]*plan.Action{}, failed: map[string]bool{},
		scorings: map[string]*plan.Scoring{},
		accepts:  map[string]*resolve.Accept{}}
	for _, a := range slices.Backward(m.Accepts) { // the first of an address counts
		if m.Blocks[a.Address] != nil {
			p.accepts[a.Address] = a
		}
	}
	return p
}

// plan makes the plan in passes: moves; each block in its order; what is recorded and gone; what only the whole shows
// (accepted results behind gates, rows that were looked at, files that are the same, figures beside live ones); then the
// parts are put together and signed. Errors end it after the blocks, so that as many as there are get told.
func (p *planner) plan(ctx context.Context) (*plan.Plan, source.Diagnostics) {
	p.move()
	for _, address := range p.m.Order {
		p.block(ctx, p.m.Blocks[address])
	}
	p.only()
	p.undivided()
	if p.diags.HasErrors() {
		return nil, p.diags.Sort()
	}
	p.removals()
	p.missed()
	if p.diags.HasErrors() {
		return nil, p.diags.Sort()
	}
	p.resting()
	p.looked(ctx)
	p.twins()
	p.compareFigures()
	p.tested = p.hypotheses()
	if p.diags.HasErrors() {
		return nil, p.diags.Sort()
	}
	out, err := p.assemble()
	if err == nil {
		err = p.unsettled()
	}
	if err != nil {
		p.report(source.Diagnostic{Severity: source.Error, Summary: err.Error()})
		return nil, p.diags
	}
	return out, p.diags.Sort()
}

// planner holds a plan while it is made. Blocks are planned in the module's order, so that whatever a block reads has its
// node, its action and its verdict when the block's turn comes.
type planner struct {
	m         *check.Module
	whole     *check.Module   // that m is a part of; nil: m is all
	left      map[string]bool // blocks of m that no target rests on, where a stage which is derived of one is a target
	o         Options
	nodes     map[string]*plan.Node
	fates     map[string]*fate // of nodes
	gates     map[string]*plan.Gate
	releases  []*plan.Release
	actions   map[string]*plan.Action  // of cached nodes
	scorings  map[string]*plan.Scoring // of opaque models, by the stage that makes them
	failed    map[string]bool          // checks and gates known to have failed
	consumers map[string][]string      // by whom the output of a node is taken; made when first asked for
	moves     []plan.Move
	formers   map[string]plan.Move      // those to be made, by the new address
	deploys   map[string][]*check.Block // by the gate that holds them; made when first asked for
	accepts   map[string]*resolve.Accept
	tested    []*plan.Hypothesis
	sampling  *sampling // nil before the first source of a sample
	saved     *saved    // the plan that is made once more; nil: the module's text is there
	diags     source.Diagnostics
}

// report notes a mistake.
func (p *planner) report(d source.Diagnostic) { p.diags = append(p.diags, d) }

// block plans one block by what its kind is to the engine: a gate, a deployment (with a stage where it scores a batch),
// or a stage. Other blocks, such as problems, have been read by those.
func (p *planner) block(ctx context.Context, b *check.Block) {
	switch {
	case b.TypeSpec.IsGate():
		p.gate(b)
	case b.TypeSpec.IsDeployment():
		if b.TypeSpec.Version > 0 {
			p.stage(ctx, b)
		}
		p.release(b)
	case b.TypeSpec.Version > 0:
		p.stage(ctx, b)
	}
}

// removals are nodes and releases that are recorded and stand in the module no more. Derived stages go with the block
// that they are derived of, and are not told. A plan of a part removes nothing.
func (p *planner) removals() {
	if p.whole != nil {
		return
	}
	for a, s := range p.o.State.Nodes {
		if p.nodes[a] == nil && !address.IsDerived(a) {
			n := &plan.Node{
				Address: a, Kind: s.Kind, Type: s.Type, Version: s.Version,
				Definition: s.Definition, Replaces: s.Fingerprint, Config: s.Config, Inputs: []plan.Input{}, Outputs: []plan.Output{},
			}
			p.begin(n, recorded).on(leftModule)
		}
	}
	for address, s := range p.o.State.Releases {
		if p.m.Blocks[address] == nil {
			p.releases = append(p.releases, &plan.Release{
				Address: address, Type: s.Type, Action: plan.RemoveRelease, Gate: s.Gate, Config: s.Config, Current: &s,
				Model: plan.Input{Port: "model", From: s.From, Digest: s.Model},
			})
		}
	}
}

// assemble puts the parts into their order and signs them with the plan's id.
// The id is a digest of all of it in canonical form (plan.Sign): two plans of the same files and state have the same id
// on every machine, and a plan that was changed by hand has none that is its own. Lists that are empty are written as []
// and not null, for whoever reads them with jq.
func (p *planner) assemble() (*plan.Plan, error) {
	out := &plan.Plan{
		FormatVersion: plan.FormatVersion, PlannerSemantics: plan.Semantics,
		Workspace: p.o.Workspace, Targets: p.o.Targets, Sample: p.sample(),
		Base:    plan.Base{Revision: p.o.State.Revision, Digest: p.o.State.Digest, Upstream: p.o.State.Upstream, Outdated: p.outdated(), Partial: p.o.State.Targets, Ahead: p.onTop()},
		Changes: p.changes(), Moves: p.moves, Nodes: []*plan.Node{}, Gates: []*plan.Gate{}, Releases: p.releases,
	}
	if p.m.Pipeline != nil {
		out.Pipeline = p.m.Pipeline.Name
	}
	out.Hypotheses = p.tested
	out.Described, out.GatesGone = p.described(), p.gatesGone()
	if all := p.policies(); len(all) > 0 {
		out.Policies = all
	}
	for _, n := range p.nodes {
		out.Nodes = append(out.Nodes, n)
	}
	for _, g := range p.gates {
		out.Gates = append(out.Gates, g)
	}
	slices.SortFunc(out.Nodes, func(a, b *plan.Node) int { return strings.Compare(a.Address, b.Address) })
	slices.SortFunc(out.Gates, func(a, b *plan.Gate) int { return strings.Compare(a.Address, b.Address) })
	slices.SortFunc(out.Releases, func(a, b *plan.Release) int { return strings.Compare(a.Address, b.Address) })
	if out.Releases == nil {
		out.Releases = []*plan.Release{}
	}
	for _, d := range p.diags {
		out.Diagnostics = append(out.Diagnostics, plan.Diagnostic{
			Severity: "warning", Code: d.Code, Summary: d.Summary, Detail: d.Detail, Hint: d.Hint, Subject: d.Subject})
	}
	var err error
	out.Variables = p.m.VariablesJSON()
	out.Outputs = p.outputs()
	if out.ConfigDigest, err = p.configDigest(); err != nil {
		return nil, err
	}
	return out, out.Sign()
}

// outputs are the values to show; of a block the digest that it has, or null while it is not known.
// A digest that is not known is one of a stage that has yet to run; after the apply the same output has it.
func (p *planner) outputs() map[string]plan.OutputValue {
	out := map[string]plan.OutputValue{}
	for _, o := range p.m.Outputs {
		if o.Ref != nil && p.whole != nil && p.m.Blocks[o.Ref.Target] == nil {
			continue
		}
		v := plan.OutputValue{Value: o.Value}
		if o.Ref != nil {
			v = plan.OutputValue{Value: json.RawMessage("null"), From: o.Ref.Target, FromPort: o.Ref.TargetPort}
			if d := p.output(v.From, v.FromPort); d != "" {
				v.Value = text(string(d))
			}
		}
		out[o.Name] = v
	}
	return out
}

// configDigest covers all that the files say, not how they say it.
// Two sets of files with the same digest plan the same on the same state; comments, order and layout are no part of it.
func (p *planner) configDigest() (plan.Digest, error) {
	// Places are left out: a block that moves within a file, or to another one, is the same.
	type block struct {
		Config, Policy, Meta json.RawMessage
		Refs                 []string
	}
	all := map[string]block{}
	m := p.m
	if p.whole != nil {
		m = p.whole
	}
	for address, b := range m.Blocks {
		x := block{Config: b.Config, Policy: b.Policy, Meta: b.Meta}
		for _, r := range b.Refs {
			x.Refs = append(x.Refs, r.Path+"="+r.Target+":"+r.TargetPort)
		}
		slices.Sort(x.Refs)
		all[address] = x
	}
	for _, a := range p.m.Accepts {
		all["accept "+a.Address] = block{Policy: encode(map[string]string{"definition": a.Definition, "reason": a.Reason})}
	}
	for _, x := range p.m.Moves {
		all["moved "+x.From] = block{Policy: text(x.To)}
	}
	return plan.Sum("config", all)
}
