package evaluation

// Decisions by group beside those by one threshold.
//
// A model whose groups have thresholds of their own (stdlib/model, Decision) has also the one threshold that all rows would have without. Both decide the rows that count, and each way is measured as a
// fairness block measures: rates by group, and differences with intervals that hold for all groups at once. What it costs is delta, after less before, of metrics of decisions, with an interval over the same
// resamples for both, since most rows are decided alike.

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// DecisionDoc tells what is measured of decisions by group.
const DecisionDoc = "**Decisions by group.** Of a model whose groups have thresholds of their own (`decision { by = … }` of a trainer) `decision` compares both ways to decide the rows: `before`, by the one threshold that the model would have without, and `after`, by group. " +
	"`decision.before|after.<name>.value|low|high` are `demographic_parity_difference`, `equal_opportunity_difference`, `false_positive_rate_difference` and `equalized_odds_difference` between the groups that thresholds are by; `decision.before|after.metrics.<m>` and " +
	"`decision.delta.<m>.value|low|high`, after less before, say what it costs, of `accuracy`, `recall` and each metric of decisions that is listed; `decision.groups[g]` has `count`, `threshold`, and `before|after.selection_rate|true_positive_rate|false_positive_rate`. " +
	"Such a model has no one `threshold`. Rows of no group have no prediction, unless the model says what becomes of them, and are left out.\n\n"

// differencesOf are the comparisons of a decision by group.
func differencesOf() []string {
	return []string{"demographic_parity_difference", "equal_opportunity_difference", "false_positive_rate_difference", "equalized_odds_difference"}
}

// costs are the metrics that a decision is compared by: those of decisions among some, and accuracy and recall.
func costs(all []*metric.Metric) ([]*metric.Metric, error) {
	var out []*metric.Metric
	for _, m := range all {
		if _, _, ok := m.OfCounts(1, 1, 1, 1); ok {
			out = append(out, m)
		}
	}
	for _, name := range []string{"accuracy", "recall"} {
		if slices.ContainsFunc(all, func(m *metric.Metric) bool { return m.Name == name }) {
			continue
		}
		m, err := standard(name)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// standard is the metric of a type under its own name.
func standard(name string) (*metric.Metric, error) {
	return metric.New([]byte(fmt.Sprintf(`{"name": %q, "type": %q}`, name, name)))
}

// DecisionFigures is the type of what Decided yields. Which groups there are only the data says.
func (k *Checker) DecisionFigures() *schema.FigureType {
	values, deltas := map[string]*schema.FigureType{}, map[string]*schema.FigureType{}
	compared, err := costs(k.fitting())
	if err != nil {
		return schema.Object(nil)
	}
	for _, m := range compared {
		values[m.Name], deltas[m.Name] = m.Figure(), Bounded()
	}
	side := map[string]*schema.FigureType{"metrics": schema.Object(values)}
	for _, name := range differencesOf() {
		side[name] = schema.Object(map[string]*schema.FigureType{"value": schema.AtLeast(0), "low": schema.Double, "high": schema.Double})
	}
	rates := map[string]*schema.FigureType{}
	for _, name := range metric.MeasureNames(schema.Binary, nil) {
		rates[name] = schema.Share
	}
	group := schema.Object(map[string]*schema.FigureType{"count": schema.Count, "threshold": schema.Double, "before": schema.Object(rates), "after": schema.Object(rates)})
	return schema.Object(map[string]*schema.FigureType{"before": schema.Object(side), "after": schema.Object(side), "delta": schema.Object(deltas), "groups": schema.MapOf(group),
		"unnamed": schema.Object(map[string]*schema.FigureType{"groups": schema.Count, "count": schema.Count})})
}

// decidedSide is one way to decide with what is measured of it.
type decidedSide struct {
	*fairnessReport
	figures map[string]any
}

// side measures one way to decide the rows: predicted are the classes of all rows of the data. compared are the metrics that ways are compared by.
func (e *Evaluation) side(ctx context.Context, name string, predicted []float64, compared []*metric.Metric, few string) (*decidedSide, error) {
	set, of := *e.set, *e
	set.Predicted = predicted
	rate, err := standard("false_positive_rate")
	if err != nil {
		return nil, err
	}
	if of.sample, err = e.rows.sample(&set, nil); err != nil {
		return nil, err
	}
	of.metrics = []*metric.Metric{rate}
	s := &decidedSide{fairnessReport: &fairnessReport{Evaluation: &of, Fairness: Fairness{Name: "decision", Metrics: differencesOf(), MinGroupSize: smallestGroup},
		groups: e.rows.groups[len(e.Fairness)], path: "decision." + name, few: few}, figures: map[string]any{}}
	if err := s.measure(ctx); err != nil {
		return nil, err
	}
	for i, c := range s.compared {
		s.figures[c.Name] = s.comparison(i, c)
	}
	of.metrics = compared
	s.figures["metrics"], err = of.values(ctx, s.path+".metrics.", of.sample.Weights(), &scored{rows: e.rows}, -1, few)
	return s, err
}

// rates are those of a group, each null with its reason where it is undefined.
func (s *decidedSide) rates(g, count int, path string) map[string]any {
	out := map[string]any{}
	for place, name := range metric.MeasureNames(schema.Binary, nil) {
		out[name] = s.number(path+"."+name, s.measures[g][place], s.why(g, count, name))
	}
	return out
}

// Decided compares decisions by group with those by one threshold, on the rows that count. The groups are those of Config.DecidedBy, and one is the threshold of all rows, which those of no group have.
func (e *Evaluation) Decided(ctx context.Context, d *model.Decision, one float64) (figures map[string]any, section report.Section, err error) {
	few := e.tooFew(len(e.rows.counted), e.positives(nil))
	compared, err := costs(e.metrics)
	if err != nil {
		return nil, section, err
	}
	before, err := e.side(ctx, "before", e.set.One, compared, few)
	if err != nil {
		return nil, section, err
	}
	after, err := e.side(ctx, "after", e.set.Predicted, compared, few)
	if err != nil {
		return nil, section, err
	}
	delta, err := e.cost(ctx, before, after, compared, few)
	if err != nil {
		return nil, section, err
	}
	named, unnamed, hidden := map[string]any{}, 0, 0
	for g, n := range after.parts.Sizes() {
		if n == 0 {
			continue // its rows have no prediction
		}
		if n < smallestGroup {
			unnamed, hidden = unnamed+1, hidden+n
			continue
		}
		name, threshold := after.names[g], one
		for k := range d.Values {
			if d.Name(k) == name {
				threshold = d.Thresholds[k]
			}
		}
		path := "decision.groups." + name
		named[name] = map[string]any{"count": n, "threshold": threshold, "before": before.rates(g, n, path+".before"), "after": after.rates(g, n, path+".after")}
	}
	figures = map[string]any{"before": before.figures, "after": after.figures, "delta": delta, "groups": named, "unnamed": map[string]any{"groups": unnamed, "count": hidden}}
	return figures, e.decidedSection(figures, d, compared), nil
}

// cost is after less before of each metric, with an interval over the same resamples.
func (e *Evaluation) cost(ctx context.Context, before, after *decidedSide, compared []*metric.Metric, few string) (map[string]any, error) {
	intervals := make([]metric.Interval, len(compared))
	none := e.noInterval(few)
	if none == "" {
		var err error
		if intervals, err = e.bootstrap().Deltas(e.Bar.Next(ctx), compared, before.sample, after.sample, e.rows.clusters, e.rows.clusterN); err != nil {
			return nil, err
		}
	}
	out := map[string]any{}
	for i, m := range compared {
		was, reason := m.On(before.sample, before.sample.Weights())
		is, other := m.On(after.sample, after.sample.Weights())
		undefined := cmp.Or(few, reason, other)
		if none != "" {
			intervals[i].Undefined = none
		}
		if undefined != "" {
			intervals[i].Undefined = undefined
		}
		out[m.Name] = after.bounded("decision.delta."+m.Name, is-was, undefined, intervals[i])
	}
	return out, nil
}

// decidedSection shows both ways to decide beside each other.
func (e *Evaluation) decidedSection(figures map[string]any, d *model.Decision, compared []*metric.Metric) report.Section {
	r := &reporter{Evaluation: e, figures: figures}
	both := &report.Table{Title: "All rows", Columns: []report.Column{{Name: "figure"}, {Name: "by one threshold", Kind: report.Number}, {Name: "by group", Kind: report.Number}, {Name: "difference", Kind: report.Number}}}
	for _, name := range differencesOf() {
		both.Rows = append(both.Rows, []report.Cell{report.Words(name), r.bounded(figures["before"], "decision.before", name), r.bounded(figures["after"], "decision.after", name), report.Missing("the differences have intervals of their own")})
	}
	before, _ := part(figures["before"], "metrics")
	after, _ := part(figures["after"], "metrics")
	for _, m := range compared {
		both.Rows = append(both.Rows, []report.Cell{report.Words(m.Name), r.cell(before, "decision.before.metrics", m.Name), r.cell(after, "decision.after.metrics", m.Name), r.bounded(figures["delta"], "decision.delta", m.Name)})
	}
	rates := metric.MeasureNames(schema.Binary, nil)
	groups := &report.Table{Title: "Groups by " + strings.Join(d.By, ", "), Columns: []report.Column{{Name: "group"}, {Name: "rows", Kind: report.Count}, {Name: "threshold", Kind: report.Number}}}
	for _, rate := range rates {
		groups.Columns = append(groups.Columns, report.Column{Name: rate + ", one threshold", Kind: report.Number}, report.Column{Name: "by group", Kind: report.Number})
	}
	all, _ := figures["groups"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		g, _ := part(all, name)
		was, _ := part(g, "before")
		is, _ := part(g, "after")
		path := "decision.groups." + name
		row := []report.Cell{report.Words(name), r.cell(g, path, "count"), r.cell(g, path, "threshold")}
		for _, rate := range rates {
			row = append(row, r.cell(was, path+".before", rate), r.cell(is, path+".after", rate))
		}
		groups.Rows = append(groups.Rows, row)
	}
	return report.Section{Title: "Decisions by group", Items: []report.Item{
		report.Note("The model decides by a threshold for each group, which makes the %s alike on the rows that it was chosen on. By one threshold is how it would decide without.", strings.ReplaceAll(d.Equalize, "_", " ")),
		{Table: both}, {Table: groups}}}
}
