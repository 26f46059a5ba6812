// Package diagnostics writes diagnostics for programs: as JSON, as SARIF for code scanners, and as the workflow commands of GitHub
// Actions. Package source writes them for people.
//
// One diagnostic in the three forms, with paths from the root of the repository where the form wants those:
//
//	JSON      {"severity": "error", "code": "MLP1106", "summary": "…", "subject": {"file": "main.mlp", …}}
//	SARIF     {"ruleId": "MLP1106", "ruleIndex": 0, "level": "error", "message": {"text": "…"}, "locations": […]}
//	command   ::error file=ml/main.mlp,line=3,endLine=3,col=3,endColumn=9,title=MLP1106::…
//
// In all forms credentials in addresses are blotted out (source.Masked): postgres://*************@db. The order is that of the
// diagnostics, and the same diagnostics give the same bytes.
package diagnostics

import "github.com/mlp-lang/mlp/lang/source"

// Report is diagnostics as JSON: {"format_version": "1.0", "valid": false, "diagnostics": […]}.
type Report struct {
	FormatVersion string `json:"format_version"`
	Valid         bool   `json:"valid"` // there are no errors
	Diagnostics   []One  `json:"diagnostics"`
}

// One is a diagnostic as programs read it; files are named relative to the module. Only Severity and Summary are always there.
type One struct {
	Severity string        `json:"severity"`       // error, warning
	Code     string        `json:"code,omitempty"` // of spec/errors.md
	Summary  string        `json:"summary"`        // one line
	Detail   string        `json:"detail,omitempty"`
	Hint     string        `json:"hint,omitempty"`    // what to do
	Subject  *source.Range `json:"subject,omitempty"` // nil: of no place in a file
}

// ReportOf is the report of diagnostics, in their order; of none an empty list. Credentials in addresses are blotted out;
// control characters are left to JSON, which escapes them.
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
