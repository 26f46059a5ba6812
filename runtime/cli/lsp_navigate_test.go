package cli

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.lsp.dev/protocol"
)

func TestLSPHover(t *testing.T) {
	cases := []struct {
		name, file, part string
		into             int
		want             []string // nil: nothing is told
	}{
		{"a kind", "model.mlp", "evaluate \"", 2, []string{"**evaluate**"}},
		{"a type", "data.mlp", "\"hash\"", 2, []string{"**split hash**"}},
		{"a block's name", "data.mlp", "\"payments\" {\n  desc", 3, []string{"**dataset.payments**", "Payments that happened.", "| `amount` | double |", "key: `payment_id`"}},
		{"an argument", "model.mlp", "target   =", 2, []string{"**target**: string, required", "A column of `data`."}},
		{"a nested block", "model.mlp", "slice \"", 2, []string{"**slice**: block, may be repeated"}},
		{"a reference to a table", "data.mlp", "source.payments]", 9, []string{"**source.payments**", "| `paid_at` | timestamp |"}},
		{"a reference to a port", "model.mlp", "split.sides.train", 14, []string{"**split.sides**", "train\n", "| `is_fraud` | boolean |"}},
		{"a model", "model.mlp", "train.model", 8, []string{"model of `is_fraud`, binary_classification, from 1 features"}},
		{"a column's name", "model.mlp", "\"is_fraud\"", 3, []string{"`sides.is_fraud`: boolean"}},
		{"a column in SQL", "data.mlp", "amount > 0", 2, []string{"`payments.amount`: double"}},
		{"a table in SQL", "data.mlp", "from payments where", 7, []string{"**payments**", "| `amount` | double |"}},
		{"a figure", "model.mlp", "holdout.metrics.recall", 18, []string{"`evaluate.holdout.metrics.recall`: number"}},
		{"a group of figures", "model.mlp", "holdout.metrics.recall", 9, []string{"`evaluate.holdout.metrics`: { auc, recall }"}},
		{"a map of figures", "model.mlp", "slices.all", 2, []string{"`evaluate.holdout.slices`: map of", "Keys: `large`"}},
		{"a macro", "model.mlp", "slices.all", 8, []string{"Whether the condition holds of every"}},
		{"what a macro binds", "model.mlp", "slices[s]", 7, []string{"`s`: string"}},
		{"a variable in a rule", "model.mlp", "variable.min_recall", 12, []string{"`variable.min_recall`: number", "= `0.7`"}},
		{"a keyword of SQL", "data.mlp", "select *", 2, nil},
		{"white space", "data.mlp", "\n\nvariable", 1, nil},
	}
	c := openAll(t)
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			at := positionOf(t, editorModule[tt.file], tt.part, tt.into)
			h, err := c.server.Hover(context.Background(), &protocol.HoverParams{TextDocumentPositionParams: c.at(tt.file, at)})
			if err != nil {
				t.Fatal(err)
			}
			if h == nil {
				if tt.want != nil {
					t.Errorf("got nothing, want %q", tt.want)
				}
				return
			}
			if tt.want == nil {
				t.Errorf("got %q, want nothing", h.Contents.Value)
			}
			for _, w := range tt.want {
				if !strings.Contains(h.Contents.Value, w) {
					t.Errorf("got %q, which lacks %q", h.Contents.Value, w)
				}
			}
		})
	}
}

// show writes places down: "file:text at it on line n".
func show1(texts map[string]string, ls []protocol.Location) []string {
	var out []string
	for _, l := range ls {
		name := filepath.Base(l.URI.Filename())
		text := texts[name]
		out = append(out, name+":"+itoa(l.Range.Start.Line+1)+" "+text[offsetOf(text, l.Range.Start):offsetOf(text, l.Range.End)])
	}
	return out
}

func TestLSPDefinitionAndReferences(t *testing.T) {
	cases := []struct {
		name, file, part string
		into             int
		definition       []string
		references       []string
	}{
		{"a block in HCL", "model.mlp", "train.model", 7, []string{"model.mlp:5 model"}, []string{"model.mlp:12 train.model"}},
		{"the kind of a reference", "model.mlp", "train.model", 1, []string{"model.mlp:5 model"}, []string{"model.mlp:12 train.model"}},
		{"another file's block by its port", "model.mlp", "split.sides.test", 13, []string{"data.mlp:27 sides"}, []string{"model.mlp:6 split.sides", "model.mlp:13 split.sides"}},
		{"a block in a rule", "model.mlp", "evaluate.holdout.metrics", 11, []string{"model.mlp:11 holdout"},
			[]string{"model.mlp:19 evaluate.holdout", "model.mlp:20 evaluate.holdout", "model.mlp:20 evaluate.holdout"}},
		{"a variable in a rule", "model.mlp", "variable.min_recall", 12, []string{"data.mlp:3 min_recall"}, []string{"model.mlp:19 variable.min_recall"}},
		{"the definition itself", "data.mlp", "\"sides\"", 3, []string{"data.mlp:27 sides"}, []string{"model.mlp:6 split.sides", "model.mlp:13 split.sides"}},
		{"a metric by its figure", "model.mlp", "slices[s].auc", 11, []string{"model.mlp:1 auc"}, []string{"model.mlp:14 metric.auc", "model.mlp:20 auc"}},
		{"a table in SQL", "data.mlp", "from payments where", 7, []string{"data.mlp:12 payments"}, []string{"data.mlp:22 source.payments"}},
		{"nothing", "data.mlp", "0.25", 1, nil, nil},
	}
	c := openAll(t)
	ctx := context.Background()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			at := c.at(tt.file, positionOf(t, editorModule[tt.file], tt.part, tt.into))
			def, err := c.server.Definition(ctx, &protocol.DefinitionParams{TextDocumentPositionParams: at})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.definition, show1(editorModule, def)); d != "" {
				t.Errorf("definition: -want +got:\n%s", d)
			}
			refs, err := c.server.References(ctx, &protocol.ReferenceParams{TextDocumentPositionParams: at})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.references, show1(editorModule, refs)); d != "" {
				t.Errorf("references: -want +got:\n%s", d)
			}
		})
	}
}

func TestLSPRename(t *testing.T) {
	cases := []struct {
		name, file, part string
		into             int
		to               string
		want             []string // changed lines
		refused          string
	}{
		{"over files, in HCL and rules", "model.mlp", "\"holdout\"", 3, "later", []string{
			`model.mlp evaluate "later" {`,
			`model.mlp   rule "catches" { assert = "evaluate.later.metrics.recall >= variable.min_recall" }`,
			`model.mlp   rule "slices" { assert = "evaluate.later.slices.all(s, evaluate.later.slices[s].auc > 0.8)" }`}, ""},
		{"from a reference", "model.mlp", "split.sides.train", 8, "parts", []string{
			`data.mlp split "hash" "parts" {`, `model.mlp   data     = split.parts.train`, `model.mlp   data    = split.parts.test`}, ""},
		{"a variable", "model.mlp", "variable.min_recall", 12, "least", []string{
			`data.mlp variable "least" {`, `model.mlp   rule "catches" { assert = "evaluate.holdout.metrics.recall >= variable.least" }`}, ""},
		{"a metric and its figures", "model.mlp", "\"recall\"", 2, "caught", []string{
			`model.mlp metric "caught" { type = "recall" }`, `model.mlp   metrics = [metric.auc, metric.caught]`,
			`model.mlp   rule "catches" { assert = "evaluate.holdout.metrics.caught >= variable.min_recall" }`}, ""},
		{"a table that SQL names", "data.mlp", "\"payments\" {\n  path", 2, "raw", []string{
			`data.mlp source "csv" "raw" {`, `data.mlp   from        = { payments = source.raw }`}, ""},
		{"a reserved word", "data.mlp", "\"sides\"", 3, "select", nil, "is no valid name"},
		{"no name at all", "data.mlp", "\"sides\"", 3, "Big Sides", nil, "is no valid name"},
		{"a name that is taken", "model.mlp", "\"auc\"", 2, "recall", nil, "There is a metric.recall already."},
		{"nothing to rename", "data.mlp", "0.25", 1, "x", nil, "There is no name"},
	}
	c := openAll(t)
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			at := c.at(tt.file, positionOf(t, editorModule[tt.file], tt.part, tt.into))
			edit, err := c.server.Rename(context.Background(), &protocol.RenameParams{TextDocumentPositionParams: at, NewName: tt.to})
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Errorf("got %v, want it refused: %s", err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, changedLines(t, edit)); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// changedLines are the lines that an edit of the module changes, sorted by file.
func changedLines(t *testing.T, edit *protocol.WorkspaceEdit) []string {
	var out []string
	for u, edits := range edit.Changes {
		name := filepath.Base(u.Filename())
		before := strings.Split(editorModule[name], "\n")
		for i, line := range strings.Split(apply(t, editorModule[name], edits), "\n") {
			if line != before[i] {
				out = append(out, name+" "+line)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b string) int {
		return strings.Compare(strings.Fields(a)[0], strings.Fields(b)[0])
	})
	return out
}

// TestLSPRenameThatBreaks holds that a rename is refused whose consequences nobody could see: a label names columns.
func TestLSPRenameThatBreaks(t *testing.T) {
	c := newClient(t, nil)
	text := `pipeline "p" {}
source "csv" "s" {
  path = "s.csv"
  column "id" { type = "varchar" }
  column "at" { type = "timestamp" }
  column "y"  { type = "boolean" }
}
label "bad" {
  on         = source.s
  column     = "y"
  event_time = "at"
}
dataset "d" {
  from = [label.bad]
  sql  = "select bad_mature from bad"
}
`
	c.open("main.mlp", text)
	if got := c.diagnostics("main.mlp"); got != nil {
		t.Fatalf("the module is wrong: %v", got)
	}
	_, err := c.server.Rename(context.Background(), &protocol.RenameParams{
		TextDocumentPositionParams: c.at("main.mlp", positionOf(t, text, "label \"bad\"", 8)), NewName: "worse"})
	if want := "would break the module: main.mlp:15: "; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
