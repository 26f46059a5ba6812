package diagnostics

import (
	"net/url"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/source"
)

// The parts of SARIF 2.1.0 that diagnostics need: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. A log has runs
// of tools; a run has results, each of a rule (a code of diagnostics) and at locations. Lines and columns count from 1, columns in
// characters of Unicode (columnKind), as package source counts them.
type (
	// SARIFLog is a log with one run.
	SARIFLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string       `json:"id"`
		Short sarifMessage `json:"shortDescription"`
		Help  sarifMessage `json:"help"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId,omitempty"`
		RuleIndex *int            `json:"ruleIndex,omitempty"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
		Related   []sarifLocation `json:"relatedLocations,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifMessage `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
)

// SARIF is diagnostics as code scanners tell them, found by an mlp of this version. Place gives a file's path from the
// root of the repository. Rules are those of the diagnostics, by code; a diagnostic without a code has none. Of none
// the log has a run without results, by which scanners close what they showed before.
func SARIF(diags source.Diagnostics, version string, place func(string) string) SARIFLog {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "mlp", Version: version, Rules: []sarifRule{}}},
		ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	for _, c := range source.Codes() {
		if slices.ContainsFunc(diags, func(d source.Diagnostic) bool { return d.Code == c.Code }) {
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{c.Code, sarifMessage{c.Cause}, sarifMessage{c.Cure}})
		}
	}
	for _, d := range diags {
		// The message is the whole diagnostic: SARIF has no place of its own for details and hints.
		r := sarifResult{RuleID: d.Code, Level: "error", Message: said(source.Plain(d))}
		if d.Severity == source.Warning {
			r.Level = "warning"
		}
		if i := slices.IndexFunc(run.Tool.Driver.Rules, func(x sarifRule) bool { return x.ID == d.Code }); i >= 0 {
			r.RuleIndex = &i
		}
		if !d.Subject.IsZero() {
			r.Locations = []sarifLocation{location(d.Subject, place)}
		}
		for _, rel := range d.Related {
			if rel.Range.IsZero() {
				continue
			}
			l := location(rel.Range, place)
			m := said(source.Plain(source.Diagnostic{Summary: rel.Message}))
			l.Message = &m
			r.Related = append(r.Related, l)
		}
		run.Results = append(run.Results, r)
	}
	return SARIFLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}}
}

// said is a message in which nothing is a link: [words](place) is one also in plain text (SARIF 2.1.0, 3.11.6).
func said(text string) sarifMessage { return sarifMessage{strings.ReplaceAll(text, "](", "] (")} }

// location is a range in a file, whose path is escaped as a URI.
func location(r source.Range, place func(string) string) sarifLocation {
	at := sarifRegion{r.Start.Line, r.Start.Column, r.End.Line, r.End.Column}
	return sarifLocation{Physical: sarifPhysical{sarifArtifact{(&url.URL{Path: place(r.File)}).String()}, at}}
}
