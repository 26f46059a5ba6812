package planner

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// checkRules gives a check's node its rules, decided if its figures are known, and remembers a known failure.
// A check whose results are given by a test (NoRules) is judged by its figure "failed" alone.
func (p *planner) checkRules(b *check.Block, n *plan.Node) {
	rules, _, _, err := p.conditions(b)
	if err != nil {
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: b.Range, Summary: err.Error()})
		return
	}
	// A check fails by its rules or by its expectations (failed in its figures); either is known before the apply if the
	// check is cached.
	action := p.actions[n.Address]
	if len(rules) > 0 && !p.o.Given[n.Address].NoRules {
		set, err := p.ruleSet(b, rules, nil)
		if err != nil {
			p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: b.Range, Summary: err.Error()})
			return
		}
		n.Rules = &set
		d, err := decide.NewRemembering(p.o.Rules, &set, func(string) (json.RawMessage, bool) {
			if action == nil {
				return nil, false
			}
			return action.Figures, true
		})
		var res *decide.Result
		if err == nil {
			res, err = d.Rules(&set)
		}
		if err != nil {
			p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: b.Range, Summary: err.Error()})
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

// conditions reads the rules and approvals of a block, in the order of the text, and what a gate asks of rollbacks. How a
// condition is laid out, and in which order approvers stand, is no part of what is asked.
func (p *planner) conditions(b *check.Block) ([]plan.Rule, []plan.Approval, *plan.RollbackPolicy, error) {
	var policy struct {
		Rollback *plan.RollbackPolicy
		Rule     []struct{ Name, Assert, Message, Severity string }
		Approval []struct {
			Name string
			From []string
			When string
		}
	}
	if err := json.Unmarshal(orEmpty(b.Policy), &policy); err != nil {
		return nil, nil, nil, err
	}
	rules := []plan.Rule{}
	for _, r := range policy.Rule {
		rules = append(rules, plan.Rule{Name: r.Name, Assert: plan.Condition(r.Assert), Message: r.Message, Severity: r.Severity,
			Verdict: plan.Open, Range: b.Ranges["rule["+r.Name+"]"]})
	}
	var approvals []plan.Approval
	for _, a := range policy.Approval {
		approvals = append(approvals, plan.Approval{Name: a.Name, From: slices.Sorted(slices.Values(a.From)), When: plan.Condition(a.When), Needed: plan.Open,
			Range: b.Ranges["approval["+a.Name+"]"]})
	}
	if r := policy.Rollback; r != nil {
		slices.Sort(r.From)
		slices.Sort(r.Rules)
		if len(r.From)+len(r.Rules) == 0 {
			policy.Rollback = nil
		}
	}
	return rules, approvals, policy.Rollback, nil
}

// ruleSet puts together what the rules of a block see: types, values known now, and the nodes that the rest comes from.
// Only what they refer to goes in, so that nothing else can change the plan of a gate: a new variable that no rule
// reads leaves its definition, and approvals given for it, as they were.
func (p *planner) ruleSet(b *check.Block, rules []plan.Rule, champion *plan.Champion) (plan.Rules, error) {
	set := plan.Rules{Env: &schema.FigureType{Kind: schema.ObjectFigure, Fields: map[string]*schema.FigureType{}}, Rules: rules}
	// Of all variables only those that the rules read: any other may change without a new decision.
	known := map[string]map[string]any{}
	keep := func(ns, name string, value any) {
		if known[ns] == nil {
			known[ns] = map[string]any{}
		}
		known[ns][name] = value
	}
	sources := map[string]plan.FigureSource{}
	own := b.TypeSpec.IsCheck() || b.TypeSpec.IsDeployment() // they see no figures of other blocks
	if b.TypeSpec.IsCheck() {
		set.Env = b.Env
		sources[""] = plan.FigureSource{Node: b.Address}
	}
	for _, r := range b.Rules {
		for _, ref := range r.Rule.Refs() {
			ns := ref.Path[0]
			if !b.TypeSpec.IsCheck() {
				set.Env.Fields[ns] = b.Env.Fields[ns]
			}
			if len(ref.Path) < 2 {
				continue
			}
			switch ns {
			case "variable":
				keep(ns, ref.Path[1], p.value(b, ref, p.m.Scopes[b.Module].Variables))
			case "local":
				keep(ns, ref.Path[1], p.value(b, ref, p.m.Scopes[b.Module].Locals))
			case "each":
				keep(ns, ref.Path[1], p.value(b, ref, b.Each))
			// The figures of the champion come by figureSources; here are only the two words about it.
			case "champion":
				keep(ns, "exists", champion != nil && champion.Exists && !champion.Candidate)
				keep(ns, "comparable", champion != nil && champion.Comparable)
			default:
				if !own {
					p.figureSources(sources, b, plan.Condition(r.Text.Value), ref.Path, champion)
				}
			}
		}
	}
	if !own {
		set.Env = prune(set.Env, sources)
	}
	for _, path := range sortedKeys(sources) {
		set.Figures = append(set.Figures, sources[path])
	}
	var err error
	set.Known, err = plan.Canonical(known)
	return set, err
}

// figureSources says which nodes a path's figures come from: the block's own, and for an evaluation's delta the champion's.
// For the rule evaluate.e.delta.auc.low > -0.01 two sources result: evaluate.e, and below evaluate.e.delta the node
// that evaluates the champion on the same rows, of whose figures the field "delta" is picked. Without a champion to
// compare with that one is absent, and the rule can ask for it by champion.comparable.
func (p *planner) figureSources(sources map[string]plan.FigureSource, b *check.Block, rule string, path []string, champion *plan.Champion) {
	for _, f := range p.m.FiguresAt(b, rule, path) {
		own := f.Block.Address
		if p.nodes[own] == nil {
			continue
		}
		sources[f.Path] = plan.FigureSource{Path: f.Path, Node: own}
		if derivation(f.Block, schema.ChampionRole) == nil { // such as a monitor, whose own figures compare with its baseline
			continue
		}
		if len(f.Rest) > 0 && f.Rest[0] != "delta" || len(f.Rest) == 0 && !strings.Contains(rule, ".delta") {
			continue
		}
		delta := plan.FigureSource{Path: f.Path + ".delta", Node: address.Derived(own, string(schema.ChampionRole)), Pick: "delta", Absent: true}
		if champion != nil && champion.Comparable {
			if p.nodes[delta.Node] == nil {
				p.championNode(own, champion)
			}
			delta.Absent = p.nodes[delta.Node] == nil
		}
		sources[delta.Path] = delta
	}
}

// prune leaves the blocks that rules read; of a repeated block all instances stay if one is read.
// The types stand in the plan, since an apply compiles the rules with them: a new block elsewhere must not change them. With the rule
// evaluate.a.metrics.auc > 0.8 alone the type of evaluate.b goes, and approvals that were given for the gate stay good when b gets
// another metric.
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

// value of a variable, local or each that a rule of a block reads, as rules see it. Of a saved plan it is what the plan says: the module that it
// is turned into has types only.
func (p *planner) value(b *check.Block, ref rule.Ref, values map[string]cty.Value) any {
	if p.saved != nil {
		return p.saved.known[b.Address][ref.Path[0]][ref.Path[1]]
	}
	return plainValue(values[ref.Path[1]])
}

// plainValue is a variable's value as rules see it.
func plainValue(v cty.Value) any {
	data, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return nil
	}
	return json.RawMessage(data)
}
