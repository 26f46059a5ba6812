package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	page "github.com/mlp-lang/mlp/compiler/render/report"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/store"
)

// decided is the report of what runs nothing and is decided: a gate, a deployment or a problem, made of what the state and the results behind it
// have. nil where nothing of that is recorded under the address.
func (s *Session) decided(at string) (*page.Entry, error) {
	var r *report.Report
	var err error
	gate, isGate := s.State.Gates[at]
	release, isLive := s.State.Releases[at]
	claims := s.hypothesesOf(at)
	switch {
	case isGate:
		r, err = s.gateReport(&gate)
	case isLive:
		r, err = s.releaseReport(&release)
	case len(claims) > 0:
		r = hypothesisReport(claims)
	}
	if r == nil || err != nil {
		return nil, err
	}
	facts := []page.Fact{{Name: "recorded", Value: fmt.Sprintf("revision %d of workspace %s", s.State.Revision, s.w.Name)}}
	if s.State.Sample != "" {
		facts = append(facts, page.Fact{Name: "rows", Value: plan.SampleName(s.State.Sample)})
	}
	return &page.Entry{Address: at, Report: r, Facts: facts}, nil
}

// hypothesesOf are the verdicts on a problem's hypotheses, by name.
func (s *Session) hypothesesOf(problem string) map[string]plan.HypothesisState {
	out := map[string]plan.HypothesisState{}
	for key, h := range s.State.Hypotheses {
		if at, name, _ := strings.Cut(key, "/"); at == problem {
			out[name] = h
		}
	}
	return out
}

// columnsOf are columns of text.
func columnsOf(names ...string) []report.Column {
	out := make([]report.Column, len(names))
	for i, n := range names {
		out[i].Name = n
	}
	return out
}

// gateReport says how a gate was last decided: each rule with the figures that it read, approvals, and the results and models that this rests on.
func (s *Session) gateReport(g *plan.GateState) (*report.Report, error) {
	rules := &report.Table{Columns: columnsOf("rule", "verdict", "condition")}
	held := 0
	for _, r := range g.Rules {
		verdict := string(r.Verdict)
		if r.Verdict == plan.Pass {
			held++
		}
		if r.Severity == "warn" {
			verdict += ", warns only"
		}
		if r.Reason != "" {
			verdict += ": " + r.Reason
		}
		if r.Message != "" && r.Verdict == plan.Fail {
			verdict += ": " + r.Message
		}
		rules.Rows = append(rules.Rows, []report.Cell{report.Words(r.Name), report.Words(verdict), report.Words(r.Assert)})
	}
	out := &report.Report{Version: report.Version, Title: "Gate: " + string(g.Verdict), Summary: fmt.Sprintf("%d of %d rules hold.", held, len(g.Rules)),
		Sections: []report.Section{{Title: "Rules", Items: []report.Item{{Table: rules}}}}}
	if t := figuresRead(g.Rules); len(t.Rows) > 0 {
		out.Sections = append(out.Sections, report.Section{Title: "Figures that the rules read", Items: []report.Item{{Table: t}}})
	}
	if len(g.Approvals) > 0 {
		t := &report.Table{Columns: columnsOf("approval", "asked of", "state")}
		for _, a := range g.Approvals {
			state := "missing"
			switch {
			case a.Given != nil:
				state = "given by " + review.GivenText(*a.Given)
			case a.Needed == plan.Fail:
				state = "not needed"
			}
			t.Rows = append(t.Rows, []report.Cell{report.Words(a.Name), report.Words(strings.Join(a.From, ", ")), report.Words(state)})
		}
		out.Sections = append(out.Sections, report.Section{Title: "Approvals", Items: []report.Item{{Table: t}}})
	}
	rests := report.Section{Title: "What it rests on"}
	if g.Model != "" {
		rests.Items = append(rests.Items, report.Note("The model that it lets pass, or holds, is %s.", g.Model.Short()))
	}
	if g.Champion != "" {
		rests.Items = append(rests.Items, report.Note("It was compared with %s, which was live.", g.Champion.Short()))
	}
	if t := s.stagesRead(g.Rules); len(t.Rows) > 0 {
		rests.Items = append(rests.Items, report.Item{Table: t})
	}
	if len(rests.Items) > 0 {
		out.Sections = append(out.Sections, rests)
	}
	return out, nil
}

// figuresRead are the figures that rules read, each once, in the order in which they read them.
func figuresRead(rules []plan.Rule) *report.Table {
	t := &report.Table{Columns: []report.Column{{Name: "figure"}, {Name: "value", Kind: report.Number}}}
	told := map[string]bool{}
	for _, r := range rules {
		for _, v := range r.Values {
			if !told[v.Path] {
				told[v.Path] = true
				t.Rows = append(t.Rows, []report.Cell{report.Words(v.Path), valueSeen(v)})
			}
		}
	}
	return t
}

// valueSeen is a cell of a figure: a number as one, all else in words.
func valueSeen(v plan.FigureSeen) report.Cell {
	var x float64
	if json.Unmarshal(v.Value, &x) == nil && string(v.Value) != "null" {
		return report.Figure(x)
	}
	return report.Words(render.Value(v.Value))
}

// stagesRead are the recorded stages whose figures rules read, with their results. A result that was recorded after the decision is another one, and
// the gate would have been decided again by it.
func (s *Session) stagesRead(rules []plan.Rule) *report.Table {
	t := &report.Table{Columns: columnsOf("stage", "result", "component")}
	found := map[string]bool{}
	for _, r := range rules {
		for _, v := range r.Values {
			for at := range s.State.Nodes {
				if path := address.Path(at); !address.IsDerived(at) && strings.HasPrefix(v.Path, path+".") {
					found[at] = true
				}
			}
		}
	}
	for _, at := range slices.Sorted(maps.Keys(found)) {
		n := s.State.Nodes[at]
		t.Rows = append(t.Rows, []report.Cell{report.Words(at), report.Words(n.Fingerprint.Short()), report.Words(n.Component())})
	}
	return t
}

// hypothesisReport says what figures say of each claim of a problem, by which condition and figures, and of which results these are.
func hypothesisReport(claims map[string]plan.HypothesisState) *report.Report {
	verdicts, conditions := &report.Table{Columns: columnsOf("hypothesis", "verdict", "claim")}, &report.Table{Columns: columnsOf("hypothesis", "condition")}
	figures := &report.Table{Columns: []report.Column{{Name: "hypothesis"}, {Name: "figure"}, {Name: "value", Kind: report.Number}}}
	results := &report.Table{Columns: columnsOf("hypothesis", "stage", "result")}
	var notes []report.Item // what verdicts are held back by, or rest on besides
	count := map[plan.HypothesisVerdict]int{}
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		h := claims[name]
		verdict := render.HypothesisVerdict(h.Verdict)
		count[verdict]++
		verdicts.Rows = append(verdicts.Rows, []report.Cell{report.Words(name), report.Words(string(verdict)), report.Words(h.Statement)})
		if h.Reason != "" {
			notes = append(notes, report.Note("%s: %s.", name, h.Reason))
		}
		conditions.Rows = append(conditions.Rows, []report.Cell{report.Words(name), report.Words(h.Assert)})
		ends := map[string]plan.IntervalSeen{}
		for _, x := range h.Intervals {
			ends[x.Path] = x
		}
		for _, v := range h.Values {
			cell := valueSeen(v)
			if x, ok := ends[v.Path]; ok && cell.Value != nil {
				cell.Low, cell.High = &x.Low, &x.High
			}
			figures.Rows = append(figures.Rows, []report.Cell{report.Words(name), report.Words(v.Path), cell})
		}
		for _, stage := range slices.Sorted(maps.Keys(h.Evidence)) {
			results.Rows = append(results.Rows, []report.Cell{report.Words(name), report.Words(stage), report.Words(h.Evidence[stage].Short())})
		}
	}
	return &report.Report{Version: report.Version, Title: "Hypotheses",
		Summary: fmt.Sprintf("%d supported, %d refuted, %d open.", count[plan.Supported], count[plan.Refuted], count[plan.Undecided]),
		Sections: []report.Section{{Title: "Verdicts", Items: append([]report.Item{{Table: verdicts}}, notes...)}, {Title: "Conditions", Items: []report.Item{{Table: conditions}}},
			{Title: "Figures", Items: []report.Item{{Table: figures}}}, {Title: "Results that the figures are of", Items: []report.Item{{Table: results}}}}}
}

// releaseReport says what is live, and how the last candidate that was compared with it measured against it, metric by metric on the same rows.
func (s *Session) releaseReport(r *plan.ReleaseState) (*report.Report, error) {
	t := &report.Table{Columns: columnsOf("", "")}
	fact := func(name, value string) {
		if value != "" {
			t.Rows = append(t.Rows, []report.Cell{report.Words(name), report.Words(value)})
		}
	}
	fact("model", r.From+" "+r.Model.Short())
	fact("live since", fmt.Sprintf("revision %d, %s", r.Revision, r.Since.UTC().Format("2006-01-02 15:04Z")))
	fact("by", r.By)
	fact("let pass by", r.Gate)
	out := &report.Report{Version: report.Version, Title: "Release", Summary: fmt.Sprintf("%s %s is live since revision %d.", r.From, r.Model.Short(), r.Revision),
		Sections: []report.Section{{Title: "Live", Items: []report.Item{{Table: t}}}}}
	for _, stage := range sortedKeys(s.State.Nodes) {
		of, role := address.Of(stage)
		n := s.State.Nodes[stage]
		if role != string(schema.ChampionRole) || n.Inputs["model"] != r.Model {
			continue
		}
		section, err := s.against(of, stage)
		if err != nil {
			return nil, err
		}
		if section != nil {
			out.Sections = append(out.Sections, *section)
		}
	}
	return out, nil
}

// measured are the figures of an evaluation that a comparison shows.
type measured struct {
	Metrics map[string]*float64
	Delta   map[string]struct{ Value, Low, High *float64 }
}

// against compares the candidate of an evaluation with the live model by the figures of both on the same rows; nil where a result is gone.
func (s *Session) against(candidate, champion string) (*report.Section, error) {
	var both [2]measured
	for i, at := range []string{candidate, champion} {
		a, err := s.Store.Action(s.State.Nodes[at].Fingerprint)
		if errors.Is(err, store.ErrMissing) {
			return nil, nil
		}
		if err == nil {
			err = json.Unmarshal(a.Figures, &both[i])
		}
		if err != nil {
			return nil, fmt.Errorf("figures of %s: %w", at, err)
		}
	}
	t := &report.Table{Columns: []report.Column{{Name: "metric"}, {Name: "candidate", Kind: report.Number}, {Name: "live", Kind: report.Number}, {Name: "difference", Kind: report.Number}}}
	p := &report.Plot{Title: "Candidate less live", X: report.Axis{Label: "metric"}, Y: report.Axis{Label: "paired difference, with its interval"},
		Alt: "The difference of each metric between the candidate and the live model, with its interval, and a line at 0."}
	var differences []report.Cell
	zero := report.Series{Name: "no difference", Mark: report.Line, Dim: true}
	for _, name := range slices.Sorted(maps.Keys(both[1].Delta)) {
		d := both[1].Delta[name]
		difference := report.Missing("it cannot be computed")
		if d.Value != nil {
			difference = report.Cell{Value: d.Value, Low: d.Low, High: d.High}
		}
		t.Rows = append(t.Rows, []report.Cell{report.Words(name), number(both[0].Metrics[name]), number(both[1].Metrics[name]), difference})
		if d.Value != nil {
			zero.X, zero.Y = append(zero.X, float64(len(differences))), append(zero.Y, 0)
			p.X.Categories, differences = append(p.X.Categories, name), append(differences, difference)
		}
	}
	out := &report.Section{Title: "Candidate of " + candidate + " against what is live", Items: []report.Item{
		report.Note("Both models scored the same rows; differences are paired. An interval that contains 0 does not tell which is better."), {Table: t}}}
	if len(differences) > 0 {
		p.Series = append([]report.Series{zero}, report.Intervals("difference", false, differences)...)
		out.Items = append(out.Items, report.Item{Plot: p})
	}
	return out, nil
}

// number is a cell of a figure that may be undefined.
func number(x *float64) report.Cell {
	if x == nil {
		return report.Missing("undefined")
	}
	return report.Figure(*x)
}
