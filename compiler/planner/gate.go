package planner

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// gate decides a gate as far as the figures it reads are known.
func (p *planner) gate(b *check.Block) {
	g := &plan.Gate{Address: b.Address, Range: b.Range, Champion: p.champion(b)}
	for _, r := range b.Refs {
		if r.Edge == schema.OrderEdge {
			g.After = append(g.After, r.Target)
		}
	}
	slices.Sort(g.After)
	g.After = slices.Compact(g.After)
	p.gates[b.Address] = g
	rules, approvals, err := p.conditions(b)
	if err == nil {
		g.Rules, err = p.ruleSet(b, rules, g.Champion)
		g.Approvals = approvals
	}
	if err == nil {
		g.Definition, err = plan.Sum("gate-definition", struct {
			Policy    json.RawMessage
			After     []string
			Variables json.RawMessage
		}{b.Policy, g.After, constants(g.Rules.Known)})
	}
	if err == nil {
		err = p.decideGate(g)
	}
	if err != nil {
		p.fail(b.Range, "MLP1606", fmt.Errorf("%s: %w", b.Address, err), "")
	}
}

// decideGate decides what is known, unless the same was decided before and is live.
func (p *planner) decideGate(g *plan.Gate) error {
	figures := func(node string) (json.RawMessage, bool) {
		if a := p.actions[node]; a != nil {
			return a.Figures, true
		}
		return nil, false
	}
	d, err := decide.New(&g.Rules, figures)
	if err != nil {
		return err
	}
	res, err := decide.Rules(&g.Rules, figures)
	if err != nil {
		return err
	}
	g.Rules.Rules, g.Verdict = res.Rules, res.Verdict
	before, recorded := p.o.State.Gates[g.Address]
	g.Replaces = before.Definition
	p.remember(g, &before)
	settled := p.settled(g.Address)
	for i := range g.Approvals {
		if settled {
			g.Approvals[i].Needed = plan.Fail // what is live has been let pass
			continue
		}
		if err := p.approval(g, &g.Approvals[i], d); err != nil {
			return err
		}
	}
	waiting := false
	for _, a := range g.After {
		switch {
		case p.failed[a]:
			g.BlockedBy = append(g.BlockedBy, a)
		case p.nodes[a] != nil && !p.nodes[a].Verdict.Known(), p.gates[a] != nil && p.gates[a].Verdict == plan.Open:
			waiting = true
		}
	}
	if waiting {
		g.Verdict = decide.Worse(g.Verdict, plan.Open)
	}
	if len(g.BlockedBy) > 0 {
		g.Verdict = plan.Fail
	}
	if recorded && before.Definition != g.Definition {
		g.Causes = policyCauses(g, &before)
	}
	g.Cached = recorded && before.Definition == g.Definition && before.Verdict == plan.Pass && g.Verdict == plan.Pass &&
		settled && sameFigures(g.Rules.Rules, before.Rules)
	p.failed[g.Address] = g.Verdict == plan.Fail || g.Verdict == plan.RuleError
	return nil
}

// policyCauses compares a gate's rules and approvals with those it was last decided by.
func policyCauses(g *plan.Gate, before *plan.GateState) []plan.Cause {
	old, now := map[string]string{}, map[string]string{}
	describe(before.Rules, old)
	describe(g.Rules.Rules, now)
	var out []plan.Cause
	for _, path := range sortedKeys(merged(old, now)) {
		if old[path] != now[path] {
			out = append(out, plan.Cause{Kind: plan.ConfigCause, Path: path, Before: optional(old[path]), After: optional(now[path])})
		}
	}
	if len(out) == 0 { // a value that rules read, an approval, a check it comes after
		out = append(out, plan.Cause{Kind: plan.PolicyCause})
	}
	return out
}

// describe puts down what rules demand, and the values of variables and locals that they were seen to read.
func describe(rules []plan.Rule, out map[string]string) {
	for _, r := range rules {
		out["rule["+r.Name+"]"] = ruleText(r)
		for _, v := range r.Values {
			if strings.HasPrefix(v.Path, "variable.") || strings.HasPrefix(v.Path, "local.") {
				out[v.Path] = string(canonical(v.Value))
			}
		}
	}
}

// ruleText is what a rule demands, in one line.
func ruleText(r plan.Rule) string {
	s := strings.Join(strings.Fields(r.Assert), " ")
	if r.Severity == "warn" {
		s += " (warns)"
	}
	return s
}

func optional(s string) json.RawMessage {
	switch {
	case s == "":
		return nil
	case json.Valid([]byte(s)):
		return json.RawMessage(s)
	}
	return text(s)
}

func merged(a, b map[string]string) map[string]string {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// settled tells whether each deployment behind a gate has its candidate live, so that there is nothing to let pass.
func (p *planner) settled(gate string) bool {
	for _, b := range p.m.Blocks {
		if b.Kind != "deploy" || !refersTo(b, "gate", gate) {
			continue
		}
		model := p.candidate(b.Address)
		release, ok := p.o.State.Releases[b.Address]
		if !ok || model == nil || model.Digest == "" || release.Model != model.Digest {
			return false
		}
	}
	return true
}

func refersTo(b *check.Block, path, target string) bool {
	for _, r := range b.Refs {
		if r.Path == path && r.Target == target {
			return true
		}
	}
	return false
}

// sameFigures tells whether rules read the same values now as when they were decided. What compares with a champion is
// left out: once the candidate is live, there is nothing to compare it with.
func sameFigures(now, before []plan.Rule) bool {
	return slices.EqualFunc(now, before, func(a, b plan.Rule) bool {
		return a.Name == b.Name && a.Assert == b.Assert && (relative(a) || slices.EqualFunc(a.Values, b.Values, func(x, y plan.FigureSeen) bool {
			return x.Path == y.Path && string(canonical(x.Value)) == string(canonical(y.Value))
		}))
	})
}

func relative(r plan.Rule) bool {
	return strings.Contains(r.Assert, "champion.") || strings.Contains(r.Assert, ".delta.")
}

// remember puts the figures of the last decision beside the rules.
func (p *planner) remember(g *plan.Gate, before *plan.GateState) {
	for i := range g.Rules.Rules {
		for _, old := range before.Rules {
			if old.Name == g.Rules.Rules[i].Name && g.Rules.Rules[i].Verdict == plan.Open {
				g.Rules.Rules[i].Live = old.Values
			}
		}
	}
}

// approval decides whether a person's yes is asked for, and whether it was given for just this.
func (p *planner) approval(g *plan.Gate, a *plan.Approval, d *decide.Decider) error {
	a.Needed = plan.Pass
	if a.When != "" {
		decision, err := d.Condition(a.When, a.Range)
		if err != nil {
			return err
		}
		a.Needed = plan.RuleVerdict(decision.Verdict)
	} else if !d.Complete {
		a.Needed = plan.Open
	}
	switch a.Needed {
	case plan.RuleError:
		a.Needed = plan.Pass // what cannot be decided is asked for
	case plan.Open:
		g.Verdict = decide.Worse(g.Verdict, plan.Open)
		return nil
	case plan.Fail:
		return nil
	}
	subject, err := plan.GateSubject(g.Definition, d.Values, p.candidates(g.Address))
	if err != nil {
		return err
	}
	if given, ok := p.o.State.Approvals[g.Address+"/"+a.Name]; ok && given.Subject == subject {
		a.GivenBy = given.By
		return nil
	}
	g.Verdict = decide.Worse(g.Verdict, plan.Open)
	return nil
}

// candidates are the models behind a gate by the deployment that would release them.
func (p *planner) candidates(gate string) map[string]plan.Digest {
	out := map[string]plan.Digest{}
	for address, b := range p.m.Blocks {
		if b.Kind == "deploy" && refersTo(b, "gate", gate) {
			if m := p.candidate(address); m != nil {
				out[address] = m.Digest
			}
		}
	}
	return out
}

// checkRules gives a check's node its rules, decided if its figures are known, and remembers a known failure.
func (p *planner) checkRules(b *check.Block, n *plan.Node) {
	rules, _, err := p.conditions(b)
	if err != nil {
		p.fail(b.Range, "MLP1606", err, "")
		return
	}
	action := p.actions[n.Address]
	if len(rules) > 0 {
		set, err := p.ruleSet(b, rules, nil)
		if err != nil {
			p.fail(b.Range, "MLP1606", err, "")
			return
		}
		n.Rules = &set
		res, err := decide.Rules(&set, func(string) (json.RawMessage, bool) {
			if action == nil {
				return nil, false
			}
			return action.Figures, true
		})
		if err != nil {
			p.fail(b.Range, "MLP1606", err, "")
			return
		}
		n.Rules.Rules = res.Rules
		p.failed[n.Address] = res.Verdict == plan.Fail || res.Verdict == plan.RuleError
	}
	if action != nil {
		var figures struct{ Failed float64 }
		if json.Unmarshal(action.Figures, &figures) == nil && figures.Failed > 0 {
			p.failed[n.Address] = true
		}
	}
}

// conditions reads the rules and approvals of a block.
func (p *planner) conditions(b *check.Block) ([]plan.Rule, []plan.Approval, error) {
	var policy struct {
		Rule     []struct{ Name, Assert, Message, Severity string }
		Approval []struct {
			Name string
			From []string
			When string
		}
	}
	if err := json.Unmarshal(orEmpty(b.Policy), &policy); err != nil {
		return nil, nil, err
	}
	rules := []plan.Rule{}
	for _, r := range policy.Rule {
		rules = append(rules, plan.Rule{Name: r.Name, Assert: r.Assert, Message: r.Message, Severity: r.Severity,
			Verdict: plan.Open, Range: b.Ranges["rule["+r.Name+"]"]})
	}
	var approvals []plan.Approval
	for _, a := range policy.Approval {
		approvals = append(approvals, plan.Approval{Name: a.Name, From: a.From, When: a.When, Needed: plan.Open,
			Range: b.Ranges["approval["+a.Name+"]"]})
	}
	return rules, approvals, nil
}

// ruleSet puts together what the rules of a block see: types, values known now, and the nodes that the rest comes from.
// Only what they refer to goes in, so that nothing else can change the plan of a gate.
func (p *planner) ruleSet(b *check.Block, rules []plan.Rule, champion *plan.Champion) (plan.Rules, error) {
	set := plan.Rules{Env: &schema.FigureType{Kind: schema.ObjectFigure, Fields: map[string]*schema.FigureType{}}, Rules: rules}
	known := map[string]map[string]any{}
	keep := func(ns, name string, value any) {
		if known[ns] == nil {
			known[ns] = map[string]any{}
		}
		known[ns][name] = value
	}
	sources := map[string]plan.FigureSource{}
	if b.Kind == "check" {
		set.Env = b.Env
		sources[""] = plan.FigureSource{Node: b.Address}
	}
	for _, r := range b.Rules {
		for _, ref := range r.Rule.Refs() {
			ns := ref.Path[0]
			if b.Kind != "check" {
				set.Env.Fields[ns] = b.Env.Fields[ns]
			}
			if len(ref.Path) < 2 {
				continue
			}
			switch ns {
			case "variable":
				keep(ns, ref.Path[1], plainValue(p.m.Scopes[b.Module].Variables[ref.Path[1]]))
			case "local":
				keep(ns, ref.Path[1], plainValue(p.m.Scopes[b.Module].Locals[ref.Path[1]]))
			case "each":
				keep(ns, ref.Path[1], plainValue(b.Each[ref.Path[1]]))
			case "champion":
				keep(ns, "exists", champion != nil && champion.Exists && !champion.Candidate)
				keep(ns, "comparable", champion != nil && champion.Comparable)
			default:
				if b.Kind != "check" {
					p.figureSources(sources, b, r.Text.Value, ref.Path, champion)
				}
			}
		}
	}
	if b.Kind != "check" {
		set.Env = prune(set.Env, sources)
	}
	for _, path := range sortedKeys(sources) {
		set.Figures = append(set.Figures, sources[path])
	}
	var err error
	set.Known, err = plan.Canonical(known)
	return set, err
}

// figureSources says which nodes a path's figures come from: the block's own, and for a delta the champion's.
func (p *planner) figureSources(sources map[string]plan.FigureSource, b *check.Block, rule string, path []string, champion *plan.Champion) {
	for _, f := range p.m.FiguresAt(b, rule, path) {
		address := f.Block.Address
		if p.nodes[address] == nil {
			continue
		}
		sources[f.Path] = plan.FigureSource{Path: f.Path, Node: address}
		if len(f.Rest) > 0 && f.Rest[0] != "delta" || len(f.Rest) == 0 && !strings.Contains(rule, ".delta") {
			continue
		}
		delta := plan.FigureSource{Path: f.Path + ".delta", Node: address + "@champion", Pick: "delta", Absent: true}
		if champion != nil && champion.Comparable {
			if p.nodes[delta.Node] == nil {
				p.championNode(address, champion)
			}
			delta.Absent = p.nodes[delta.Node] == nil
		}
		sources[delta.Path] = delta
	}
}

// prune leaves the blocks that rules read.
func prune(env *schema.FigureType, sources map[string]plan.FigureSource) *schema.FigureType {
	out := map[string]*schema.FigureType{}
	for ns, t := range env.Fields {
		if ns == "variable" || ns == "local" || ns == "each" || ns == "champion" {
			out[ns] = t
			continue
		}
		fields := map[string]*schema.FigureType{}
		for name, f := range t.Fields {
			_, ok := sources[ns+"."+name]
			for _, key := range f.Keys { // of a repeated block
				_, one := sources[ns+"."+name+"."+key]
				ok = ok || one
			}
			if ok {
				fields[name] = f
			}
		}
		out[ns] = schema.Object(fields)
	}
	return schema.Object(out)
}

// plainValue is a variable's value as rules see it.
func plainValue(v cty.Value) any {
	data, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return nil
	}
	return json.RawMessage(data)
}

// constants are the known values less what is said of the champion: a gate is the same gate whoever is live.
func constants(known json.RawMessage) json.RawMessage {
	out, err := without(known, "champion")
	if err != nil {
		return known
	}
	return out
}
