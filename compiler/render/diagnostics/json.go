// Package diagnostics writes diagnostics for programs: as JSON, as SARIF for code scanners, and as the workflow commands of GitHub
// Actions. Package source writes them for people.
package diagnostics

import "github.com/mlp-lang/mlp/lang/source"

// Report is diagnostics as JSON: {"format_version": "1.0", "valid": false, "diagnostics": […]}.
type Report struct {
	FormatVersion string `json:"format_version"`
	Valid         bool   `json:"valid"` // there are no errors
	Diagnostics   []One  `json:"diagnostics"`
}

// One is a diagnostic as programs read it; files are named relative to the module.
type One struct {
	Severity string        `json:"severity"` // error, warning
	Code     string        `json:"code,omitempty"`
	Summary  string        `json:"summary"`
	Detail   string        `json:"detail,omitempty"`
	Hint     string        `json:"hint,omitempty"`
	Subject  *source.Range `json:"subject,omitempty"`
}

// ReportOf is the report of diagnostics, in their order; of none an empty list. Characters that cannot be seen are
// masked.
func ReportOf(diags source.Diagnostics) Report {
	out := Report{FormatVersion: "1.0", Valid: !diags.HasErrors(), Diagnostics: []One{}}
	for _, d := range diags {
		f := One{Severity: "error", Code: d.Code, Summary: source.Masked(d.Summary), Detail: source.Masked(d.Detail), Hint: source.Masked(d.Hint)}
		if d.Severity == source.Warning {
			f.Severity = "warning"
		}
		if !d.Subject.IsZero() {
			f.Subject = &d.Subject
		}
		out.Diagnostics = append(out.Diagnostics, f)
	}
	return out
}
