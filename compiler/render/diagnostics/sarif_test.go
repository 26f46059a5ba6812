package diagnostics

import (
	"encoding/json"
	"testing"

	"github.com/mlp-lang/mlp/compiler/render/diagnostics/sariftest"
	"github.com/mlp-lang/mlp/lang/source"
)

func someRange(line, column, endLine, endColumn int) source.Range {
	return source.Range{File: "a b.mlp", Start: source.Pos{Line: line, Column: column}, End: source.Pos{Line: endLine, Column: endColumn}}
}

// TestSARIF holds the log to what SARIF 2.1.0's schema asks of the properties that it has, and to what its readers rest on.
func TestSARIF(t *testing.T) {
	diags := source.Diagnostics{
		{Severity: source.Error, Code: "MLP1701", Summary: "s", Detail: "d", Subject: someRange(3, 5, 3, 9),
			Related: []source.Related{{Message: "here", Range: someRange(1, 1, 1, 2)}, {Message: "nowhere"}}},
		{Severity: source.Warning, Code: "MLP1702", Summary: "w", Subject: someRange(2, 1, 4, 1)},
		{Severity: source.Error, Summary: "of no place"},
	}
	for _, diags := range []source.Diagnostics{diags, nil} {
		data, err := json.Marshal(SARIF(diags, "1.2.3", func(file string) string { return "sub/" + file }))
		if err != nil {
			t.Fatal(err)
		}
		var log map[string]any
		if err := json.Unmarshal(data, &log); err != nil {
			t.Fatal(err)
		}
		sariftest.Check(t, log, len(diags))
	}
	got := SARIF(diags, "1.2.3", func(file string) string { return "sub/" + file }).Runs[0].Results[0]
	if uri := got.Locations[0].Physical.Artifact.URI; uri != "sub/a%20b.mlp" {
		t.Errorf("URI: got %s, want it encoded", uri)
	}
	if got.Message.Text != "s\nd" || *got.RuleIndex != 0 || len(got.Related) != 1 {
		t.Errorf("got %+v", got)
	}
}
