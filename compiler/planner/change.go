package planner

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// changes gathers the root causes: what differs at a stage itself, and which stages run because of it. A stage that
// runs only because of what flows into it is no root; where two causes meet in one stage, it stands under both. The
// list is sorted by weight (causeRank), address, kind and path, and is never nil.
func (p *planner) changes() []plan.Change {
	var out []plan.Change
	add := func(address string, c plan.Cause, category plan.Category, r source.Range) {
		out = append(out, plan.Change{Cause: c, Address: address, Category: category, Range: r})
	}
	edited := map[[2]string]bool{}
	for _, address := range sortedKeys(p.nodes) {
		n := p.nodes[address]
		if n.Verdict == plan.Accepted {
			out = append(out, p.acceptedChanges(n)...)
		}
		for _, c := range n.Causes {
			switch {
			case n.Verdict == plan.Remove:
			case c.Kind == plan.PolicyCause:
				add(address, c, plan.PolicyChange, p.rangeOf(address, c))
			case n.Verdict == plan.Accepted && c.Kind != plan.MetadataCause:
			case c.Kind == plan.MetadataCause:
				add(address, c, plan.MetadataChange, p.rangeOf(address, c))
			case c.Kind == plan.CodeCause && c.From != "":
				if of := [2]string{c.From, c.Path}; !edited[of] && !p.toldBy(c) { // it runs several stages that are derived of the block, or for its model
					edited[of] = true
					add(c.From, c, plan.Rebuild, p.rangeOf(address, c))
				}
			case p.root(c):
				add(address, c, plan.Rebuild, p.rangeOf(address, c))
			}
		}
	}
	for address, g := range p.gates {
		for _, c := range g.Causes {
			category := plan.PolicyChange
			if c.Kind == plan.MetadataCause {
				category = plan.MetadataChange
			}
			add(address, c, category, p.rangeOf(address, c))
		}
	}
	// Descriptions are recorded by block. With a state, a block that had none had an empty one.
	before, described := p.o.State.Described, p.described()
	for address, meta := range described {
		was := before[address]
		if was == nil && p.o.State.Recorded() {
			was = json.RawMessage("{}")
		}
		for _, c := range metaCauses(was, meta) {
			add(address, c, plan.MetadataChange, p.rangeOf(address, c))
		}
	}
	for address, meta := range before {
		if described[address] == nil && p.whole == nil {
			add(address, plan.Cause{Kind: plan.MetadataCause, Before: meta}, plan.MetadataChange, source.Range{})
		}
	}
	for _, r := range p.releases {
		for _, c := range r.Causes {
			if c.Kind == plan.ConfigCause && c.From == "" && (r.Node == "" || c.Path == "gate" || p.ofDestination(r.Address, c.Path)) {
				add(r.Address, c, plan.PolicyChange, p.rangeOf(r.Address, c))
			}
		}
	}
	out = slices.Concat(out, p.added(), p.policyChanges(), p.breaking(), p.moveChanges())
	slices.SortFunc(out, func(a, b plan.Change) int {
		return cmp.Or(cmp.Compare(causeRank(a), causeRank(b)), cmp.Compare(a.Address, b.Address),
			cmp.Compare(a.Cause.Kind, b.Cause.Kind), cmp.Compare(a.Cause.Path, b.Cause.Path))
	})
	if out == nil {
		return []plan.Change{}
	}
	if !p.touch(out, false) {
		p.touch(out, true)
	}
	return out
}

// ofDestination reports whether a path is within a block that says where predictions are written, of which the stage knows nothing.
func (p *planner) ofDestination(address, path string) bool {
	name, _, _ := strings.Cut(path, ".")
	b := p.m.Blocks[address]
	if b == nil || b.TypeSpec == nil {
		return false
	}
	block := b.TypeSpec.Body.Block(name)
	return block != nil && block.Destination
}

// added are stages that are new and need not run, since their result is known. Of a first plan all is new.
func (p *planner) added() []plan.Change {
	var out []plan.Change
	for address, n := range p.nodes {
		_, recorded := p.o.State.Nodes[address]
		if !p.o.State.Recorded() || recorded || !n.Verdict.Known() || p.m.Blocks[address] == nil {
			continue
		}
		out = append(out, plan.Change{Cause: plan.Cause{Kind: plan.AddedCause}, Address: address, Category: plan.MetadataChange, Range: n.Range})
	}
	return out
}

// described is what decides nothing in blocks that are no stage and no gate: descriptions, the pipeline's owner, the
// text of requirements. Blocks without any are left out, unless they had some before: then its end is a change.
func (p *planner) described() map[string]json.RawMessage {
	if p.saved != nil {
		return p.saved.plan.Described
	}
	out := map[string]json.RawMessage{}
	for address, b := range p.m.Blocks {
		if p.nodes[address] == nil && p.gates[address] == nil && !p.left[address] && (len(b.Meta) > len("{}") || p.o.State.Described[address] != nil) {
			out[address] = b.Meta
		}
	}
	return out
}

// acceptedChanges are what differs at a stage whose result is taken in spite of it.
// The reason given stands at each, so that a reviewer sees beside what was changed why nothing runs. A change that the
// text does not show, such as of a component's version, is told by both definitions.
func (p *planner) acceptedChanges(n *plan.Node) []plan.Change {
	var out []plan.Change
	add := func(c plan.Cause) {
		out = append(out, plan.Change{Cause: c, Address: n.Address, Category: plan.AcceptedChange, Range: p.rangeOf(n.Address, c), Reason: n.Accepted.Reason})
	}
	for _, c := range n.Causes {
		if c.Kind != plan.MetadataCause && c.Kind != plan.PolicyCause && p.root(c) {
			add(c)
		}
	}
	if len(out) == 0 {
		add(plan.Cause{Kind: plan.AcceptedCause, Before: text(string(n.Accepted.Was)), After: text(string(n.Definition))})
	}
	return out
}

// root reports whether a cause lies at the stage itself. What flows in is the cause of others, unless those have run since
// and only this stage is left.
func (p *planner) root(c plan.Cause) bool {
	switch c.Kind {
	case plan.SchemaCause, plan.InputCause:
		if c.From == "" { // recorded by a version that kept no more
			return c.Kind == plan.SchemaCause
		}
		up := p.nodes[c.From]
		return up != nil && up.Verdict.Known() && up.Replaces == up.Fingerprint
	}
	if c.From != "" { // of another block, which tells it unless what is recorded of that says so already
		up := p.nodes[c.From]
		return up == nil || !slices.ContainsFunc(up.Causes, func(x plan.Cause) bool { return x.Kind != plan.MetadataCause && p.root(x) })
	}
	return true
}

// toldBy reports whether the stage of the block that a file of code is of reads it too, and tells that it was edited.
func (p *planner) toldBy(c plan.Cause) bool {
	up := p.nodes[c.From]
	return up != nil && slices.ContainsFunc(up.Causes, func(x plan.Cause) bool { return x.Kind == plan.CodeCause && x.Path == c.Path })
}

// causeRank puts first policy that became weaker, then what breaks others, then what somebody changed, then what merely has
// not run yet, last what runs nothing.
func causeRank(c plan.Change) int {
	switch {
	case c.Cause.Weaker != "":
		return -1
	case c.Category == plan.Breaking:
		return 0
	case c.Category == plan.MetadataChange, c.Category == plan.MovedChange:
		return 3
	case c.Cause.Kind == plan.NeverRanCause:
		return 2
	}
	return 1
}

// rangeOf is where a cause is written: at its attribute, else at what that stands in, else at the block. Of a derived
// stage it is the block that it is derived of. The zero Range where the block is in no file any more.
func (p *planner) rangeOf(address string, c plan.Cause) source.Range {
	b := p.m.Blocks[address]
	if maker := p.m.Blocks[c.From]; c.From != "" && b == nil {
		b = maker
	}
	if b == nil {
		return source.Range{}
	}
	switch c.Kind {
	case plan.CodeCause: // in the file itself
		for _, l := range []*plan.CodeLine{codeLine(c.After), codeLine(c.Before)} {
			if l != nil {
				at := source.Pos{Line: l.Line, Column: 1}
				return source.Range{File: c.Path, Start: at, End: at}
			}
		}
	case plan.ImageCause:
		for _, path := range []string{"image", "base", "python"} {
			if r, ok := b.Ranges[path]; ok {
				return r
			}
		}
	case plan.ConfigCause, plan.MetadataCause, plan.PolicyCause, plan.WiringCause:
		if r := p.readFrom(b, c.Path); !r.IsZero() {
			return r
		}
		if r, ok := b.Ranges[c.Path+".assert"]; ok { // the path of a rule is that of its condition
			return r
		}
		for path := c.Path; path != ""; path = path[:max(0, strings.LastIndexAny(path, ".["))] { // or what it stands in
			if r, ok := b.Ranges[path]; ok {
				return r
			}
		}
	}
	return b.Range
}

// readFrom is where a value is written that a block only reads: a variable or local of its conditions, an attribute of a block whose
// definition is part of its own, such as `metrics[auc].type` of an evaluation. Zero if the path is no such value.
func (p *planner) readFrom(b *check.Block, path string) source.Range {
	if r, ok := p.m.Scopes[b.Module].Places[path]; ok {
		return r
	}
	for _, ref := range b.Refs {
		made := p.m.Blocks[ref.Target]
		if ref.Edge != schema.DefinitionEdge || made == nil {
			continue
		}
		place := ref.Path
		switch {
		case ref.Spec != nil && ref.Spec.Type == schema.Limits: // decision.where[fpr].metric.type
			place += "[" + made.Name + "].metric"
		case strings.HasSuffix(place, "]"):
			list := place[:strings.LastIndexByte(place, '[')]
			if !lists(p.o.State.Nodes[b.Address].Config, list, made.Name) {
				continue // it is new there
			}
			place = list + "[" + made.Name + "]"
		}
		if attr, ok := strings.CutPrefix(path, place+"."); ok && attr != "name" { // by another name it is another block that is read
			if r, ok := made.Ranges[attr]; ok {
				return r
			}
			return made.Range
		}
	}
	return source.Range{}
}

// lists reports whether a configuration has a list of named objects with one of that name.
func lists(config json.RawMessage, list, name string) bool {
	var all map[string]json.RawMessage
	var items []struct{ Name string }
	return json.Unmarshal(config, &all) == nil && json.Unmarshal(all[list], &items) == nil &&
		slices.ContainsFunc(items, func(x struct{ Name string }) bool { return x.Name == name })
}

const (
	// listedPerStage and listedAnyway bound how often all changes together list stages,
	listedPerStage = 16
	listedAnyway   = 10_000 // which is for plans of so many stages and changes only that nobody reads through them
)

// touch fills in the stages that each change makes run: those at and behind its address that run or may run. Where many
// changes lie behind each other, those lists grow with the square of the stages: touch returns false when they are
// longer than they may be. With once, each change lists what no change before it does, beside its own stage, and touch
// succeeds.
func (p *planner) touch(changes []plan.Change, once bool) bool {
	p.index()
	left := listedPerStage*len(p.nodes) + listedAnyway
	listed := map[plan.Category]map[string]bool{}
	for i := range changes {
		c := &changes[i]
		c.Runs, c.MayRun = nil, nil
		n := p.nodes[c.Address]
		switch {
		case n == nil || c.Category != plan.Rebuild && c.Category != plan.Breaking:
			continue
		case c.Cause.Kind == plan.NeverRanCause && n.Verdict == plan.Run:
			c.Runs = []string{c.Address} // what is behind it never ran either, or has another cause as well
			continue
		}
		if !once || listed[c.Category] == nil {
			listed[c.Category] = map[string]bool{}
		}
		reached := p.downstream(p.changedBy(c.Address), listed[c.Category])
		if left -= len(reached); left < 0 && !once {
			return false
		}
		if c.Category == plan.Breaking { // others read it
			reached = slices.DeleteFunc(reached, func(a string) bool { return address.Block(a) == c.Address })
		}
		for _, a := range reached {
			switch p.nodes[a].Verdict {
			case plan.Run:
				c.Runs = append(c.Runs, a)
			case plan.MayRun:
				c.MayRun = append(c.MayRun, a)
			}
		}
	}
	return true
}

// changedBy lists the stages that a change of a block's text runs by itself: the block's own, the fetch, the image and the trials before it, and those that score its model, if these have
// a cause in the block, as source.cards@fetch has when source.cards reads another address.
func (p *planner) changedBy(block string) []string {
	out := []string{block}
	add := func(at string) {
		if n := p.nodes[at]; n != nil && slices.ContainsFunc(n.Causes, func(c plan.Cause) bool { return c.From == block }) {
			out = append(out, at)
		}
	}
	add(address.Derived(block, string(schema.FetchRole)))
	for at, n := range p.nodes { // those that run the block's program, sorted with all that they reach (downstream)
		if n.Container != nil && n.Role != "" {
			add(at)
		}
	}
	if b := p.m.Blocks[block]; b != nil {
		for i := range b.Derived {
			if d := &b.Derived[i]; d.Role == schema.TrialRole {
				add(address.Numbered(block, string(d.Role), d.Number))
			}
		}
	}
	return out
}

// downstream are the addresses and all nodes that their outputs reach, sorted, less those seen, and what only those
// reach. What is returned is noted in seen.
func (p *planner) downstream(from []string, seen map[string]bool) []string {
	out := from
	for _, a := range from {
		seen[a] = true
	}
	for i := 0; i < len(out); i++ {
		for _, a := range p.consumers[out[i]] {
			if !seen[a] {
				seen[a] = true
				out = append(out, a)
			}
		}
	}
	slices.Sort(out)
	return out
}

// index notes by whom the output of each node is taken, when that is first asked for: downstream would else go through all nodes for each.
func (p *planner) index() {
	if p.consumers != nil {
		return
	}
	p.consumers = map[string][]string{}
	for a, n := range p.nodes {
		for _, in := range n.Inputs {
			if in.From != "" {
				p.consumers[in.From] = append(p.consumers[in.From], a)
			}
		}
	}
}
