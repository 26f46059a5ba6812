package suite

import (
	"slices"

	"github.com/mlp-lang/mlp/lang/source"
)

// Report is the JSON of results: {"format_version": "1.0", "passed": true, "tests": […]}.
type Report struct {
	FormatVersion string     `json:"format_version"`
	Passed        bool       `json:"passed"`
	Tests         []Reported `json:"tests"`
}

// Reported is a result in a report.
type Reported struct {
	*Result
	DurationMS int64 `json:"duration_ms"`
}

// ReportOf is the report of results, in their order. Without results it has passed, with an empty list.
func ReportOf(results []*Result) Report {
	failed := func(r *Result) bool { return r.Status != Passed }
	out := Report{FormatVersion: "1.0", Passed: !slices.ContainsFunc(results, failed), Tests: []Reported{}}
	for _, r := range results {
		out.Tests = append(out.Tests, Reported{r, r.Duration.Milliseconds()})
	}
	return out
}

// Diagnostics are the failures of results at their lines. Those of skipped tests are told by the tests that they go on from.
func Diagnostics(results []*Result) source.Diagnostics {
	var diags source.Diagnostics
	for _, r := range results {
		for _, f := range r.Failures {
			if r.Status != Skipped {
				diags = append(diags, source.Diagnostic{Severity: source.Error, Subject: f.Range, Summary: r.Name + ": " + f.Summary, Detail: f.Detail})
			}
		}
	}
	return diags
}
