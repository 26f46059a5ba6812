package check_test

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// catalog has kinds whose names the compiler cannot know: what it holds them to stands in their schemas.
func catalog() *schema.Catalog {
	ref := func(name string, t schema.AttrType, port schema.PortType, rows schema.RowUse) schema.Attr {
		return schema.Attr{Name: name, Type: t, Ports: []schema.PortType{port}, Rows: rows}
	}
	text := func(name string) schema.Attr { return schema.Attr{Name: name, Type: schema.String} }
	table, model, figures := schema.Port{Name: "table", Type: schema.TablePort}, schema.Port{Name: "model", Type: schema.ModelPort},
		schema.Port{Name: "figures", Type: schema.FiguresPort}
	kind := func(name string, out []schema.Port, attrs ...schema.Attr) schema.Kind {
		return schema.Kind{Name: name, Phase: schema.Development, Types: []schema.Type{{Version: 1, Out: out, Body: schema.Body{Attrs: attrs}}}}
	}
	kinds := append(schema.CoreKinds(),
		kind("rows", []schema.Port{table}),
		kind("halves", []schema.Port{{Name: "l", Type: schema.TablePort, Side: schema.TrainSide}, {Name: "c", Type: schema.TablePort, Side: schema.ValidationSide},
			{Name: "t", Type: schema.TablePort, Side: schema.TestSide}}, ref("of", schema.Ref, schema.TablePort, schema.PassedRows), text("seed")),
		kind("thirds", []schema.Port{{Name: "l", Type: schema.TablePort, Side: schema.TrainSide}, {Name: "t", Type: schema.TablePort, Side: schema.TestSide}},
			ref("of", schema.Ref, schema.TablePort, schema.PassedRows), text("seed")),
		kind("file", []schema.Port{table}, text("path"), text("column")),
		kind("keep", []schema.Port{table}, ref("of", schema.Ref, schema.TablePort, schema.PassedRows), text("only"), text("column")),
		kind("query", []schema.Port{table}, ref("from", schema.RefMap, schema.TablePort, schema.DrawnRows), text("where"), text("answer"), text("path")),
		kind("learn", []schema.Port{model, {Name: "other", Type: schema.ModelPort}, {Name: "rest", Type: schema.TablePort}}, ref("by", schema.Ref, schema.TablePort, schema.FittedRows),
			ref("until", schema.Ref, schema.TablePort, schema.ChosenRows), text("target")),
		kind("pick", []schema.Port{model}, ref("among", schema.RefMap, schema.ModelPort, ""), ref("best", schema.RefMap, schema.FiguresPort, ""),
			schema.Attr{Name: "after", Type: schema.RefList, Ports: []schema.PortType{schema.FiguresPort}, Edge: schema.OrderEdge}),
		kind("view", []schema.Port{table}, ref("from", schema.Ref, schema.TablePort, schema.DrawnRows), text("answer")),
		kind("set", []schema.Port{table}, schema.Attr{Name: "views", Type: schema.RefList, Ports: []schema.PortType{schema.TablePort}, Along: "from", Rows: schema.PassedRows}),
		kind("measure", []schema.Port{figures}, ref("what", schema.Ref, schema.ModelPort, ""), ref("over", schema.Ref, schema.TablePort, schema.MeasuredRows),
			ref("then", schema.Ref, schema.FiguresPort, "")),
		kind("vote", []schema.Port{table}, ref("with", schema.RefMap, schema.ModelPort, ""), ref("each", schema.Ref, schema.TablePort, schema.ScoredRows)),
		kind("answer", []schema.Port{table}, ref("with", schema.Ref, schema.ModelPort, ""), ref("each", schema.Ref, schema.TablePort, schema.ScoredRows)),
		kind("watch", []schema.Port{figures}, ref("answers", schema.Ref, schema.TablePort, schema.MeasuredRows), ref("beside", schema.Ref, schema.TablePort, ""),
			ref("then", schema.Ref, schema.FiguresPort, "")),
	)
	for i := range kinds {
		kinds[i].Types[0].External = kinds[i].Name == "file"
	}
	slices.SortFunc(kinds, func(a, b schema.Kind) int { return cmp.Compare(a.Name, b.Name) })
	return &schema.Catalog{Kinds: kinds}
}

// library gives every port its type. A table has a column y, a file's also one of another name (column); a query has the y of what it is
// drawn from, under another name (answer) or one of its own (answer = "new"), and is part of that where it says so (where).
type library struct{}

func (library) Resolved(*resolve.Module) {}

func (library) Columns(context.Context, string, string, string, json.RawMessage) ([]schema.Column, error) {
	return nil, nil
}

func (library) Shape(_ context.Context, kind, typ string, req schema.ShapeRequest) (schema.ShapeResult, bool) {
	var config struct{ Column, Where, Answer, Target string }
	if err := json.Unmarshal(req.Config, &config); err != nil {
		panic(err)
	}
	out := map[string]schema.Shape{}
	for _, p := range catalog().Kind(kind).Type(typ).Out {
		s := schema.Shape{Type: p.Type}
		switch p.Type {
		case schema.TablePort:
			s.Table = &schema.Table{Columns: []schema.Column{{Name: cmp.Or(config.Column, "y"), Type: "boolean"}}}
		case schema.ModelPort:
			s.Model = &schema.Model{Task: schema.Binary, Target: strings.TrimPrefix(cmp.Or(config.Target, "y"), "none")}
		}
		out[p.Name] = s
	}
	if kind == "query" || kind == "view" {
		out["table"] = schema.Shape{Type: schema.TablePort, Table: drawn(req.In, config.Where, config.Answer)}
	}
	return schema.ShapeResult{Out: out}, true
}

// drawn is the table of a query: its answer is that of each of its tables as it stands.
func drawn(in map[string]schema.Shape, where, answer string) *schema.Table {
	y := schema.Column{Name: cmp.Or(strings.TrimPrefix(answer, "new"), "y"), Type: "boolean", Lineage: schema.Derived("a query's")}
	for _, port := range slices.Sorted(maps.Keys(in)) {
		if answer != "new" {
			y.Lineage.AddSame(in[port].Table.Columns[0].Lineage)
		}
	}
	out := &schema.Table{Columns: []schema.Column{y}}
	if where != "" {
		out.Rows = schema.Derived(where)
	}
	return out
}

const world = `pipeline "p" {}
rows "every" {}
rows "other" {}
halves "h" { of = rows.every }
halves "late" { of = halves.h.c }
learn "a" {
  by    = halves.h.l
  until = halves.late.l
}
learn "b" { by = rows.other }
measure "ma" {
  what = learn.a
  over = halves.late.t
}
measure "mb" {
  what = learn.b
  over = halves.late.t
}
pick "first" {
  among = [learn.a, learn.b]
  best  = [measure.ma, measure.mb]
}
pick "second" { among = { x = pick.first } }
`

// TestModelsKnowTheirRows: what a model has seen follows it through blocks that select or pass it, and its measurements are held to it.
func TestModelsKnowTheirRows(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string // "code severity summary"
	}{
		{"on rows of their own", `measure "m" {
  what = pick.second
  over = halves.h.t
}`, nil},
		{"on rows that one of the candidates learnt from", `measure "m" {
  what = pick.second
  over = rows.other
}`, []string{"MLP1407 error measure.m measures pick.second on rows that learn.b was trained on"}},
		{"on rows that one was stopped by", `measure "m" {
  what = pick.first
  over = halves.late.l
}`, []string{"MLP1407 warning measure.m measures pick.first on rows that the threshold and early stopping of learn.a were chosen by"}},
		{"on rows that it was selected by", `measure "m" {
  what = pick.second
  over = halves.late.t
}`, []string{"MLP1407 warning measure.m measures pick.second on rows that it was chosen by, in measure.ma"}},
		{"by predictions", `answer "live" {
  with = pick.second
  each = rows.other
}
watch "m" { answers = answer.live }`, []string{"MLP1407 error watch.m measures pick.second on rows that learn.b was trained on"}},
		{"of another model than the baseline's", `answer "live" {
  with = pick.second
  each = halves.h.t
}
watch "m" {
  answers = answer.live
  then    = measure.ma
}`, []string{"MLP1409 error measure.ma measures learn.a, and the predictions are those of pick.second"}},
		{"fitted on a test side", `learn "c" { by = halves.h.t }`, []string{"MLP1406 error learn.c fits on the test side of halves.h"}},
	}
	for _, tt := range tests {
		r := front.Compile(context.Background(), map[string][]byte{"p.mlp": []byte(world + tt.text + "\n")}, catalog(), front.Options{Library: library{}})
		var got []string
		for _, d := range r.Diagnostics {
			got = append(got, strings.Join([]string{d.Code, map[source.Severity]string{source.Error: "error", source.Warning: "warning"}[d.Severity], d.Summary}, " "))
		}
		if d := gocmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}
