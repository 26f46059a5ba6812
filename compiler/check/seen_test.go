package check_test

import (
	"cmp"
	"context"
	"encoding/json"
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
	table, model := schema.Port{Name: "table", Type: schema.TablePort}, schema.Port{Name: "model", Type: schema.ModelPort}
	kind := func(name string, out []schema.Port, attrs ...schema.Attr) schema.Kind {
		return schema.Kind{Name: name, Phase: schema.Development, Types: []schema.Type{{Version: 1, Out: out, Body: schema.Body{Attrs: attrs}}}}
	}
	kinds := append(schema.CoreKinds(),
		kind("rows", []schema.Port{table}),
		kind("halves", []schema.Port{{Name: "l", Type: schema.TablePort, Side: schema.TrainSide}, {Name: "c", Type: schema.TablePort, Side: schema.ValidationSide},
			{Name: "t", Type: schema.TablePort, Side: schema.TestSide}}, ref("of", schema.Ref, schema.TablePort, schema.PassedRows)),
		kind("learn", []schema.Port{model}, ref("by", schema.Ref, schema.TablePort, schema.FittedRows), ref("until", schema.Ref, schema.TablePort, schema.ChosenRows)),
		kind("pick", []schema.Port{model}, ref("among", schema.RefMap, schema.ModelPort, ""), ref("best", schema.RefMap, schema.FiguresPort, "")),
		kind("measure", []schema.Port{{Name: "figures", Type: schema.FiguresPort}}, ref("what", schema.Ref, schema.ModelPort, ""), ref("over", schema.Ref, schema.TablePort, schema.MeasuredRows)),
		kind("answer", []schema.Port{table}, ref("with", schema.Ref, schema.ModelPort, ""), ref("each", schema.Ref, schema.TablePort, schema.ScoredRows)),
		kind("watch", []schema.Port{{Name: "figures", Type: schema.FiguresPort}}, ref("answers", schema.Ref, schema.TablePort, schema.MeasuredRows), ref("then", schema.Ref, schema.FiguresPort, "")),
	)
	slices.SortFunc(kinds, func(a, b schema.Kind) int { return cmp.Compare(a.Name, b.Name) })
	return &schema.Catalog{Kinds: kinds}
}

// library gives every port its type, and says no word of rows.
type library struct{}

func (library) Resolved(*resolve.Module) {}

func (library) Columns(context.Context, string, string, string, json.RawMessage) ([]schema.Column, error) {
	return nil, nil
}

func (library) Shape(_ context.Context, kind, typ string, _ schema.ShapeRequest) (schema.ShapeResult, bool) {
	out := map[string]schema.Shape{}
	for _, p := range catalog().Kind(kind).Type(typ).Out {
		s := schema.Shape{Type: p.Type}
		switch p.Type {
		case schema.TablePort:
			s.Table = &schema.Table{Columns: []schema.Column{{Name: "y", Type: "boolean"}}}
		case schema.ModelPort:
			s.Model = &schema.Model{Task: schema.Binary, Target: "y"}
		}
		out[p.Name] = s
	}
	return schema.ShapeResult{Out: out}, true
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
