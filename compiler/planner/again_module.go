package planner

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// A saved plan is turned back into a module, from which the planner makes the plan once more. What of the plan becomes what of the module:
//
//	a stage's kind, type, configuration, meta        a block with the same
//	its inputs, but for those of derived stages      references with an edge of input, at the port
//	what it waits for, its gate                      references with an edge of order
//	rules and approvals of gates and checks          texts that are compiled, with the policy that holds them
//	what rules know of variables and locals          values of the module's scopes, of the type that rules see
//	an acceptance, also of what is lost              a block that accepts
//	stages that are derived, verdicts, causes        nothing: the planner finds them
//
// So nothing that decides is taken over, and a plan in which a verdict was edited comes out otherwise. What the module's text would have and a
// plan has not, such as places and comments, decides nothing.

// module is the module that a plan is of, as far as the plan says that: each stage, gate and deployment with its configuration and
// references, the types of what rules read, and problems with what verifies their requirements. Blocks that are none of these only have been
// read by them, and stand in their configuration. The error names the address of what cannot be a block.
func (s *saved) module(catalog *schema.Catalog) (*resolve.Module, error) {
	m := &resolve.Module{ByAddress: map[string]*resolve.Block{}, Scopes: map[string]resolve.Values{}}
	add := func(b *resolve.Block, err error) error {
		if err == nil && m.ByAddress[b.Address] != nil {
			err = fmt.Errorf("it stands in the plan twice")
		}
		if err != nil {
			return err
		}
		if b.TypeSpec == nil || b.KindSpec == nil {
			return fmt.Errorf("this mlp has no %s of type %q", b.Kind, b.Type)
		}
		m.Blocks, m.ByAddress[b.Address] = append(m.Blocks, b), b
		return nil
	}
	all := map[string]func() (*resolve.Block, error){}
	for _, n := range s.plan.Nodes {
		if n.Verdict != plan.Remove && !n.Derived() {
			all[n.Address] = func() (*resolve.Block, error) { return s.stageBlock(n, catalog) }
		}
		if n.Accepted != nil || lostAccepted(n) {
			m.Accepts = append(m.Accepts, acceptOf(n))
		}
	}
	for _, g := range s.plan.Gates {
		all[g.Address] = func() (*resolve.Block, error) { return gateBlock(g, catalog) }
	}
	for _, r := range s.plan.Releases {
		if r.Action != plan.RemoveRelease && r.Node == "" {
			all[r.Address] = func() (*resolve.Block, error) { return releaseBlock(r, catalog), nil }
		}
	}
	for at, meta := range s.plan.Described {
		if kind := catalog.Kind(address.Kind(at)); kind != nil && kind.Poses {
			all[at] = func() (*resolve.Block, error) { return s.problemBlock(at, meta, catalog) }
		}
	}
	for _, at := range sortedKeys(all) { // as the blocks of modules are sorted
		if err := add(all[at]()); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		s.scope(m, m.ByAddress[at])
	}
	return m, nil
}

// acceptOf is the block by which a stage may take a recorded result. The planner finds anew whether it does.
func acceptOf(n *plan.Node) *resolve.Accept {
	a := &resolve.Accept{Address: n.Address, Definition: string(n.Definition)}
	if n.Accepted != nil {
		a.Reason = n.Accepted.Reason
	}
	return a
}

// lostAccepted reports whether a stage runs since the result that it would have taken is lost: the plan then shows no
// acceptance, and only the cause tells that there was a block.
func lostAccepted(n *plan.Node) bool {
	for _, c := range n.Causes {
		if c.Kind == plan.LostCause && n.Replaces != n.Fingerprint {
			return true
		}
	}
	return false
}

// blockOf is a block without what is particular to stages, gates and deployments. Its kind or type may be unknown: the plan is of another mlp
// then, or was edited, and add refuses it.
func blockOf(at, kind, typ string, catalog *schema.Catalog) *resolve.Block {
	b := &resolve.Block{Address: at, Kind: kind, Type: typ, Name: address.Name(at), Key: address.Key(at), Module: address.Module(at),
		Config: json.RawMessage("{}"), Policy: json.RawMessage("{}"), Meta: json.RawMessage("{}"), Ranges: map[string]source.Range{}}
	if b.KindSpec = catalog.Kind(kind); b.KindSpec != nil {
		b.TypeSpec = b.KindSpec.Type(typ)
	}
	return b
}

// stageBlock is the block that a stage of a saved plan must have come from: what check would have handed to the planner,
// made of the plan alone.
func (s *saved) stageBlock(n *plan.Node, catalog *schema.Catalog) (*resolve.Block, error) {
	if address.Kind(n.Address) != n.Kind {
		return nil, fmt.Errorf("its kind is %s", n.Kind)
	}
	b := blockOf(n.Address, n.Kind, n.Type, catalog)
	if b.TypeSpec == nil || b.TypeSpec.IsGate() {
		return b, nil
	}
	b.Config, b.Meta = orEmpty(n.Config), orEmpty(n.Meta)
	var how meta
	if json.Unmarshal(orEmpty(n.Meta), &how) == nil {
		b.Description = how.Description
	}
	for _, in := range n.Inputs {
		if of, role := address.Of(in.From); role == string(schema.SampleRole) { // the block reads the source
			in.From = of
		}
		if in.Port == plan.ImagePort && n.Container != nil {
			if in = s.imageOf(in, b.TypeSpec); in.From == "" {
				continue
			}
		}
		switch {
		case in.External != nil:
			b.Dir = in.External.Dir
		case in.From != "" && !address.IsDerived(in.From):
			b.Refs = append(b.Refs, reading(in, &b.TypeSpec.Body))
		}
	}
	for _, at := range n.After {
		if at != n.Gate {
			b.Refs = append(b.Refs, ordered("requires", at))
		}
	}
	if n.Gate != "" {
		b.Refs = append(b.Refs, ordered("gate", n.Gate))
	}
	for _, r := range s.plan.Releases {
		if r.Node == n.Address && len(r.Writes) > 0 {
			b.Policy = orEmpty(r.Config) // of which the destinations alone are read as policy
		}
	}
	if n.Rules != nil {
		return b, asking(b, n.Rules.Rules, nil, nil)
	}
	return b, nil
}

// gateBlock is the block that a gate of a saved plan must have come from. Ranges have no places, only whether something is
// there, which tells a gate that asks for something from an empty one.
func gateBlock(g *plan.Gate, catalog *schema.Catalog) (*resolve.Block, error) {
	b := blockOf(g.Address, address.Kind(g.Address), "", catalog)
	if b.TypeSpec == nil || !b.TypeSpec.IsGate() {
		return nil, fmt.Errorf("it is no gate")
	}
	b.Meta = orEmpty(g.Meta)
	for _, at := range g.After {
		b.Refs = append(b.Refs, ordered("after", at))
		b.Ranges["after"] = source.Range{}
	}
	for _, a := range g.Approvals {
		b.Ranges["approval["+a.Name+"]"] = source.Range{}
	}
	if g.Champion != nil {
		b.Refs = append(b.Refs, resolve.Reference{Path: "champion", Target: g.Champion.Deploy, Edge: schema.StateEdge, Spec: &schema.Attr{}})
	}
	return b, asking(b, g.Rules.Rules, g.Approvals, g.Rollback)
}

// releaseBlock is that of a deployment without a stage.
func releaseBlock(r *plan.Release, catalog *schema.Catalog) *resolve.Block {
	b := blockOf(r.Address, address.Kind(r.Address), r.Type, catalog)
	if b.TypeSpec == nil {
		return b
	}
	if r.Rules != nil {
		for _, x := range r.Rules.Rules {
			b.Texts = append(b.Texts, resolve.Text{Path: "canary." + x.Name, Spec: &schema.Attr{Type: schema.CEL}, Text: source.NewText(x.Assert, source.Range{}, nil)})
		}
	}
	b.Config = orEmpty(r.Config)
	b.Refs = append(b.Refs, reading(r.Model, &b.TypeSpec.Body))
	if r.Gate != "" {
		b.Refs = append(b.Refs, ordered("gate", r.Gate))
	}
	return b
}

// problemBlock is a problem: its requirements, and what verifies them. Its task stands in the configuration of trainers.
// Its references are those of verified_by, which the plan keeps as the policy of the block.
func (s *saved) problemBlock(at string, meta json.RawMessage, catalog *schema.Catalog) (*resolve.Block, error) {
	b := blockOf(at, address.Kind(at), "", catalog)
	var told struct {
		Requirement []struct{ Name string }
		Hypothesis  []struct{ Name, Assert string }
	}
	if err := json.Unmarshal(meta, &told); err != nil {
		return nil, fmt.Errorf("its requirements cannot be read: %w", err)
	}
	b.Meta = meta
	for _, r := range told.Requirement {
		b.Ranges["requirement["+r.Name+"]"] = source.Range{}
	}
	for _, h := range told.Hypothesis {
		b.Ranges["hypothesis["+h.Name+"]"] = source.Range{}
		b.Texts = append(b.Texts, resolve.Text{Path: "hypothesis[" + h.Name + "].assert", Spec: &schema.Attr{Type: schema.CEL}, Text: source.NewText(h.Assert, source.Range{}, nil)})
	}
	for path, list := range s.plan.Policies[at] {
		var targets []string
		if err := json.Unmarshal(list, &targets); err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", path, err)
		}
		for i, target := range targets {
			b.Refs = append(b.Refs, resolve.Reference{Path: fmt.Sprintf("%s[%d]", path, i), Target: target, Edge: schema.StateEdge, Spec: &schema.Attr{}})
		}
	}
	return b, nil
}

// ordered is the reference of a block that waits for another.
func ordered(path, target string) resolve.Reference {
	return resolve.Reference{Path: path, Target: target, Edge: schema.OrderEdge, Spec: &schema.Attr{}}
}

// reading is the reference by which an input comes in. Ports are called as the arguments are: "data", "from.cards",
// "features.card.from" of what comes along with "features.card".
func reading(in plan.Input, body *schema.Body) resolve.Reference {
	name, rest, _ := strings.Cut(in.Port, ".")
	spec := body.Attr(name)
	if spec == nil {
		spec = &schema.Attr{}
	}
	r := resolve.Reference{Path: in.Port, Port: in.Port, Target: in.From, TargetPort: in.FromPort, Edge: schema.InputEdge, Spec: spec}
	r.Along = spec.Along != "" && strings.HasSuffix(rest, "."+spec.Along)
	return r
}

// asking gives a block its rules, approvals and what it asks of rollbacks, as its policy and as texts to be compiled.
// So rules of a saved plan are compiled by the code that compiles those of a file, and a condition that no longer
// compiles is told as there. Places are empty: there is no file.
func asking(b *resolve.Block, rules []plan.Rule, approvals []plan.Approval, rollback *plan.RollbackPolicy) error {
	condition := func(path, text string) {
		b.Texts = append(b.Texts, resolve.Text{Path: path, Spec: &schema.Attr{Type: schema.CEL}, Text: source.NewText(text, source.Range{}, nil)})
	}
	type ruleText struct {
		Name     string `json:"name"`
		Assert   string `json:"assert"`
		Message  string `json:"message,omitempty"`
		Severity string `json:"severity"`
	}
	type approvalText struct {
		Name string   `json:"name"`
		From []string `json:"from"`
		When string   `json:"when,omitempty"`
	}
	var policy struct {
		Rule     []ruleText           `json:"rule,omitempty"`
		Approval []approvalText       `json:"approval,omitempty"`
		Rollback *plan.RollbackPolicy `json:"rollback,omitempty"`
	}
	policy.Rollback = rollback
	for _, r := range rules {
		policy.Rule = append(policy.Rule, ruleText{r.Name, r.Assert, r.Message, r.Severity})
		condition("rule["+r.Name+"].assert", r.Assert)
	}
	for _, a := range approvals {
		policy.Approval = append(policy.Approval, approvalText{a.Name, a.From, a.When})
		if a.When != "" {
			condition("approval["+a.Name+"].when", a.When)
		}
		b.Ranges["approval["+a.Name+"]"] = source.Range{}
	}
	var err error
	b.Policy, err = plan.Canonical(policy)
	return err
}

// rulesOf are what a block's rules see, of a problem what each of its hypotheses does; none if it has no rules.
func (s *saved) rulesOf(at string) []*plan.Rules {
	if n := s.nodes[at]; n != nil && n.Rules != nil {
		return []*plan.Rules{n.Rules}
	}
	for _, g := range s.plan.Gates {
		if g.Address == at {
			return []*plan.Rules{&g.Rules}
		}
	}
	var out []*plan.Rules
	for _, r := range s.plan.Releases {
		if r.Address == at && r.Rules != nil {
			out = append(out, r.Rules)
		}
	}
	for _, h := range s.plan.Hypotheses {
		if h.Problem == at {
			out = append(out, &h.Rules)
		}
	}
	return out
}
