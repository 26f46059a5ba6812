package cli

import (
	"bytes"
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
