package planner

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// strategy gives a release the way in which it follows another one. The rules of a canary are decided while nobody has the module, so they go into the
// state with all that they read of variables and locals put in: of errors.ratio > variable.worst, where that is 1.2, errors.ratio > 1.2.
func (p *planner) strategy(b *check.Block, r *plan.Release) {
	given := b.Out["release"].Strategy
	if given == nil || given.Rules == nil {
		r.Strategy = given
		return
	}
	strategy, rules := *given, *given.Rules
	strategy.Rules = &rules
	r.Strategy = &strategy
	var all []plan.Rule
	for _, x := range b.Rules {
		all = append(all, plan.Rule{Name: strings.TrimPrefix(x.Path, "canary."), Assert: plan.Condition(x.Text.Value), Severity: "fail", Verdict: plan.Open, Range: b.Ranges[x.Path]})
	}
	set, err := p.ruleSet(b, all, nil)
	known := map[string]any{}
	if err == nil {
		err = json.Unmarshal(set.Known, &known)
	}
	if err != nil {
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: b.Range, Summary: err.Error()})
		return
	}
	r.Rules = &set
	var unseen []string
	for name := range decide.CanaryFigures(true).Fields {
		unseen = append(unseen, name)
	}
	for i, x := range b.Rules {
		one := &set.Rules[i]
		d := x.Rule.Decide(rule.Values{Known: known, Unknown: unseen})
		if d.Verdict != rule.Open {
			p.decidedEarly(x, one.Name, d)
			continue
		}
		one.Residual = d.Residual
		if one.Name == "promote_when" {
			rules.Promote = d.Residual
		} else {
			rules.Rollback = d.Residual
		}
	}
	p.unjudged(b, r)
	p.outlook(b, r)
}

// unjudged tells of rules that read what labels tell where nothing says where they are.
func (p *planner) unjudged(b *check.Block, r *plan.Release) {
	if by := r.Strategy.Rules.JudgedBy; by != "" {
		m := p.m.Blocks[by]
		if m == nil { // that there is none has been told
			return
		}
		if m.Figures != nil && m.Figures.Fields["performance"] == nil {
			p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: b.Ranges["judged_by"], Summary: fmt.Sprintf("%s does not tell how decisions turned out", by),
				Hint: "Name a monitor of performance, of the deployment's log."})
		}
		if t := m.In["predictions"].Table; t != nil && (t.Column("rollout") == nil || t.Column("rollout_share") == nil || t.Column("route") == nil) {
			p.report(source.Diagnostic{Severity: source.Warning, Code: source.CodeUndecided, Subject: b.Ranges["judged_by"], Summary: fmt.Sprintf("the predictions of %s do not say which model of a rollout made them: what labels tell of a canary stays open", by),
				Detail: "A log has the columns rollout, rollout_share and route.", Hint: "Let them through to the monitor. If mlp.lock pins the columns of before: mlp init --upgrade"})
		}
		return
	}
	c, err := decide.NewCanary(*r.Strategy)
	if err != nil || c.ReadsLabels() == "" {
		return
	}
	p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: b.Ranges["canary"], Summary: fmt.Sprintf("%s: nothing tells how decisions turned out, which %s is about", b.Address, c.ReadsLabels()),
		Hint: "Name the monitor of performance of the deployment's log: judged_by = monitor.live"})
}

// outlook tells how long the steps of a canary take, and warns of the first that cannot decide its rules.
func (p *planner) outlook(b *check.Block, r *plan.Release) {
	live := p.o.State.Releases[b.Address]
	traffic := r.Strategy.Rules.TrafficOr(live.Traffic)
	if traffic == nil {
		return
	}
	c, err := decide.NewCanary(*r.Strategy)
	if err != nil {
		return // a rule that is decided early, which has been told
	}
	r.Outlook = c.Outlook(*traffic)
	every := r.Strategy.Rules.Every / 60
	for _, step := range r.Outlook {
		at := fmt.Sprintf("%s at %v %% of the rows: ", b.Address, step.Share)
		o, back := step.Promote, step.Rollback
		switch {
		case o != nil && o.Never:
			p.undecided(b, "promote_when", at+"promote_when never passes for a canary that is as the live model ("+strings.Join(o.If, ", ")+")", "Leave room between what is as good and the limit: errors.ratio < 1.5, errors.difference < 0.01.")
		case back != nil && back.Never:
			p.undecided(b, "rollback_when", at+"rollback_when does not pass, though "+strings.Join(back.If, ", "), "Compare with what a canary that is worse comes to: errors.ratio > 1.")
		case o != nil && every > 0 && every < o.Early:
			p.undecided(b, "every", at+fmt.Sprintf("a step of %v minutes does not decide promote_when, which takes about %v minutes", every, o.Median), "It stays until it is decided. Give it a larger share, a wider limit, or a longer step.")
		default:
			continue
		}
		return // later steps have more rows
	}
}

// undecided warns of a step that cannot decide a rule.
func (p *planner) undecided(b *check.Block, attr, summary, hint string) {
	p.report(source.Diagnostic{Severity: source.Warning, Code: source.CodeUndecided, Subject: b.Ranges["canary."+attr], Summary: summary,
		Detail: "A step that cannot decide its rules is a delay, and no test.", Hint: hint})
}

// decidedEarly tells of a rule that needs nothing to be seen, as variables are.
func (p *planner) decidedEarly(x check.Rule, name string, d rule.Decision) {
	what := map[rule.Verdict]string{rule.Pass: "holds whatever is seen of the canary", rule.Fail: "never holds, whatever is seen of the canary"}[d.Verdict]
	if what == "" {
		what = "cannot be decided: " + d.Reason
	}
	p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: x.Text.Range, Summary: fmt.Sprintf("%s %s", name, what),
		Detail: "Its variables have values by which no figure counts.", Hint: "Take the rule out, or have it read a figure: errors.ratio > 1."})
}

// weakerStep says in which way a canary is held to less by another setting of its block; empty where it is not.
func weakerStep(c plan.Cause) string {
	var before, after string
	_ = json.Unmarshal(orEmpty(c.Before), &before)
	_ = json.Unmarshal(orEmpty(c.After), &after)
	shift := rule.Compare(rule.Condition{Text: before}, rule.Condition{Text: after})
	switch c.Path {
	case "canary.rollback_when":
		switch {
		case c.After == nil:
			return "nothing takes a canary away by itself"
		case c.Before != nil && shift.Stronger:
			return "a canary is taken away less easily"
		case c.Before != nil && shift.Other:
			return "a canary is taken away in other cases"
		}
	case "canary.promote_when":
		switch {
		case c.Before == nil:
			return "a canary goes on by itself"
		case c.After != nil && shift.Weaker:
			return "a canary goes on more easily"
		case c.After != nil && shift.Other:
			return "a canary goes on in other cases"
		}
	case "canary.otherwise":
		if before == string(schema.AbortStep) {
			return "a canary that cannot be decided stays"
		}
	case "canary.alpha":
		if was, is := numberOr(c.Before, schema.DefaultAlpha), numberOr(c.After, schema.DefaultAlpha); is > was {
			return "more decisions may be wrong"
		}
	case "canary.min_samples":
		if numberOr(c.After, 0) < numberOr(c.Before, 0) {
			return "a step takes fewer rows"
		}
	case "canary.every":
		was, _ := schema.ParseDuration(before)
		if is, _ := schema.ParseDuration(after); is < was {
			return "a step may be shorter"
		}
	}
	return ""
}

// numberOr is a number of JSON, or another where there is none.
func numberOr(text json.RawMessage, other float64) float64 {
	x := other
	_ = json.Unmarshal(orEmpty(text), &x)
	return x
}
