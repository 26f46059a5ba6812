package cli

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

func someRange(line, column, endLine, endColumn int) source.Range {
	return source.Range{File: "a b.mlp", Start: source.Pos{Line: line, Column: column}, End: source.Pos{Line: endLine, Column: endColumn}}
}

func TestAnnotations(t *testing.T) {
	tests := []struct {
		name string
		d    source.Diagnostic
		want string
	}{
		{"error", source.Diagnostic{Severity: source.Error, Code: "MLP1201", Summary: "there is no x", Hint: "did you mean y?", Subject: someRange(3, 5, 3, 9)},
			"::error file=sub/a b.mlp,line=3,endLine=3,col=5,endColumn=9,title=MLP1201::there is no x%0Adid you mean y?\n"},
		{"warning over lines", source.Diagnostic{Severity: source.Warning, Summary: "w", Subject: someRange(3, 5, 4, 1)},
			"::warning file=sub/a b.mlp,line=3,endLine=4::w\n"},
		{"no place", source.Diagnostic{Severity: source.Error, Summary: "e"}, "::error::e\n"},
		{"hostile", source.Diagnostic{Severity: source.Error, Summary: "100 %\n::set-output name=x::y\r\n\x1b[31m"},
			"::error::100 %25%0A\\u{3A}:set-output name=x::y"},
		{"credentials", source.Diagnostic{Severity: source.Error, Summary: "no https://u:s3cret@x.org/m", Hint: "git::https://u:s3cret@x.org/m?ref=v1"},
			"::error::no https://********@x.org/m%0Agit::https://********@x.org/m?ref=v1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			a := &app{Workspace: workspace.Workspace{Dir: "/repo/sub"}, err: &out}
			t.Setenv("GITHUB_WORKSPACE", "/repo")
			t.Setenv("GITHUB_ACTIONS", "")
			a.annotate(source.Diagnostics{tt.d})
			if out.Len() > 0 {
				t.Errorf("elsewhere: got %q, want nothing", &out)
			}
			t.Setenv("GITHUB_ACTIONS", "true")
			a.annotate(source.Diagnostics{tt.d})
			got := out.String()
			if !strings.HasPrefix(got, tt.want) || strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\r\x1b") {
				t.Errorf("got %q, want %q in one line", got, tt.want)
			}
		})
	}
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
		data, err := json.Marshal(sarif(diags, func(file string) string { return "sub/" + file }))
		if err != nil {
			t.Fatal(err)
		}
		var log map[string]any
		if err := json.Unmarshal(data, &log); err != nil {
			t.Fatal(err)
		}
		checkSARIF(t, log, len(diags))
	}
	got := sarif(diags, func(file string) string { return "sub/" + file }).Runs[0].Results[0]
	if uri := got.Locations[0].Physical.Artifact.URI; uri != "sub/a%20b.mlp" {
		t.Errorf("URI: got %s, want it encoded", uri)
	}
	if got.Message.Text != "s\nd" || *got.RuleIndex != 0 || len(got.Related) != 1 {
		t.Errorf("got %+v", got)
	}
}

func checkSARIF(t *testing.T, log map[string]any, results int) {
	t.Helper()
	only(t, "log", log, "$schema", "version", "runs")
	if log["version"] != "2.1.0" {
		t.Errorf("version: got %v, want 2.1.0", log["version"])
	}
	run := log["runs"].([]any)[0].(map[string]any)
	only(t, "run", run, "tool", "columnKind", "results")
	if run["columnKind"] != "unicodeCodePoints" {
		t.Errorf("columnKind: got %v", run["columnKind"])
	}
	driver := run["tool"].(map[string]any)["driver"].(map[string]any)
	only(t, "driver", driver, "name", "version", "rules")
	ids := []string{}
	for _, r := range driver["rules"].([]any) {
		r := r.(map[string]any)
		only(t, "rule", r, "id", "shortDescription", "help")
		text(t, r["shortDescription"])
		text(t, r["help"])
		ids = append(ids, r["id"].(string))
	}
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("rules are not unique: %v", ids)
	}
	found := run["results"].([]any)
	if len(found) != results {
		t.Fatalf("got %d results, want %d", len(found), results)
	}
	for _, r := range found {
		r := r.(map[string]any)
		only(t, "result", r, "ruleId", "ruleIndex", "level", "message", "locations", "relatedLocations")
		if !slices.Contains([]any{"none", "note", "warning", "error"}, r["level"]) {
			t.Errorf("level: got %v", r["level"])
		}
		text(t, r["message"])
		if i, ok := r["ruleIndex"].(float64); ok && ids[int(i)] != r["ruleId"] {
			t.Errorf("ruleIndex %v is not %v", i, r["ruleId"])
		}
		for _, key := range []string{"locations", "relatedLocations"} {
			list, _ := r[key].([]any)
			for _, l := range list {
				checkLocation(t, l.(map[string]any))
			}
		}
	}
}

func checkLocation(t *testing.T, l map[string]any) {
	t.Helper()
	only(t, "location", l, "physicalLocation", "message")
	physical := l["physicalLocation"].(map[string]any)
	only(t, "physicalLocation", physical, "artifactLocation", "region")
	uri := physical["artifactLocation"].(map[string]any)["uri"].(string)
	if uri == "" || strings.ContainsAny(uri, " \\") || strings.HasPrefix(uri, "/") {
		t.Errorf("uri %q is no relative reference", uri)
	}
	region := physical["region"].(map[string]any)
	only(t, "region", region, "startLine", "startColumn", "endLine", "endColumn")
	for name, v := range region {
		if v.(float64) < 1 {
			t.Errorf("%s is %v, and they count from 1", name, v)
		}
	}
}

func text(t *testing.T, message any) {
	t.Helper()
	m, _ := message.(map[string]any)
	if s, _ := m["text"].(string); s == "" {
		t.Errorf("a message has no text: %v", message)
	}
}

// only holds an object to the properties that SARIF knows, of which the schema allows no others.
func only(t *testing.T, what string, m map[string]any, known ...string) {
	t.Helper()
	for name := range m {
		if !slices.Contains(known, name) {
			t.Errorf("%s has %q", what, name)
		}
	}
}
