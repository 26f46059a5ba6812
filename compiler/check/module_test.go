package check_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// kinds is a small language with each sort of block that the compiler treats in a way of its own.
func kinds() *schema.Catalog {
	ref := func(name string, ports ...schema.PortType) schema.Attr {
		return schema.Attr{Name: name, Type: schema.Ref, Ports: ports}
	}
	text := func(name string) schema.Attr { return schema.Attr{Name: name, Type: schema.String} }
	any := func(name string) schema.Attr { return schema.Attr{Name: name, Type: schema.Any} }
	port := func(name string, t schema.PortType) schema.Port { return schema.Port{Name: name, Type: t} }
	table, figures := port("table", schema.TablePort), port("figures", schema.FiguresPort)
	stage := func(name string, out []schema.Port, more func(*schema.Type), attrs ...schema.Attr) schema.Kind {
		t := schema.Type{Version: 1, Out: out, Body: schema.Body{Attrs: append(attrs, any("problems"))}}
		if more != nil {
			more(&t)
		}
		return schema.Kind{Name: name, Phase: schema.Development, Types: []schema.Type{t}}
	}
	all := append(schema.CoreKinds(),
		stage("source", []schema.Port{table}, func(t *schema.Type) { t.External = true }, text("path"), any("column")),
		stage("dataset", []schema.Port{table}, nil, ref("from", schema.TablePort), schema.Attr{Name: "sql", Type: schema.SQL}),
		stage("feature", []schema.Port{table}, func(t *schema.Type) { t.Named = true }, ref("from", schema.TablePort)),
		stage("train", []schema.Port{port("model", schema.ModelPort)}, nil, ref("data", schema.TablePort), schema.Attr{Name: "task", Type: schema.String, Posed: true}),
		stage("evaluate", []schema.Port{figures}, nil, ref("model", schema.ModelPort), ref("data", schema.TablePort)),
		stage("check", []schema.Port{port("verdict", schema.VerdictPort), figures},
			func(t *schema.Type) { t.Body.Blocks = []schema.Block{schema.RuleBlock()} }, ref("on", schema.TablePort), text("figure")),
		stage("set", []schema.Port{table}, nil, ref("spine", schema.TablePort), schema.Attr{Name: "features", Type: schema.RefList, Kinds: []string{"feature"},
			Ports: []schema.PortType{schema.TablePort}, Along: "from", Rows: schema.PassedRows}),
		stage("rehearse", []schema.Port{figures}, nil, ref("model", schema.ModelPort),
			schema.Attr{Name: "gate", Type: schema.Ref, Kinds: []string{"gate"}, Edge: schema.OrderEdge}),
		stage("monitor", []schema.Port{figures}, nil, ref("on", schema.TablePort), schema.Attr{Name: "task", Type: schema.String, Posed: true}),
		stage("deploy", []schema.Port{port("release", schema.ReleasePort)}, nil, ref("model", schema.ModelPort),
			schema.Attr{Name: "gate", Type: schema.Ref, Kinds: []string{"gate"}, Edge: schema.OrderEdge}),
	)
	slices.SortFunc(all, func(a, b schema.Kind) int { return cmp.Compare(a.Name, b.Name) })
	return &schema.Catalog{Kinds: all}
}

// components answers for all blocks: what a block says in problems is what its component finds wrong.
type components struct {
	columns error                          // of sources that declare none
	asked   map[string]schema.ShapeRequest // by address
}

func (*components) Resolved(*resolve.Module) {}

func (c *components) Columns(context.Context, string, string, string, json.RawMessage) ([]schema.Column, error) {
	return []schema.Column{{Name: "id", Type: "bigint"}}, c.columns
}

func (c *components) Shape(_ context.Context, kind, typ string, req schema.ShapeRequest) (schema.ShapeResult, bool) {
	var config struct {
		Problems []schema.Problem
		Figure   string
	}
	_ = json.Unmarshal(req.Config, &config) // of another form: it has no problems
	c.asked[req.Address] = req
	out := schema.ShapeResult{Out: map[string]schema.Shape{}, Problems: config.Problems}
	if len(out.Problems) > 0 && !out.Problems[0].Warning {
		return out, true
	}
	for _, p := range kinds().Kind(kind).Type(typ).Out {
		s := schema.Shape{Type: p.Type}
		switch p.Type {
		case schema.TablePort:
			s.Table = &schema.Table{Columns: []schema.Column{{Name: "id", Type: "bigint"}}}
			if kind == "feature" {
				s.Table.MaxAge = "7d"
			}
		case schema.ModelPort:
			s.Model = &schema.Model{Task: schema.Binary, Target: "y"}
		}
		out.Out[p.Name] = s
	}
	switch kind {
	case "check", "monitor":
		out.Figures = schema.Object(map[string]*schema.FigureType{cmp.Or(config.Figure, "rows"): schema.Double})
	case "evaluate":
		out.Figures = schema.Object(map[string]*schema.FigureType{"metrics": schema.KeyedMap(schema.Double, "auc")})
	}
	return out, true
}

func checked(t *testing.T, text string, lib *components) (*check.Module, []string) {
	t.Helper()
	lib.asked = map[string]schema.ShapeRequest{}
	r := front.Compile(context.Background(), map[string][]byte{"p.mlp": []byte("pipeline \"p\" {}\n" + text)}, kinds(), front.Options{Library: lib})
	var said []string
	for _, d := range r.Diagnostics {
		line := fmt.Sprintf("%d %s %s %s", d.Subject.Start.Line-1, map[source.Severity]string{source.Error: "error", source.Warning: "warning"}[d.Severity], d.Code, d.Summary)
		for _, more := range []string{d.Detail, d.Hint} {
			if more != "" {
				line += " | " + more
			}
		}
		for _, x := range d.Related {
			line += fmt.Sprintf(" (%d: %s)", x.Range.Start.Line-1, x.Message)
		}
		said = append(said, line)
	}
	return r.Module, said
}

// data is what the modules below begin with: lines 1 to 4.
const data = `source "raw" { column = ["id"] }
train "m" { data = source.raw }
evaluate "e" { model = train.m }
check "c" { on = source.raw }
`

// TestMistakes holds what is told of a module, each as "line severity code summary | detail | hint (line: related)".
func TestMistakes(t *testing.T) {
	tests := []struct {
		name, text string
		columns    error
		want       []string
	}{
		{name: "none", text: data + `gate "g" {
  rule "good"  { assert = "evaluate.e.metrics.auc > 0.5" }
}`},
		{name: "blocks that need each other", text: `dataset "a" { from = dataset.b }
dataset "b" { from = dataset.a }
dataset "c" { from = dataset.b }
evaluate "e" { data = dataset.c }
gate "g" {
  rule "r" { assert = "evaluate.e.metrics.auc > 0.5" }
}`,
			want: []string{"2 error MLP1401 these blocks need each other: dataset.a → dataset.b → dataset.a | None of them can run first. Take one of these references away. " +
				"(2: dataset.b needs dataset.a) (1: dataset.a needs dataset.b)"}},
		{name: "a gate that decides by what comes after it", text: data + `deploy "d" {
  model = train.n
  gate  = gate.g
}
train "n" { data = dataset.after }
dataset "after" { from = source.raw }
gate "g" {
  after = [check.late]
}
check "late" { on = dataset.after }`},
		{name: "a component's problem, at its place", text: `source "raw" { column = ["id"] }
dataset "a" {
  from     = source.raw
  problems = [{ Path = "from", Summary = "The table is odd", Detail = "It is.", Hint = "Take another" }]
}`, want: []string{"3 error MLP1402 the table is odd | It is. | take another"}},
		{name: "names stay as they are", text: `source "raw" { column = ["id"] }
dataset "a" {
  from     = source.raw
  problems = [{ Summary = "DuckDB says no" }]
}`, want: []string{"2 error MLP1402 DuckDB says no"}},
		{name: "inside a query", text: `source "raw" { column = ["id"] }
dataset "a" {
  from     = source.raw
  sql      = "select x"
  problems = [{ Path = "sql", Summary = "there is no x", Offset = 7, Length = 1 }]
}`, want: []string{"4 error MLP1501 there is no x"}},
		{name: "a warning", text: `source "raw" { column = ["id"] }
dataset "a" {
  from     = source.raw
  problems = [{ Path = "from.x[0]", Summary = "odd", Warning = true }]
}
dataset "b" { from = dataset.a }`, want: []string{"3 warning MLP1402 odd"}},
		{name: "behind a mistake nothing more is told", text: `source "raw" { column = ["id"] }
dataset "a" {
  from     = source.raw
  problems = [{ Summary = "broken" }]
}
check "c" { on = dataset.a }
gate "g" {
  rule "r" { assert = "check.c.rows > 1.0" }
}
check "own" {
  on = dataset.a
  rule "r" { assert = "nothing > 1.0" }
}`, want: []string{"2 error MLP1402 broken"}},
		{name: "beside a mistake all is told", text: data + `dataset "a" {
  from     = source.raw
  problems = [{ Summary = "broken" }]
}
gate "g" {
  rule "r" { assert = "evaluate.e.metrics.aucc > 0.5" }
}`, want: []string{"5 error MLP1402 broken", `10 error MLP1303 evaluate.e.metrics has no "aucc" | It has auc. | did you mean "auc"?`}},
		{name: "columns that cannot be found out", text: `source "raw" {
  path = "x.csv"
}`, columns: fs.ErrNotExist, want: []string{"2 error MLP1404 the columns of source.raw cannot be found out: file does not exist | " +
			"path is relative to the folder of the module; where the files come later, declare their columns"}},
		{name: "for a reason of their own", text: `source "raw" {}`, columns: errors.New("it is torn"),
			want: []string{`1 error MLP1404 the columns of source.raw cannot be found out: it is torn | declare them: column "name" { type = "double" }`}},
		{name: "with what to do", text: `source "raw" {}`, columns: errors.New("it is torn\nMend it."),
			want: []string{"1 error MLP1404 the columns of source.raw cannot be found out: it is torn | Mend it."}},
		{name: "a gate that lets everything pass", text: `gate "g" {}`,
			want: []string{`1 warning MLP1408 gate.g lets everything pass | It has no rule, asks for no approval and comes after no check. | ` +
				`Add what must hold: rule "good enough" { assert = "evaluate.test.metrics.auc >= 0.8" }`}},
		{name: "gates that do not", text: data + `gate "a" { after = [check.c] }
gate "b" {
  approval "p" { from = ["a@b"] }
}`},
		{name: "approvals that nobody can give, or another", text: `gate "g" {
  approval "none" { from = [] }
  approval "blank" { from = [" "] }
  approval "edge" { from = ["alice "] }
  approval "two" { from = ["alice", "bob", "alice"] }
  approval "unseen" { from = ["al\u200bice"] }
  approval "alike" { from = ["\u0430lice", "\u0430", "\u03b1", "a"] }
}`, want: []string{
			`2 error MLP1250 the approval "none" of gate.g is asked of nobody, so that nothing can pass | name people or groups: from = ["alice"]`,
			`3 error MLP1250 the approval "blank" of gate.g is asked of " ", which is no name | write the name as the person gives it to 'mlp approve --as'`,
			`4 error MLP1250 the approval "edge" of gate.g is asked of "alice ", with a blank at its end or beginning | write the name as the person gives it to 'mlp approve --as'`,
			`5 error MLP1250 the approval "two" of gate.g is asked of alice twice | one approval is given by one person; ask for a second one by another approval block`,
			`6 error MLP1250 the approval "unseen" of gate.g is asked of "al\u200bice", which has a letter that cannot be seen | write the name as the person gives it to 'mlp approve --as'`,
			`7 error MLP1250 the approval "alike" of gate.g is asked of "аlice", which mixes letters of alphabets that look alike | write the name as the person gives it to 'mlp approve --as'`}},
		{name: "a gate that compares with what it releases", text: data + `deploy "d" {
  model = train.m
  gate  = gate.g
}
gate "g" {
  champion = deploy.d
  rule "r" { assert = "champion.exists" }
}`},
		{name: "deployments without gate or model", text: data + `deploy "d" { model = train.m }
deploy "e" { gate = gate.g }
gate "g" { after = [check.c] }`},
		{name: "behind a warning all is told", text: data + `dataset "a" {
  from     = source.raw
  problems = [{ Path = "from", Summary = "odd", Warning = true }]
}
gate "g" {
  rule "r" { assert = "dataset.a.rows > 1.0" }
}`, want: []string{"6 warning MLP1402 odd", `10 error MLP1302 there is no "dataset" here | This rule sees champion, check, evaluate, local, variable. | did you mean check.c.rows?`}},
		{name: "requirements", text: data + `problem "p" {
  statement = "?"
  requirement "none" { text = "?" }
  requirement "check" {
    text        = "?"
    verified_by = [check.c]
  }
  requirement "gate" {
    text        = "?"
    verified_by = [check.c, gate.g]
  }
  requirement "waited for" {
    text        = "?"
    verified_by = [check.w]
  }
}
check "w" { on = source.raw }
gate "g" { after = [check.w] }`, want: []string{
			"7 warning MLP1405 nothing verifies requirement none | name the gate that does: verified_by = [gate.release]",
			"8 warning MLP1405 no gate verifies requirement check | It is verified by check.c alone: no release is stopped where that does not hold. | " +
				"name the gate that does: verified_by = [gate.release]"}},
		{name: "a rule reads what is not there", text: data + `gate "g" {
  rule "a" { assert = "evaluate.e.metrics.aucc > 0.5" }
}`, want: []string{`6 error MLP1303 evaluate.e.metrics has no "aucc" | It has auc. | did you mean "auc"?`}},
		{name: "rules see what their own instance is for", text: `gate "a" {
  for_each = { x = 1 }
  rule "r" { assert = "each.value > 0.5" }
}
gate "b" {
  for_each = { y = "s" }
  rule "r" { assert = "each.value == 's'" }
}
gate "c" {
  rule "r" { assert = "each.value > 0.5" }
}
gate "d" {
  for_each = { z = "s" }
  rule "r" { assert = "each.valeu == 's'" }
}`, want: []string{`10 error MLP1302 there is no "each" here | This rule sees champion, local, variable.`,
			`14 error MLP1303 each has no "valeu" | It has key, value. | did you mean "value"?`}},
		{name: "each check's rules see its own figures", text: `check "a" {
  figure = "rows"
  rule "r" { assert = "rows > 1.0" }
}
check "b" {
  figure = "columns"
  rule "r" { assert = "columns > 1.0" }
}`},
		{name: "a check's rules see its own figures", text: `source "raw" { column = ["id"] }
variable "least" { default = 3 }
check "c" {
  on = source.raw
  rule "a" { assert = "rows > variable.least" }
  rule "b" { assert = "check.c.rows > 1.0" }
}`, want: []string{`6 error MLP1302 there is no "check" here | This rule sees local, rows, variable.`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got := checked(t, tt.text, &components{columns: tt.columns})
			if d := gocmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestOrder: each block stands behind what it needs: by references, by what rules read, and a gate behind what it would let pass.
func TestOrder(t *testing.T) {
	m, said := checked(t, `deploy "d" {
  model = train.m
  gate  = gate.g
}
gate "g" {
  after = [check.c]
  rule "good" { assert = "monitor.w.rows > 1.0 && variable.v > 1" }
}
gate "h" {
  rule "seen" { assert = "monitor.w.rows > 1.0" }
}
variable "v" { default = 2 }
monitor "w" { on = dataset.b }
check "c" { on = dataset.b }
train "m" { data = dataset.b }
dataset "b" { from = source.a }
source "a" { column = ["id"] }
`, &components{})
	if said != nil {
		t.Fatal(said)
	}
	want := []string{"pipeline.p", "source.a", "dataset.b", "check.c", "monitor.w", "train.m", "gate.g", "gate.h", "deploy.d"}
	got := slices.DeleteFunc(slices.Clone(m.Order), func(a string) bool { return !slices.Contains(want, a) })
	at := func(a string) int { return slices.Index(got, a) }
	for _, c := range []struct{ first, then string }{{"source.a", "dataset.b"}, {"dataset.b", "check.c"}, {"dataset.b", "monitor.w"}, {"dataset.b", "train.m"},
		{"check.c", "gate.g"}, {"monitor.w", "gate.g"}, {"monitor.w", "gate.h"}, {"train.m", "gate.g"}, {"gate.g", "deploy.d"}} {
		if at(c.first) < 0 || at(c.first) > at(c.then) {
			t.Errorf("%s does not stand before %s in %v", c.first, c.then, got)
		}
	}
	if d := gocmp.Diff([]string{"check.c", "monitor.w", "train.m"}, m.Blocks["gate.g"].Needs); d != "" {
		t.Errorf("what gate.g needs: %s", d)
	}
	if d := gocmp.Diff([]string{"check.c", "monitor.w", "train.m"}, m.NeededBy["dataset.b"]); d != "" {
		t.Errorf("what needs dataset.b: %s", d)
	}
}

// TestNeeds: what stands behind what. A gate stands behind the model that a deployment would make live by it, and behind no other; what
// is recorded of a deployment, and what comes along with a feature, are needed by nobody.
func TestNeeds(t *testing.T) {
	m, said := checked(t, `source "a" { column = ["id"] }
source "b" { column = ["id"] }
train "m" { data = source.a }
train "n" { data = source.a }
check "c" { on = source.b }
gate "g" {
  after    = [check.c]
  champion = deploy.d
}
deploy "d" {
  model = train.m
  gate  = gate.g
}
rehearse "r" {
  model = train.n
  gate  = gate.g
}
feature "f" { from = source.a }
set "s" {
  spine    = source.b
  features = [feature.f]
}
`, &components{})
	if said != nil {
		t.Fatal(said)
	}
	for address, want := range map[string][]string{"gate.g": {"check.c", "train.m"}, "deploy.d": {"gate.g", "train.m"}, "rehearse.r": {"gate.g", "train.n"},
		"set.s": {"feature.f", "source.b"}} {
		if d := gocmp.Diff(want, m.Blocks[address].Needs); d != "" {
			t.Errorf("%s: %s", address, d)
		}
	}
}

// TestAlong: with a feature comes the table that it reads, and the feature keeps how its values are computed; others see the table alone.
func TestAlong(t *testing.T) {
	lib := &components{}
	_, said := checked(t, `source "a" { column = ["id"] }
feature "f" { from = source.a }
dataset "d" { from = feature.f }
set "s" {
  spine    = source.a
  features = [feature.f]
}
`, lib)
	if said != nil {
		t.Fatal(said)
	}
	if got := lib.asked["set.s"].In; len(got) != 3 || got["features.f"].Table.MaxAge != "7d" || got["features.f.from"].Table == nil {
		t.Errorf("set.s was asked with %v", got)
	}
	if got := lib.asked["dataset.d"].In["from"].Table.MaxAge; got != "" {
		t.Errorf("dataset.d was told of a greatest age, %s", got)
	}
}
