// Package diff compares two plans as data: what a change of a pipeline means, whatever became of its text.
//
// Compare first pairs the blocks of both plans, moved ones included (move.go). Of each pair it lists what differs at the
// block itself, attribute by attribute (block.go, gate.go, release.go): these are the causes. What differs only because
// of what flows in is counted to them (reach.go). What would run under both plans is kept apart from what only one of
// them would run. Layout, comments, order and places in files are not compared.
package diff

// A worked example. Between two plans somebody renamed source.raw to source.payments, set params.trees of train.model from
// 100 to 200, and lowered the limit of a rule of gate.release from 0.8 to 0.7.
//
// Pairing (move.go). Blocks of the same address are partners. Then come the moves that the files declare. What is left on
// either side is paired where it means the same: first by fingerprint, which is the same definition with the same content of
// all inputs; then by definition, inputs from partners at the same ports and the same content from outside. So source.raw and
// source.payments become partners without a `moved` block. Candidates are tried in the order of dependence: once both are
// partners, a split that was renamed along with its source is seen to read the same source. A block without a partner was
// added or removed.
//
// Fields (leaves.go). A configuration is flattened into values by path, and paths are compared: {"params": {"trees": 100}}
// has the one path params.trees. Elements of lists that have names go by them, column[amount].type, so that one more column
// is one more path and not a shift of all that follow. Values are compared in canonical form (plan.Canonical). Each field
// has a category: rebuild if it decides a result, policy, metadata or accepted otherwise, breaking if a column is gone or
// has another type. A field of policy also says whether it became weaker (package policy).
//
//	train.model    params.trees   100 → 200                     rebuild
//	gate.release   rule[recall]   "… >= 0.8" → "… >= 0.7"       policy, "it holds more easily"
//
// Reach (reach.go). A stage that only gets other input is no change of its own. Of each stage with a field that rebuilds, the
// stages, gates and releases behind it are listed, as far as they are affected: train.model reaches evaluate.holdout,
// gate.release and deploy.scorer. Where both plans know a stage's fingerprint, equal fingerprints end the walk: the result is
// the same.
//
// The order of all lists is that of addresses and paths, so that the same two plans give the same bytes.

import (
	"encoding/json"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/policy"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// FormatVersion of the JSON. Minor versions only add.
const FormatVersion = "1.0"

// Diff is what differs between two plans. Lists are sorted by address, fields by path.
type Diff struct {
	FormatVersion string    `json:"format_version"`
	Pipeline      string    `json:"pipeline"`
	Before        Side      `json:"before"`
	After         Side      `json:"after"`
	Variables     []Field   `json:"variables,omitempty"`
	Added         []Block   `json:"added,omitempty"`
	Removed       []Block   `json:"removed,omitempty"` // a gate or check among them holds nothing any more
	Moved         []Move    `json:"moved,omitempty"`
	Changed       []Changed `json:"changed,omitempty"` // stages
	Gates         []Gate    `json:"gates,omitempty"`
	Releases      []Release `json:"releases,omitempty"`
	Runs          Runs      `json:"runs"`
}

// Side is one of the plans.
type Side struct {
	Name   string      `json:"name"` // the file or the revision, as asked for
	Commit string      `json:"commit,omitempty"`
	PlanID plan.Digest `json:"plan_id,omitempty"`
	Base   int64       `json:"base_revision"` // of the state
}

// Field is a value that differs; one that is absent was added or left out.
type Field struct {
	Path   string          `json:"path"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	// Category says what it means: rebuild, breaking (a column that others may use is gone or other), policy, metadata.
	// Empty for variables, which mean what is made of them.
	Category plan.Category `json:"category,omitempty"`
	// Weaker says why something may pass that would not have passed before; empty where that is not so, or cannot be told.
	Weaker string `json:"weaker,omitempty"`
}

// Block is one that stands in one plan only.
type Block struct {
	Address string       `json:"address"`
	Kind    string       `json:"kind"`
	Type    string       `json:"type,omitempty"`
	Range   source.Range `json:"range,omitzero"`
}

// Move is a block with another address and the same meaning.
type Move struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Changed is a block in which something differs by itself.
type Changed struct {
	Address string       `json:"address"`
	Kind    string       `json:"kind"`
	Fields  []Field      `json:"fields"`
	Range   source.Range `json:"range,omitzero"`
	// Reaches are the blocks with another result, or perhaps another, because of it.
	Reaches []string `json:"reaches,omitempty"`
	// Unfollowed says that Reaches was not worked out: too much changed to follow each cause.
	Unfollowed bool `json:"unfollowed,omitempty"`
}

// Rebuilds reports whether a field decides a result, so that the stage has another one: a field of category rebuild or breaking. A change
// of policy or metadata, or one that is accepted, does not.
func (c *Changed) Rebuilds() bool {
	return slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Category == plan.Rebuild || f.Category == plan.Breaking })
}

// Weaker lists what became weaker, each with its block: policies, and gates and checks that are gone.
func (d *Diff) Weaker() []Weakened {
	var out []Weakened
	add := func(address string, r source.Range, fields []Field) {
		for _, f := range fields {
			if f.Weaker != "" {
				out = append(out, Weakened{address, f, r})
			}
		}
	}
	for _, b := range d.Removed {
		if gone := policy.Gone(b.Kind); gone != "" {
			out = append(out, Weakened{b.Address, Field{Category: plan.PolicyChange, Weaker: gone}, b.Range})
		}
	}
	for _, c := range d.Changed {
		add(c.Address, c.Range, c.Fields)
	}
	for _, g := range d.Gates {
		add(g.Address, g.Range, g.Fields)
	}
	for _, r := range d.Releases {
		add(r.Address, r.Range, r.Fields)
	}
	return out
}

// Weakened is a field of a block by which something may pass that would not have passed before.
type Weakened struct {
	Address string
	Field
	Range source.Range
}

// Runs are the stages that run or may run, by which plan they would, each list in the order of its plan. Before has addresses of the plan
// before, After and Both those of the plan after. A stage of After that is not in Changed usually runs because something that flows in
// differs.
type Runs struct {
	After  []string `json:"only_after,omitempty"`
	Before []string `json:"only_before,omitempty"`
	Both   []string `json:"both,omitempty"`
}

// Empty reports whether the plans mean the same pipeline. What would run (Runs) does not count: that depends on the state, not on the
// pipeline.
func (d *Diff) Empty() bool {
	return len(d.Variables)+len(d.Added)+len(d.Removed)+len(d.Moved)+len(d.Changed)+len(d.Gates)+len(d.Releases) == 0
}

// Compare compares two plans of a pipeline. The catalog says which values are defaults, that nobody wrote; nil: none is known.
func Compare(before, after *plan.Plan, catalog *schema.Catalog) *Diff {
	c := newComparison(before, after)
	c.catalog = catalog
	c.pair()
	d := &Diff{FormatVersion: FormatVersion, Pipeline: after.Pipeline, Before: side(before), After: side(after), Moved: c.moves()}
	if d.Pipeline == "" {
		d.Pipeline = before.Pipeline
	}
	d.Variables = fields(before.Variables, after.Variables)
	c.alone(d)
	d.Changed = c.changed()
	d.Gates = c.gates()
	d.Releases = c.releases()
	d.Runs = c.runs()
	return d
}

func side(p *plan.Plan) Side {
	s := Side{PlanID: p.ID, Base: p.Base.Revision}
	if p.Envelope != nil {
		s.Commit = p.Envelope.Commit
	}
	return s
}

// alone lists the blocks of one plan that have no partner in the other. Helper stages go with their blocks, and so
// does the stage of a deployment.
func (c *comparison) alone(d *Diff) {
	for address, b := range c.newBlocks {
		if _, ok := c.oldOf[address]; !ok {
			d.Added = append(d.Added, b)
		}
	}
	for address, b := range c.oldBlocks {
		if _, ok := c.newOf[address]; !ok {
			d.Removed = append(d.Removed, b)
		}
	}
	byAddress := func(a, b Block) int { return compareText(a.Address, b.Address) }
	slices.SortFunc(d.Added, byAddress)
	slices.SortFunc(d.Removed, byAddress)
}

// runs sorts the stages that would run.
func (c *comparison) runs() Runs {
	var r Runs
	for _, n := range c.after.Nodes {
		if !runs(n) {
			continue
		}
		if old := c.oldNodes[c.oldName(n.Address)]; old != nil && runs(old) {
			r.Both = append(r.Both, n.Address)
		} else {
			r.After = append(r.After, n.Address)
		}
	}
	for _, n := range c.before.Nodes {
		if now := c.newNodes[c.newName(n.Address)]; runs(n) && (now == nil || !runs(now)) {
			r.Before = append(r.Before, n.Address)
		}
	}
	return r
}

// runs reports whether a plan has a stage run, for certain or perhaps.
func runs(n *plan.Node) bool { return n.Verdict == plan.Run || n.Verdict == plan.MayRun }
