package train

import (
	"fmt"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
)

// decisionFigures compare decisions by the one threshold, before, with those by group, after, on the validation rows, which both were chosen on: what they say of other rows an evaluation tells.
type decisionFigures struct {
	Equalize string                   `json:"equalize"`
	Before   decidedFigures           `json:"before"`
	After    decidedFigures           `json:"after"`
	Groups   map[string]groupDecision `json:"groups"`

	metric string
	names  []string // of groups, in their order
}

// decidedFigures of one way to decide.
type decidedFigures struct {
	// Difference is the greatest between the rates of two groups that are to be alike; of equalized odds of either rate.
	Difference float64  `json:"difference"`
	Value      *float64 `json:"value"` // of the metric that is maximized, on rows of groups; nil: it is undefined
}

// groupDecision is a group's threshold and its rates.
type groupDecision struct {
	Rows      int        `json:"rows"`
	Threshold float64    `json:"threshold"`
	Before    groupRates `json:"before"`
	After     groupRates `json:"after"`
}

// groupRates are null where a group lacks the class that they are of.
type groupRates struct {
	Selection     *float64 `json:"selection_rate"`
	TruePositive  *float64 `json:"true_positive_rate"`
	FalsePositive *float64 `json:"false_positive_rate"`
}

// decisionType is the type of the figures. Which groups there are only the data says.
func decisionType() *schema.FigureType {
	of := schema.Object(map[string]*schema.FigureType{"difference": schema.Share, "value": schema.Double})
	rates := schema.Object(map[string]*schema.FigureType{selectionRate: schema.Share, truePositiveRate: schema.Share, falsePositiveRate: schema.Share})
	return schema.Object(map[string]*schema.FigureType{"equalize": schema.OneOf(equalizable()...), "before": of, "after": of,
		"groups": schema.MapOf(schema.Object(map[string]*schema.FigureType{"rows": schema.Count, "threshold": schema.Double, "before": rates, "after": rates}))})
}

// measureDecision compares both ways to decide on the validation rows; nil where there is but one.
func (t *Training) measureDecision(d *decided, score []float64) (*decisionFigures, error) {
	if d.by == nil {
		return nil, nil
	}
	best, _, err := t.config.Decision.metrics()
	if err != nil {
		return nil, err
	}
	out := &decisionFigures{Equalize: d.by.Equalize, Groups: map[string]groupDecision{}, metric: best.Name}
	counts := func(one bool) (groups []candidate, all candidate) {
		groups = make([]candidate, len(d.by.Values))
		for r, p := range d.predicted(t.Validation, score, one) {
			if k := d.groups.of[r]; k >= 0 {
				groups[k].count(t.Validation.Target[r], p, t.Validation.WeightOf(r))
				all.count(t.Validation.Target[r], p, t.Validation.WeightOf(r))
			}
		}
		return groups, all
	}
	measure := func(groups []candidate, all candidate) (f decidedFigures) {
		s := equalSearch{}
		for k := range groups {
			s.curves = append(s.curves, &rateCurve{rates: [][2]float64{ratesAt(out.Equalize, &groups[k])}})
		}
		f.Difference = s.spread(make([]int, len(groups)))
		if x, undefined := all.value(best); undefined == "" {
			f.Value = &x
		}
		return f
	}
	before, all := counts(true)
	out.Before = measure(before, all)
	after, all := counts(false)
	out.After = measure(after, all)
	rows := make([]int, len(before))
	for _, k := range d.groups.of {
		if k >= 0 {
			rows[k]++
		}
	}
	for k := range before {
		name := d.by.Name(k)
		out.names = append(out.names, name)
		out.Groups[name] = groupDecision{Rows: rows[k], Threshold: d.by.Thresholds[k], Before: before[k].rates(), After: after[k].rates()}
	}
	if len(out.Groups) < len(out.names) {
		return nil, fmt.Errorf("two groups by %v are both called alike, since values have a comma", d.by.By)
	}
	return out, nil
}

// count adds a row to the confusion matrix.
func (c *candidate) count(actual, predicted, weight float64) {
	switch {
	case actual == 1 && predicted == 1:
		c.tp += weight
	case actual == 1:
		c.fn += weight
	case predicted == 1:
		c.fp += weight
	default:
		c.tn += weight
	}
}

// rates of a confusion matrix.
func (c *candidate) rates() groupRates {
	one := func(equalize string) *float64 {
		if x := ratesAt(equalize, c)[0]; x == x {
			return &x
		}
		return nil
	}
	return groupRates{one(selectionRate), one(truePositiveRate), one(falsePositiveRate)}
}

// section is the decision by group in the report.
func (f *decisionFigures) section() report.Section {
	sum := &report.Table{Columns: []report.Column{{Name: "decided"}, {Name: "difference of " + f.Equalize, Kind: report.Number}, {Name: f.metric, Kind: report.Number}}}
	for _, x := range []struct {
		name string
		of   decidedFigures
	}{{"by one threshold", f.Before}, {"by group", f.After}} {
		value := report.Missing("it is undefined there")
		if x.of.Value != nil {
			value = report.Figure(*x.of.Value)
		}
		sum.Rows = append(sum.Rows, []report.Cell{report.Words(x.name), report.Figure(x.of.Difference), value})
	}
	groups := &report.Table{Columns: []report.Column{{Name: "group"}, {Name: "rows", Kind: report.Count}, {Name: "threshold", Kind: report.Number}}}
	for _, rate := range []string{selectionRate, truePositiveRate, falsePositiveRate} {
		groups.Columns = append(groups.Columns, report.Column{Name: rate + " before", Kind: report.Number}, report.Column{Name: "after", Kind: report.Number})
	}
	cell := func(x *float64) report.Cell {
		if x == nil {
			return report.Missing("the group has no row of the class")
		}
		return report.Figure(*x)
	}
	for _, name := range f.names {
		g := f.Groups[name]
		groups.Rows = append(groups.Rows, []report.Cell{report.Words(name), report.Figure(float64(g.Rows)), report.Figure(g.Threshold), cell(g.Before.Selection), cell(g.After.Selection),
			cell(g.Before.TruePositive), cell(g.After.TruePositive), cell(g.Before.FalsePositive), cell(g.After.FalsePositive)})
	}
	return report.Section{Title: "Decision by group", Items: []report.Item{
		report.Note("Each group has a threshold of its own. These are the validation rows, which thresholds were chosen on; an evaluation says how rates lie on others."), {Table: sum}, {Table: groups}}}
}
