package review

import (
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/source"
)

// FoundRow is something that a check, a gate or a monitor found, and that stops nothing. Place is "churn.mlp:16" or "".
type FoundRow struct {
	Severity plan.FindingSeverity
	Text     string // with the block, cleaned
	Place    string
	Range    source.Range
}

// Found lists what checks and gates only warn of, and the drift that monitors found, also where it was found before:
// stages in the plan's order, then gates. Of stages that have yet to run nothing is known.
func Found(p *plan.Plan) []FoundRow {
	var out []FoundRow
	add := func(address string, severity plan.FindingSeverity, text string, r source.Range) {
		out = append(out, FoundRow{oneOf(severity, plan.WarnFinding, plan.DriftFinding), render.Line(address) + ": " + render.Line(text), place(r.File, r.Start.Line), r})
	}
	for _, n := range p.Nodes {
		if !n.Verdict.Known() {
			continue
		}
		for _, f := range n.Findings {
			if f.Severity != plan.FailFinding {
				add(n.Address, f.Severity, FindingText(f), n.Range)
			}
		}
		if n.Rules != nil {
			for _, r := range Warned(n.Rules.Rules) {
				add(n.Address, plan.WarnFinding, WarnedText(r), r.Range)
			}
		}
	}
	for _, g := range p.Gates {
		for _, r := range Warned(g.Rules.Rules) {
			add(g.Address, plan.WarnFinding, WarnedText(r), r.Range)
		}
	}
	return out
}

// Warned are the rules of severity "warn" that fail or have an error, in their order. They hold nothing.
func Warned(rules []plan.Rule) []plan.Rule {
	var out []plan.Rule
	for _, r := range rules {
		if r.Severity == "warn" && (r.Verdict == plan.Fail || r.Verdict == plan.RuleError) {
			out = append(out, r)
		}
	}
	return out
}

// WarnedText says which rule does not hold, on which figures: "min_recall: evaluate.test.metrics.recall >= 0.8 (recall
// = 0.71)". It is not cleaned.
func WarnedText(r plan.Rule) string {
	s := r.Name + ": " + r.Assert
	if r.Message != "" {
		s += "; " + r.Message
	}
	if seen := values(r.Values, true); len(seen) > 0 {
		s += " (" + strings.Join(seen, ", ") + ")"
	}
	return s
}

// FindingText says what was found, and of what: "amount drifted: psi 0.31 is above 0.2". It is not cleaned.
func FindingText(f plan.Finding) string {
	if f.About == "" {
		return f.Text
	}
	if f.Severity == plan.DriftFinding {
		return f.About + " drifted: " + f.Text
	}
	return f.About + " " + f.Text
}

// foundTitle is the title of what was found.
const foundTitle = "Warnings and drift found"

// Weakened says in a line which policy a change makes weaker, and why.
func Weakened(c plan.Change) string {
	return render.CauseText(render.Line(c.Address), c.Cause) + ": " + render.Line(c.Cause.Weaker)
}

// FailedCheck reports whether a stage is a check that is known to fail; sum says in short by what.
func FailedCheck(n *plan.Node) (sum string, failed bool) {
	row, failed := check(n, bare)
	return row.Sum, failed
}
