package lsp

import (
	"context"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// vocabulary is a small catalog with every type of argument that an editor treats on its own.
func vocabulary() *schema.Catalog {
	tables := []schema.PortType{schema.TablePort}
	own := []schema.Port{{Name: "table", Type: schema.TablePort}}
	rules := schema.Block{Name: "rule", Labelled: true, Repeated: true, Required: true, Doc: "A condition.", Body: schema.Body{
		Attrs: []schema.Attr{{Name: "assert", Type: schema.CEL, Required: true, Doc: "What must hold."}}}}
	return &schema.Catalog{Kinds: []schema.Kind{
		{Name: "accept", Unlabelled: true, Types: []schema.Type{{Single: true, Body: schema.Body{Attrs: []schema.Attr{{Name: "block", Type: schema.Address}}}}}},
		{Name: "check", Types: []schema.Type{{Version: 1, Out: []schema.Port{{Name: "verdict", Type: schema.VerdictPort}}, Body: schema.Body{
			Attrs: []schema.Attr{{Name: "on", Type: schema.Ref, Ports: tables}}, Blocks: []schema.Block{rules}}}}},
		{Name: "dataset", Summary: "A query", Doc: "Rows that a query yields.", Types: []schema.Type{{Version: 1, Summary: "of tables", Out: own, Body: schema.Body{
			Attrs: []schema.Attr{
				{Name: "from", Type: schema.RefMap, Required: true, Ports: tables, Doc: "The tables."},
				{Name: "key", Type: schema.StringList, ColumnOf: "from"},
				{Name: "sql", Type: schema.SQL},
				{Name: "mode", Type: schema.String, OneOf: []string{"a", "b"}, Default: "a"},
				{Name: "limit", Type: schema.Limits},
				{Name: "description", Type: schema.String, Metadata: true},
			},
			Blocks: []schema.Block{
				{Name: "slice", Labelled: true, Repeated: true, Body: schema.Body{Attrs: []schema.Attr{{Name: "where", Type: schema.SQLExpr}}}},
				{Name: "window", Body: schema.Body{Attrs: []schema.Attr{{Name: "length", Type: schema.Duration}}}},
			},
		}}}},
		{Name: "evaluate", Types: []schema.Type{{Version: 1, Out: []schema.Port{{Name: "figures", Type: schema.FiguresPort}, {Name: "predictions", Type: schema.TablePort, Doc: "A row for each."}}, Body: schema.Body{
			Attrs: []schema.Attr{
				{Name: "model", Type: schema.Ref, Kinds: []string{"train"}, Ports: []schema.PortType{schema.ModelPort}},
				{Name: "metrics", Type: schema.RefList, Ports: []schema.PortType{schema.MetricPort}, Edge: schema.DefinitionEdge},
				{Name: "requires", Type: schema.RefList, Edge: schema.OrderEdge},
				{Name: "seed", Type: schema.Integer},
			}}}}},
		{Name: "gate", Types: []schema.Type{{Out: []schema.Port{{Name: "verdict", Type: schema.VerdictPort}}, Body: schema.Body{
			Attrs: []schema.Attr{{Name: "assert", Type: schema.CEL}, {Name: "after", Type: schema.RefList, Ports: []schema.PortType{schema.VerdictPort}, Edge: schema.OrderEdge}}, Blocks: []schema.Block{rules}}}}},
		{Name: "locals", Unlabelled: true, Types: []schema.Type{{}}},
		{Name: "metric", Types: []schema.Type{{Out: []schema.Port{{Name: "metric", Type: schema.MetricPort}}}}},
		{Name: "output", Types: []schema.Type{{Body: schema.Body{Attrs: []schema.Attr{{Name: "value", Type: schema.Any}}}}}},
		{Name: "source", Types: []schema.Type{{Name: "csv", Version: 1, Summary: "Files", Out: own}, {Name: "parquet", Version: 1, Out: own}}},
		{Name: "split", DefaultType: "hash", Types: []schema.Type{{Name: "hash", Version: 1, Doc: "By a hash.",
			Out: []schema.Port{{Name: "train", Type: schema.TablePort}, {Name: "test", Type: schema.TablePort}}, Body: schema.Body{
				Attrs: []schema.Attr{{Name: "from", Type: schema.Ref, Ports: tables}}}}}},
		{Name: "train", Types: []schema.Type{{Name: "linear", Version: 1, Out: []schema.Port{{Name: "model", Type: schema.ModelPort}}, Body: schema.Body{
			Attrs: []schema.Attr{
				{Name: "data", Type: schema.Ref, Required: true, Ports: tables},
				{Name: "target", Type: schema.String, ColumnOf: "data"},
				{Name: "filter", Type: schema.SQLExpr, Tables: "data"},
				{Name: "cached", Type: schema.Bool, Default: true},
				{Name: "weights", Type: schema.NumberList},
			}}}}},
		{Name: "variable", Types: []schema.Type{{Single: true, Body: schema.Body{Attrs: []schema.Attr{{Name: "type", Type: schema.TypeExpr}, {Name: "default", Type: schema.Any}}}}}},
	}}
}

// known is a compiler that knows some blocks, whatever the text. A file with the word forbidden has a mistake.
type known struct{}

func (known) Analyse(_ context.Context, _ string, files map[string][]byte) *Analysis {
	table := &schema.Table{Columns: []schema.Column{{Name: "amount", Type: "double"}, {Name: "at", Type: "timestamp", PII: true}}, Key: []string{"amount"}, Time: "at"}
	other := &schema.Table{Columns: []schema.Column{{Name: "amount", Type: "double"}, {Name: "Group", Type: "varchar", Protected: true}}, Entity: []string{"Group"}}
	metrics := schema.Object(map[string]*schema.FigureType{"auc": schema.Double, "exact": schema.Flag})
	env := schema.Object(map[string]*schema.FigureType{
		"evaluate": schema.Object(map[string]*schema.FigureType{
			"x": schema.Object(map[string]*schema.FigureType{"metrics": metrics, "slices": schema.KeyedMap(metrics, "large", "2nd", "a b"),
				"names": schema.ListOf(schema.Word), "lists": schema.ListOf(metrics)}),
		}),
		"variable": schema.Object(map[string]*schema.FigureType{"least": schema.Double}),
	})
	shape := func(port string, t *schema.Table) map[string]schema.Shape {
		return map[string]schema.Shape{port: {Type: schema.TablePort, Table: t}}
	}
	out := &Analysis{
		Values: map[string]string{"variable.least": "0.7", "local.a": `"x"`},
		Blocks: map[string]*Block{
			"source.s":       {Out: shape("table", table)},
			"source.s2":      {Out: shape("table", other)},
			"dataset.d[one]": {Out: shape("table", table)},
			"dataset.d[two]": {Out: shape("table", other)},
			"split.sides":    {Out: map[string]schema.Shape{"train": {Type: schema.TablePort, Table: table}, "test": {Type: schema.TablePort, Table: other}}},
			"train.m":        {Out: map[string]schema.Shape{"model": {Type: schema.ModelPort, Model: &schema.Model{Target: "at", Task: schema.Regression, Features: make([]schema.Column, 1)}}}},
			"gate.g":         {Env: env},
			"check.c":        {Env: schema.Object(map[string]*schema.FigureType{"table": schema.Object(map[string]*schema.FigureType{"rows": schema.Double})})},
		},
	}
	for _, name := range sortedKeys(files) {
		if strings.Contains(string(files[name]), "forbidden") {
			out.Diagnostics = append(out.Diagnostics, source.Diagnostic{Severity: source.Error, Code: "MLP1000", Summary: "forbidden", Subject: source.Range{File: name, Start: source.Pos{Line: 3}}})
		}
	}
	return out
}
