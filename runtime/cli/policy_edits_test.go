package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// everyPolicy has each attribute of policy that blocks take, so that none depends on what an example happens to say.
const everyPolicy = `pipeline "p" {}

variable "least" {
  type    = number
  default = 3
}

locals {
  most = 100
}

problem "p" {
  statement = "S"
  requirement "R1" {
    text        = "T"
    verified_by = [check.rows, check.values, gate.release]
  }
  requirement "R2" {
    text        = "T"
    verified_by = [check.rows]
  }
}

source "csv" "t" {
  path = "t.csv"
  column "id" { type = "varchar" }
  column "v"  { type = "double" }
}

check "rows" {
  on = source.t
  rule "enough" {
    assert   = "table.rows >= variable.least && table.rows <= local.most"
    message  = "too few rows"
  }
  rule "many" {
    assert   = "table.rows >= 50"
    severity = "warn"
  }
}

check "values" {
  on              = source.t
  requires        = [check.rows]
  compound_unique = ["id", "v"]
  expect "v" {
    between  = [0, 10]
    max_null = 0.1
    at_least = 0.9
    not_null = true
  }
  expect "id" {
    in_set   = ["a", "b"]
    severity = "warn"
  }
}

dataset "d" {
  from     = [source.t]
  requires = [check.rows, check.values]
  sql      = "select * from t"
}

gate "release" {
  after = [check.rows, check.values]
  rule "values" { assert = "check.values.table.rows > 10" }
  rule "names" {
    assert   = "check.values.table.columns.id.distinct >= 2"
    severity = "warn"
    message  = "few names"
  }
  approval "risk" {
    from = ["alice", "bob"]
    when = "check.values.table.rows < 20"
  }
  approval "boss" { from = ["carol"] }
}

gate "later" {
  after = [gate.release]
  rule "rows" { assert = "check.rows.table.rows > 10" }
}
`

// TestPolicyEditsAreTold: every edit of what blocks ask before something goes on is told by plan and by diff, as the same.
func TestPolicyEditsAreTold(t *testing.T) {
	made := t.TempDir()
	for name, text := range map[string]string{"p.mlp": everyPolicy, "t.csv": "id,v\na,1\nb,2\n"} {
		if err := os.WriteFile(filepath.Join(made, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, from := range map[string]string{"all": made, "fraud": "../../examples/fraud", "churn": "../../examples/churn", "brownfield": "../../examples/brownfield"} {
		t.Run(name, func(t *testing.T) {
			dir := tempDir(t)
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			if err := os.RemoveAll(filepath.Join(dir, workspace.StoreName)); err != nil {
				t.Fatal(err)
			}
			record(t, dir)
			before, err := plannedIn(dir)
			if err != nil {
				t.Fatal(err)
			}
			if c := review.Count(before); len(before.Changes) > 0 || c.Policy+c.Metadata+c.Run > 0 {
				t.Fatalf("nothing was edited, and the plan says %s: %+v", review.Summary(before), before.Changes)
			}
			tried := editAll(t, dir, before)
			t.Logf("%d edits", tried)
			if least := map[string]int{"all": 50, "fraud": 20, "churn": 8, "brownfield": 5}[name]; tried < least {
				t.Errorf("only %d edits were tried, want %d", tried, least)
			}
		})
	}
}

func plannedIn(dir string) (*plan.Plan, error) {
	a := &workspace.Workspace{Dir: dir, Name: "default"}
	s, err := a.OpenToPlan(context.Background(), workspace.Settings{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	p, err := s.Plan(context.Background(), nil)
	var told *front.Error
	if errors.As(err, &told) {
		return nil, fmt.Errorf("%s", told.Diagnostics[0].Summary)
	}
	return p, err
}

// editAll tries the edits of all files one by one, and returns how many of them gave a module that stands.
func editAll(t *testing.T, dir string, before *plan.Plan) int {
	files, err := filepath.Glob(filepath.Join(dir, "[^.]*.mlp"))
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range policyEdits(t, text) {
			edited := slices.Concat(text[:e.from], []byte(e.text), text[e.to:])
			if err := os.WriteFile(file, edited, 0o644); err != nil {
				t.Fatal(err)
			}
			after, err := plannedIn(dir)
			if err != nil {
				continue // no module any more
			}
			tried++
			toldAlike(t, e.name, before, after)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return tried
}

func toldAlike(t *testing.T, name string, before, after *plan.Plan) {
	t.Helper()
	if len(after.Changes) == 0 || review.Count(after).Nothing() {
		t.Errorf("%s: the plan says %s", name, review.Summary(after))
	}
	d := diff.Compare(before, after, nil)
	if d.Empty() {
		t.Errorf("%s: diff says that nothing differs", name)
	}
	planned, compared := []string{}, []string{}
	for _, c := range after.Changes {
		if c.Cause.Weaker != "" {
			planned = append(planned, fmt.Sprint(c.Address, " ", c.Cause.Path, ": ", c.Cause.Weaker))
		}
	}
	for _, w := range d.Weaker() {
		compared = append(compared, fmt.Sprint(w.Address, " ", w.Path, ": ", w.Weaker))
	}
	slices.Sort(planned)
	slices.Sort(compared)
	if diff := cmp.Diff(planned, compared); diff != "" {
		t.Errorf("%s: weaker by the plan, and by diff:\n%s", name, diff)
	}
}

// textEdit puts a text in place of some bytes.
type textEdit struct {
	name     string
	from, to int
	text     string
}

var (
	asking = []string{"assert", "when", "message", "severity", "from", "after", "requires", "verified_by", "champion", "gate", "between", "max_null", "at_least",
		"not_null", "unique", "in_set", "matches", "row_count_between", "compound_unique", "min_positives", "default", "most"}
	aNumber = regexp.MustCompile(`\b[0-9]+(\.[0-9]+)?\b`)
)

// policyEdits are edits of the attributes and blocks that ask something, in a file.
func policyEdits(t *testing.T, text []byte) []textEdit {
	t.Helper()
	file, diags := hclsyntax.ParseConfig(text, "p.mlp", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var out []textEdit
	var walk func(path string, b *hclsyntax.Body)
	walk = func(path string, b *hclsyntax.Body) {
		for _, name := range slices.Sorted(keysOf(b.Attributes)) {
			kind, _, _ := strings.Cut(path, " ")
			if slices.Contains(asking, name) && (name != "from" || strings.Contains(path, "approval")) && (kind != "variable" || strings.Contains(everyPolicy, path)) {
				out = append(out, attrEdits(path+" "+name, text, b.Attributes[name])...)
			}
		}
		for _, in := range b.Blocks {
			inner := strings.TrimSpace(path + " " + in.Type + " " + strings.Join(in.Labels, " "))
			if slices.Contains([]string{"rule", "approval", "expect", "requirement", "gate", "check"}, in.Type) {
				r := in.Range()
				out = append(out, textEdit{inner + " dropped", r.Start.Byte, in.CloseBraceRange.End.Byte, ""})
				if in.Body.Attributes["severity"] == nil && (in.Type == "rule" || in.Type == "expect") {
					out = append(out, textEdit{inner + " warns", in.OpenBraceRange.End.Byte, in.CloseBraceRange.Start.Byte,
						"\n  severity = \"warn\"\n" + string(text[in.OpenBraceRange.End.Byte:in.CloseBraceRange.Start.Byte]) + "\n"})
				}
			}
			walk(inner, in.Body)
		}
	}
	walk("", file.Body.(*hclsyntax.Body))
	return out
}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func attrEdits(name string, text []byte, a *hclsyntax.Attribute) []textEdit {
	whole, value := a.SrcRange, a.Expr.Range()
	said := string(text[value.Start.Byte:value.End.Byte])
	put := func(what, s string) textEdit { return textEdit{name + " " + what, value.Start.Byte, value.End.Byte, s} }
	out := []textEdit{{name + " dropped", whole.Start.Byte, whole.End.Byte, ""}}
	if at := aNumber.FindStringIndex(said); at != nil {
		out = append(out, put("raised", said[:at[0]]+"9"+said[at[0]:]), put("lowered", said[:at[0]]+"0.0001"+said[at[1]:]))
	}
	if list, ok := a.Expr.(*hclsyntax.TupleConsExpr); ok && len(list.Exprs) > 0 {
		first := list.Exprs[0].Range()
		out = append(out, put("shortened", "["+strings.TrimPrefix(strings.TrimSpace(string(text[first.End.Byte:value.End.Byte])), ",")),
			put("lengthened", `["somebody", `+strings.TrimPrefix(said, "[")))
	}
	switch {
	case a.Name == "severity" && said == `"warn"`:
		out = append(out, put("fails", `"fail"`))
	case a.Name == "severity":
		out = append(out, put("warns", `"warn"`))
	case a.Name == "message":
		out = append(out, put("worded otherwise", `"Another message."`))
	}
	return out
}
