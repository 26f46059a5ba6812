package decide

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// mostFindings bounds what is listed of one stage: its figures have all.
const mostFindings = 100

// Findings are what a stage found amiss, by its figures: of one that has a verdict (a check) expectations that do not hold, of one in
// operations (a monitor) columns that drifted, and figures that moved away from their baseline. Rules are not among them: they have
// verdicts of their own.
func Findings(n *plan.Node, figures json.RawMessage) []plan.Finding {
	var f struct {
		Failed   float64
		Failures []struct{ Column, Expectation, Observed, Expected, Severity string }
		Drift    struct {
			Alarm   *bool
			Columns map[string]driftOf
			Slices  map[string]struct{ Columns map[string]driftOf }
		}
		Delta map[string]struct{ Value, Low, High *float64 }
	}
	watches := n.Phase == schema.Operations
	if !n.HasVerdict() && !watches || len(figures) == 0 || json.Unmarshal(figures, &f) != nil {
		return nil
	}
	// First the expectations of a check, then drift by column, then figures off their baseline, each in the order of names:
	// plans hold findings, and must be the same for the same figures.
	var out []plan.Finding
	for _, x := range f.Failures {
		severity := plan.FailFinding
		if x.Severity == "warn" {
			severity = plan.WarnFinding
		}
		out = append(out, plan.Finding{Severity: severity, About: x.Column, Text: fmt.Sprintf("%s: expected %s, observed %s", x.Expectation, x.Expected, x.Observed)})
	}
	if n.HasVerdict() && f.Failed > 0 && !slices.ContainsFunc(out, func(x plan.Finding) bool { return x.Severity == plan.FailFinding }) {
		out = append(out, plan.Finding{Severity: plan.FailFinding, Text: "it failed when it ran"}) // and says no more
	}
	if watches {
		quiet := f.Drift.Alarm != nil && !*f.Drift.Alarm // of what its block bears as chance nobody is told
		drifted := func(of map[string]driftOf, where string, but map[string]driftOf) {
			for _, name := range slices.Sorted(maps.Keys(of)) {
				if c := of[name]; c.drifted() && !but[name].drifted() && !quiet {
					out = append(out, plan.Finding{Severity: plan.DriftFinding, About: name, Text: fmt.Sprintf("%s%s %s, limit %s", where, word(c.Method), short(c.Score), short(c.Limit))})
				}
			}
		}
		drifted(f.Drift.Columns, "", nil)
		for _, name := range slices.Sorted(maps.Keys(f.Drift.Slices)) { // what the whole table shows is told of that alone
			drifted(f.Drift.Slices[name].Columns, "in "+name+": ", f.Drift.Columns)
		}
		if f.Drift.Alarm != nil && *f.Drift.Alarm && len(out) == 0 {
			out = append(out, plan.Finding{Severity: plan.DriftFinding, Text: "the columns together are further from the reference than chance puts them, and none alone"})
		}
		for _, name := range slices.Sorted(maps.Keys(f.Delta)) {
			if d := f.Delta[name]; d.Value != nil && d.Low != nil && d.High != nil && (*d.Low > 0 || *d.High < 0) {
				out = append(out, plan.Finding{Severity: plan.DriftFinding, About: name, Text: fmt.Sprintf("%s off its baseline (%s to %s)", short(d.Value), short(d.Low), short(d.High))})
			}
		}
	}
	// What weighs least is cut. The line that counts the rest has the severity of the worst that was cut.
	if left := len(out) - mostFindings; left > 0 {
		slices.SortStableFunc(out, func(a, b plan.Finding) int { return weight[a.Severity] - weight[b.Severity] })
		last := out[mostFindings]
		out = append(out[:mostFindings:mostFindings], plan.Finding{Severity: last.Severity, Text: fmt.Sprintf("and %d more", left)})
	}
	return out
}

// driftOf is what a monitor has of a column.
type driftOf struct {
	Drifted *bool
	Method  *string
	Score   *float64
	Limit   *float64
}

func (d driftOf) drifted() bool { return d.Drifted != nil && *d.Drifted }

// weight puts first what fails.
var weight = map[plan.FindingSeverity]int{plan.FailFinding: 0, plan.DriftFinding: 1, plan.WarnFinding: 2}

// word is the measure that a limit is of; results written before methods were recorded have none.
func word(s *string) string {
	if s == nil {
		return "distance"
	}
	return *s
}

// short writes a figure to be read; one that could not be computed is undefined.
func short(x *float64) string {
	if x == nil {
		return "undefined"
	}
	return strconv.FormatFloat(*x, 'g', 3, 64)
}
