package review

import (
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// hypothesisRow is a hypothesis of a problem with what figures say of it.
type hypothesisRow struct {
	Verdict                  plan.HypothesisVerdict
	Problem, Name, Statement string
	Condition, Note          string
	Was                      string // "was open"; "" where the verdict is the recorded one, or nothing is recorded
}

// hypotheses are the rows of a plan's hypotheses, in its order. What only repeats what is recorded is left out, unless all are wanted.
func hypotheses(p *plan.Plan, all bool) []hypothesisRow {
	var out []hypothesisRow
	for _, h := range p.Hypotheses {
		if len(h.Rules.Rules) != 1 || h.Replaces == h.Verdict && !all && h.Verdict != plan.Undecided {
			continue
		}
		row := hypothesisRow{Verdict: render.HypothesisVerdict(h.Verdict), Problem: render.Line(h.Problem), Name: render.Line(h.Name()), Statement: render.Line(h.Statement),
			Condition: render.Clipped(render.Line(h.Rule().Assert), render.LongestShown), Note: render.HypothesisNote(h.Tested)}
		if h.Replaces != "" && h.Replaces != h.Verdict {
			row.Was = "was " + string(render.HypothesisVerdict(h.Replaces))
		}
		out = append(out, row)
	}
	return out
}

// hypotheses lists what figures say of hypotheses, with the claim below:
//
//	Hypotheses
//	  ✓ problem.churn  trees help  supported   evaluate.trees auc 0.905 to 0.931, evaluate.line auc 0.862 to 0.894
//	      Boosted trees tell leavers from stayers better than a linear model.
//	      evaluate.trees.metrics.auc - evaluate.line.metrics.auc > 0.0
func (t *text) hypotheses() {
	for i, h := range t.d.Hypotheses {
		if i == 0 {
			t.Title("Hypotheses")
		}
		mark, style := render.HypothesisSign(h.Verdict)
		was := ""
		if h.Was != "" {
			was = ", " + h.Was
		}
		t.Line("  %s %s  %s  %s%s   %s", t.Paint(style, mark), h.Problem, h.Name, h.Verdict, was, h.Note)
		t.Line("      %s", h.Statement)
		t.Line("      %s", h.Condition)
	}
}

// hypotheses is the table of them.
func (m *markdown) hypotheses() {
	if len(m.d.Hypotheses) == 0 {
		return
	}
	m.line("### Hypotheses\n\n| | hypothesis | claim | condition | figures |\n|---|---|---|---|---|")
	rows, more := some(m.d.Hypotheses, m.fit.rows)
	for _, h := range rows {
		sign, _ := render.HypothesisSign(h.Verdict)
		verdict := sign + " " + string(h.Verdict)
		if h.Was != "" {
			verdict += ", " + h.Was
		}
		m.line("| %s | %s | %s | %s | %s |", verdict, m.code(h.Name), m.phrase(h.Statement), m.code(h.Condition), m.phrase(h.Note))
	}
	m.more(more, 5)
	m.line("")
}
