package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.lsp.dev/protocol"
)

// complete returns what is proposed at the cursor of model.mlp, which stands in for the file's text. First the file has
// the text base for so long that all is known of it. What is proposed must be the same whether the server has looked at
// the new text already or not.
func (c *client) complete(t *testing.T, base, text string) (string, *protocol.CompletionList) {
	t.Helper()
	text, at := cursor(t, text)
	c.open("model.mlp", base)
	c.diagnostics("model.mlp")
	c.open("model.mlp", text)
	ask := func() *protocol.CompletionList {
		list, err := c.server.Completion(context.Background(), &protocol.CompletionParams{TextDocumentPositionParams: c.at("model.mlp", at)})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	soon := ask()
	c.diagnostics("model.mlp")
	late := ask()
	if d := cmp.Diff(soon, late); d != "" {
		t.Errorf("at once and later other things are proposed:\n%s", d)
	}
	return text, late
}

func labels(l *protocol.CompletionList) []string {
	items := slices.Clone(l.Items)
	slices.SortStableFunc(items, func(a, b protocol.CompletionItem) int {
		return strings.Compare(a.SortText+a.Label, b.SortText+b.Label)
	})
	var out []string
	for _, i := range items {
		out = append(out, i.Label)
	}
	return out
}

func TestLSPCompletion(t *testing.T) {
	model := editorModule["model.mlp"]
	edit := func(old, new string) string {
		if !strings.Contains(model, old) {
			t.Fatalf("%q is not in the module", old)
		}
		return strings.Replace(model, old, new, 1)
	}
	cases := []struct {
		name, text string
		want       []string // all of these, in this order when sorted as editors do
		not        []string // none of these
	}{
		{"kinds", model + "\ntr‸", []string{"dataset", "gate", "train"}, []string{"rule", "target"}},
		{"kinds in an empty file", "‸", []string{"pipeline", "source"}, nil},
		{"types", edit(`"logistic_regression"`, `"logi‸"`), []string{"gradient_boosting", "logistic_regression"}, []string{"csv"}},
		{"types while the quote is open", model + "\nsource \"c‸", []string{"csv", "parquet"}, nil},
		{"arguments, required ones first", model + "\ntrain \"logistic_regression\" \"x\" {\n  ‸\n}\n",
			[]string{"data", "features", "target", "cache", "timeout", "params"}, []string{"csv", "trees"}},
		{"nested blocks and no arguments that are there", edit("slice \"large\"", "‸\n  slice \"large\""),
			[]string{"seed", "intervals", "slice"}, []string{"metrics", "model", "data"}},
		{"arguments of a nested block", edit("{ assert = \"evaluate.holdout.metrics.recall >= variable.min_recall\" }", "{\n    ‸\n  }"),
			[]string{"assert", "message", "severity"}, []string{"after"}},
		{"in a block without its brace", model + "\nevaluate \"x\" {\n  da‸\n", []string{"data", "metrics", "model"}, nil},
		{"values to choose from", edit(`"roc_auc" }`, `"‸" }`), []string{"accuracy", "recall", "roc_auc"}, []string{`"recall"`}},
		{"booleans", edit("features = [\"amount\"]", "features = [\"amount\"]\n  cache = ‸"), []string{"false", "true"}, nil},
		{"references that fit", edit("data     = split.sides.train", "data     = ‸"),
			[]string{"dataset.payments", "evaluate.holdout.predictions", "source.payments", "split.sides.test", "split.sides.train"},
			[]string{"split.sides", "train.model", "metric.auc", "gate.release", "variable.min_recall"}},
		{"references half written", edit("data     = split.sides.train", "data     = split.‸"), []string{"split.sides.test", "split.sides.train"}, nil},
		{"addresses", model + "\nmoved {\n  from = train.old\n  to   = ‸\n}\n", []string{"dataset.payments", "gate.release", "train.model"},
			[]string{"split.sides.train", "metric.auc", "variable.min_recall"}},
		{"arguments of an acceptance", model + "\naccept {\n  ‸\n}\n", []string{"block", "definition", "reason"}, []string{"for_each", "description"}},
		{"models", edit("model   = train.model", "model   = t‸"), []string{"train.model"}, []string{"dataset.payments"}},
		{"metrics in an open list", edit("[metric.auc, metric.recall]", "[metric.auc, ‸"), []string{"metric.auc", "metric.recall"}, []string{"train.model"}},
		{"columns", edit(`"is_fraud"`, `"‸"`), []string{"amount", "is_fraud", "paid_at", "payment_id"}, nil},
		{"columns in a list", edit(`["amount"]`, `["amount", "‸"]`), []string{"amount", "is_fraud"}, nil},
		{"columns in SQL", edit(`"amount > 1000"`, `"amount > 1000 and is‸"`), []string{"amount", "is_fraud", "paid_at"}, nil},
		{"figures", edit("metrics.recall >=", "‸ >="), []string{"intervals", "metrics", "rows", "slices"}, []string{"holdout", "recall"}},
		{"metrics of an evaluation", edit("metrics.recall >=", "metrics.re‸ >="), []string{"auc", "recall"}, []string{"intervals"}},
		{"where paths begin", edit("evaluate.holdout.metrics.recall >=", "ev‸ >="), []string{"champion", "evaluate", "local", "variable", "size"}, nil},
		{"variables in rules", edit("variable.min_recall", "variable.‸"), []string{"min_recall"}, []string{"evaluate"}},
		{"functions in rules", edit("variable.min_recall", "qu‸"), []string{"quantile"}, []string{"matches"}},
		{"of an element", edit("slices[s].auc", "slices[s].‸"), []string{"auc", "recall"}, nil},
		{"macros and keys of a map", edit("slices.all(", "slices.‸("), []string{"large", "all", "exists"}, nil},
		{"keys in an index", edit("slices[s].auc", "slices['‸'].auc"), []string{"large"}, []string{"auc"}},
		{"the name that a macro gives", edit("evaluate.holdout.slices[s].auc > 0.8)", "‸ > 0.8)"), []string{"s"}, nil},
		{"a rule in a block that is broken", edit("rule \"slices\"", "after = [\n  rule \"x\" {\n    assert = \"evaluate.holdout.‸\n  }\n  rule \"slices\""), []string{"metrics"}, nil},
		{"nothing in a comment", model + "\n# tr‸", nil, []string{"train"}},
		{"nothing in a string of SQL", edit(`"amount > 1000"`, `"amount > 'a‸'"`), nil, []string{"amount"}},
	}
	c := newClient(t, editorModule)
	c.open("data.mlp", editorModule["data.mlp"])
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			_, list := c.complete(t, model, tt.text)
			got := labels(list)
			at := 0
			for _, w := range tt.want {
				i := slices.Index(got, w)
				if i < 0 {
					t.Errorf("%q is not proposed; got %q", w, got)
				} else if i < at {
					t.Errorf("%q stands too early; got %q", w, got)
				}
				at = max(at, i)
			}
			for _, w := range tt.not {
				if slices.Contains(got, w) {
					t.Errorf("%q is proposed; got %q", w, got)
				}
			}
		})
	}
}

// TestLSPCompletionOfLiveFigures proposes what a monitor's own blocks and metrics give.
func TestLSPCompletionOfLiveFigures(t *testing.T) {
	live := func(on, rule string) string {
		return fmt.Sprintf(`%s
label "fraud" {
  on         = dataset.payments
  column     = "is_fraud"
  event_time = "paid_at"
}

monitor "performance" "live" {
  predictions = evaluate.holdout.predictions
  labels      = label.fraud
  on          = ["%s"]
  metrics     = [metric.recall]
  baseline    = evaluate.holdout
}

gate "health" {
  rule "r" { assert = "%s" }
}
`, editorModule["model.mlp"], on, rule)
	}
	c := newClient(t, editorModule)
	c.open("data.mlp", editorModule["data.mlp"])
	whole := live("payment_id", "monitor.live.rows > 1")
	for _, tt := range []struct{ on, rule, want string }{
		{"‸", "true", "payment_id predicted score actual"},
		{"payment_id", "monitor.live.‸", "coverage delta performance positives rows"},
		{"payment_id", "monitor.live.performance.‸ > 0.5", "recall"},
		{"payment_id", "monitor.live.delta.recall.‸ > 0.5", "high low value"},
	} {
		_, list := c.complete(t, whole, live(tt.on, tt.rule))
		got, want := labels(list), strings.Fields(tt.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s %s: got %q, want %q", tt.on, tt.rule, got, want)
		}
	}
}

// TestLSPCompletionEdits holds what accepting a proposal makes of the text.
func TestLSPCompletionEdits(t *testing.T) {
	cases := []struct{ name, text, accept, want string }{
		{"a kind", "tra‸", "training_set", "training_set \"${1:name}\" {\n  $0\n}"},
		{"a kind with types", "spl‸", "split", "split \"${1|backtest,column,group,hash,stratified,time|}\" \"${2:name}\" {\n  $0\n}"},
		{"an argument", "gate \"g\" {\n  af‸\n}", "after", "gate \"g\" {\n  after = [$0]\n}"},
		{"an argument that has its value", "gate \"g\" {\n  af‸ = []\n}", "after", "gate \"g\" {\n  after = []\n}"},
		{"a reference", "train \"baseline\" \"m\" {\n  data = split.si‸\n}", "split.sides.train", "train \"baseline\" \"m\" {\n  data = split.sides.train\n}"},
		{"a column without quotes", "train \"baseline\" \"m\" {\n  data = split.sides.train\n  target = ‸\n}", "amount", "train \"baseline\" \"m\" {\n  data = split.sides.train\n  target = \"amount\"\n}"},
		{"a column in quotes", "train \"baseline\" \"m\" {\n  data = split.sides.train\n  target = \"am‸\"\n}", "amount", "train \"baseline\" \"m\" {\n  data = split.sides.train\n  target = \"amount\"\n}"},
		{"a column in a heredoc behind an emoji", "dataset \"d\" {\n  from = [source.payments]\n  sql = <<-SQL\n    select '🙂', payments.am‸ from payments\n  SQL\n}", "amount",
			"dataset \"d\" {\n  from = [source.payments]\n  sql = <<-SQL\n    select '🙂', payments.amount from payments\n  SQL\n}"},
		{"a column of an alias", "dataset \"d\" {\n  from = [source.payments]\n  sql = \"select p.‸ from payments as p\"\n}", "amount",
			"dataset \"d\" {\n  from = [source.payments]\n  sql = \"select p.amount from payments as p\"\n}"},
		{"a table", "dataset \"d\" {\n  from = { x = source.payments }\n  sql = \"select * from ‸\"\n}", "x",
			"dataset \"d\" {\n  from = { x = source.payments }\n  sql = \"select * from x\"\n}"},
	}
	c := newClient(t, editorModule)
	c.open("data.mlp", editorModule["data.mlp"])
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			text, list := c.complete(t, editorModule["model.mlp"], tt.text)
			for _, i := range list.Items {
				if i.Label == tt.accept {
					if got := apply(t, text, []protocol.TextEdit{*i.TextEdit}); got != tt.want {
						t.Errorf("got %q, want %q", got, tt.want)
					}
					return
				}
			}
			t.Errorf("%q is not proposed; got %q", tt.accept, labels(list))
		})
	}
}

func TestLSPCompletionTells(t *testing.T) {
	c := newClient(t, editorModule)
	_, list := c.complete(t, editorModule["model.mlp"], "evaluate \"x\" {\n  ‸\n}\n")
	for _, i := range list.Items {
		if i.Label != "model" {
			continue
		}
		doc, _ := i.Documentation.(map[string]any)
		if got, want := i.Detail, "reference, required"; got != want {
			t.Errorf("detail %q, want %q", got, want)
		}
		if got, want := doc["value"], "The model to evaluate."; got != want {
			t.Errorf("documentation %q, want %q", got, want)
		}
		return
	}
	t.Error("model is not proposed")
}
