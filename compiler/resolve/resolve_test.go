package resolve

import (
	"sort"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

func table(name string) schema.Port { return schema.Port{Name: name, Type: schema.TablePort} }

// catalog is a small language with one of everything.
func catalog() *schema.Catalog {
	column := schema.Block{Name: "column", Labelled: true, Repeated: true, Body: schema.Body{Attrs: []schema.Attr{
		{Name: "expr", Type: schema.SQLExpr}, {Name: "type", Type: schema.String}, {Name: "pii", Type: schema.Bool, Default: false},
	}}}
	kinds := append(schema.CoreKinds(),
		schema.Kind{Name: "source", Types: []schema.Type{{Name: "csv", Version: 1, Out: []schema.Port{table("table")}, Body: schema.Body{
			Attrs:  []schema.Attr{{Name: "path", Type: schema.String, Required: true}, {Name: "delimiter", Type: schema.String, Default: ","}},
			Blocks: []schema.Block{column},
		}}}, DefaultType: "csv"},
		schema.Kind{Name: "dataset", DefaultType: "sql", Types: []schema.Type{{Name: "sql", Version: 1, Out: []schema.Port{table("table")}, Body: schema.Body{
			Attrs: []schema.Attr{
				{Name: "from", Type: schema.RefMap, Required: true, Ports: []schema.PortType{schema.TablePort}},
				{Name: "key", Type: schema.StringList, ColumnOf: "from"},
				{Name: "sql", Type: schema.SQL, Required: true},
			},
		}}}},
		schema.Kind{Name: "split", DefaultType: "", Types: []schema.Type{{Name: "hash", Version: 1,
			Out: []schema.Port{table("train"), table("validation"), table("test")}, Body: schema.Body{
				Attrs: []schema.Attr{
					{Name: "from", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}},
					{Name: "test", Type: schema.Number, Default: 0.25}, {Name: "seed", Type: schema.Integer, Default: 0.0},
				}}}}},
		schema.Kind{Name: "check", Types: []schema.Type{{Version: 1, Out: []schema.Port{{Name: "verdict", Type: schema.VerdictPort}, {Name: "figures", Type: schema.FiguresPort}}, Body: schema.Body{
			Attrs:  []schema.Attr{{Name: "on", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}}},
			Blocks: []schema.Block{schema.RuleBlock(), {Name: "expect", Labelled: true, Repeated: true, FreeAttrs: true}},
		}}}},
		schema.Kind{Name: "metric", Types: []schema.Type{{Out: []schema.Port{{Name: "metric", Type: schema.MetricPort}}, Body: schema.Body{Attrs: []schema.Attr{
			{Name: "type", Type: schema.String, OneOf: []string{"roc_auc", "recall", "false_positive_rate"}},
			{Name: "like", Type: schema.Ref, Ports: []schema.PortType{schema.MetricPort}, Edge: schema.DefinitionEdge},
			{Name: "description", Type: schema.String, Metadata: true},
		}}}}},
		schema.Kind{Name: "train", Types: []schema.Type{
			{Name: "trees", Version: 2, Out: []schema.Port{{Name: "model", Type: schema.ModelPort}}, Body: schema.Body{
				Attrs: []schema.Attr{
					{Name: "data", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}},
					{Name: "extra", Type: schema.RefList, Ports: []schema.PortType{schema.TablePort}},
					{Name: "metrics", Type: schema.RefList, Kinds: []string{"metric"}, Edge: schema.DefinitionEdge},
					{Name: "target", Type: schema.String, Required: true}, {Name: "features", Type: schema.StringList},
					{Name: "weights", Type: schema.NumberList, Default: []float64{1, 0.5}},
				},
				Blocks: []schema.Block{
					{Name: "params", FreeAttrs: true},
					{Name: "tune", Body: schema.Body{Attrs: []schema.Attr{{Name: "over", Type: schema.Duration}}, Blocks: []schema.Block{{Name: "space", FreeAttrs: true}}}},
					{Name: "stop", Repeated: true, Body: schema.Body{Attrs: []schema.Attr{{Name: "after", Type: schema.Integer}}}},
					{Name: "decision", Body: schema.Body{Attrs: []schema.Attr{
						{Name: "maximize", Type: schema.Ref, Ports: []schema.PortType{schema.MetricPort}, Edge: schema.DefinitionEdge},
						{Name: "where", Type: schema.Limits},
					}}},
				},
			}},
			{Name: "baseline", Version: 1, Out: []schema.Port{{Name: "model", Type: schema.ModelPort}}},
		}},
		schema.Kind{Name: "evaluate", Types: []schema.Type{{Version: 1, Out: []schema.Port{{Name: "figures", Type: schema.FiguresPort}, table("predictions")}, Body: schema.Body{Attrs: []schema.Attr{
			{Name: "model", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.ModelPort}},
			{Name: "data", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}},
		}}}}},
		schema.Kind{Name: "deploy", DefaultType: "http", Types: []schema.Type{{Name: "http", Out: []schema.Port{{Name: "release", Type: schema.ReleasePort}}, Body: schema.Body{Attrs: []schema.Attr{
			{Name: "model", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.ModelPort}},
			{Name: "gate", Type: schema.Ref, Kinds: []string{"gate"}, Edge: schema.OrderEdge},
		}}}}},
	)
	sort.Slice(kinds, func(i, j int) bool { return kinds[i].Name < kinds[j].Name })
	return &schema.Catalog{Kinds: kinds}
}

// load resolves one file.
func load(t *testing.T, text string, vars map[string]string) (*Module, source.Diagnostics) {
	t.Helper()
	m, ds := syntax.Parse(map[string][]byte{"main.mlp": []byte(text)}, catalog())
	given := map[string]Given{}
	for name, text := range vars {
		given[name] = Given{From: "--var " + name, Text: text}
	}
	out, more := Resolve(m, Options{Variables: given})
	return out, append(ds, more...).Sort()
}

const whole = `
pipeline "p" { owner = "us" }
variable "rows" { default = 10 }
locals {
  half   = variable.rows / 2
  choice = local.half > 3 ? dataset.clean : dataset.other
}
source "raw" {
  path = "data/*.csv"
  column "a" { type = "varchar" }
  column "b" {
    type = "double"
    pii  = true
  }
}
dataset "clean" {
  description = "Clean."
  from        = [source.raw]
  key         = ["a"]
  sql         = <<-SQL
    select *
      from raw
  SQL
}
dataset "other" {
  from = { x = source.raw, clean = dataset.clean }
  sql  = "select 1"
}
split "hash" "s" { from = local.choice }
check "c" {
  on = split.s.train
  rule "enough data" { assert = "table.rows > 10.0" }
  expect "a" {
    between = [0, 1e3]
    strict  = true
  }
}
metric "auc" {
  type        = "roc_auc"
  description = "Area."
}
metric "fpr" { type = "false_positive_rate" }
train "trees" "m" {
  data     = split.s.train
  extra    = [split.s.test, dataset.clean]
  metrics  = [metric.auc]
  target   = "y"
  requires = [check.c]
  timeout  = "5m"
  params {
    trees = variable.rows * 30
    rate  = 0.1
  }
  tune {
    over = "1h30m"
    space { depth = [4, 6] }
  }
  stop { after = 3 }
  stop { after = 5 }
  decision {
    maximize = metric.auc
    where    = "fpr <= 0.01"
  }
}
evaluate "e" {
  model = train.m
  data  = split.s.test
}
gate "g" {
  after    = [check.c]
  champion = deploy.d
  rule "good" { assert = "evaluate.e.metrics.auc > 0.5" }
}
deploy "d" {
  model = train.m
  gate  = gate.g
}
problem "pr" {
  statement = "What."
  requirement "R1" {
    text        = "Good."
    verified_by = [gate.g, check.c]
  }
}
output "rows" { value = local.half }
output "model" { value = train.m }
`

func TestResolveWhole(t *testing.T) {
	m, ds := load(t, whole, nil)
	if len(ds) > 0 {
		t.Fatalf("diagnostics: %+v", ds)
	}
	if got, want := m.Pipeline.Address, "pipeline.p"; got != want {
		t.Errorf("pipeline %s, want %s", got, want)
	}
	want := map[string][3]string{
		"source.raw":    {`{"column":[{"name":"a","pii":false,"type":"varchar"},{"name":"b","pii":true,"type":"double"}],"delimiter":",","path":"data/*.csv"}`, `{}`, `{"cache":true,"retries":0,"timeout":"1h"}`},
		"dataset.clean": {`{"from":["raw"],"key":["a"],"sql":"select *\n  from raw\n"}`, `{}`, `{"cache":true,"description":"Clean.","retries":0,"timeout":"1h"}`},
		"dataset.other": {`{"from":["clean","x"],"sql":"select 1"}`, `{}`, `{"cache":true,"retries":0,"timeout":"1h"}`},
		"split.s":       {`{"seed":0,"test":0.25}`, `{}`, `{"cache":true,"retries":0,"timeout":"1h"}`},
		"check.c": {`{"expect":[{"between":[0,1000],"name":"a","strict":true}]}`,
			`{"rule":[{"assert":"table.rows > 10.0","name":"enough data","severity":"fail"}]}`, `{"cache":true,"retries":0,"timeout":"1h"}`},
		"metric.auc": {`{"type":"roc_auc"}`, `{}`, `{"description":"Area."}`},
		"train.m": {`{"decision":{"maximize":{"name":"auc","type":"roc_auc"},"where":[{"limit":0.01,"metric":{"name":"fpr","type":"false_positive_rate"},"op":"<="}]},` +
			`"extra":["s","clean"],"metrics":[{"name":"auc","type":"roc_auc"}],"params":{"rate":0.1,"trees":300},"stop":[{"after":3},{"after":5}],` +
			`"target":"y","tune":{"over":"1h30m","space":{"depth":[4,6]}},"weights":[1,0.5]}`,
			`{"requires":["check.c"]}`, `{"cache":true,"retries":0,"timeout":"5m"}`},
		"gate.g": {`{}`, `{"after":["check.c"],"champion":"deploy.d","rule":[{"assert":"evaluate.e.metrics.auc > 0.5","name":"good","severity":"fail"}]}`, `{}`},
		"problem.pr": {`{"requirement":[{"name":"R1"}]}`, `{"requirement":[{"name":"R1","verified_by":["check.c","gate.g"]}]}`,
			`{"requirement":[{"name":"R1","text":"Good."}],"statement":"What."}`},
	}
	for address, w := range want {
		b := m.ByAddress[address]
		if b == nil {
			t.Errorf("%s is missing", address)
			continue
		}
		if got := [3]string{string(b.Config), string(b.Policy), string(b.Meta)}; got != w {
			t.Errorf("%s:\n got %s\nwant %s", address, strings.Join(got[:], "\n     "), strings.Join(w[:], "\n     "))
		}
	}
}
