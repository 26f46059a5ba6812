package check

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// answers is a library that gives one answer to all questions.
type answers struct {
	shape   schema.ShapeResult
	derive  error
	program error
}

func (a answers) Shape(context.Context, string, string, schema.ShapeRequest) (schema.ShapeResult, bool) {
	return a.shape, true
}

func (answers) Columns(context.Context, string, string, string, json.RawMessage) ([]schema.Column, error) {
	return nil, nil
}

func (a answers) Derive(string, string, schema.DeriveRequest) ([]schema.Derivation, error) {
	return []schema.Derivation{{}}, a.derive
}

func (a answers) Program(string, string, json.RawMessage) (*schema.Program, error) {
	return &schema.Program{}, a.program
}

// TestAsk: what becomes of a component's answer.
func TestAsk(t *testing.T) {
	out := []schema.Port{{Name: "table", Type: schema.TablePort}, {Name: "rest", Type: schema.TablePort}}
	table := schema.Shape{Type: schema.TablePort, Table: &schema.Table{}}
	figures := schema.Object(nil)
	warning, wrong := schema.Problem{Summary: "odd", Warning: true}, schema.Problem{Summary: "wrong"}
	tests := []struct {
		name    string
		ports   []schema.Port
		lib     answers
		out     []string
		said    int
		untyped bool
		derived bool
	}{
		{"its own port by the name that it has", out, answers{shape: schema.ShapeResult{Out: map[string]schema.Shape{"": table, "rest": table}}}, []string{"rest", "table"}, 0, false, true},
		{"without a port of its own", out[1:], answers{shape: schema.ShapeResult{Out: map[string]schema.Shape{"": table, "rest": table}}}, []string{"", "rest"}, 0, false, true},
		{"a warning", out, answers{shape: schema.ShapeResult{Problems: []schema.Problem{warning}}}, nil, 1, false, true},
		{"a mistake", out, answers{shape: schema.ShapeResult{Problems: []schema.Problem{warning, wrong}}}, nil, 2, true, false},
		{"a mistake that leaves the figures", out, answers{shape: schema.ShapeResult{Problems: []schema.Problem{wrong}, Figures: figures}}, nil, 1, false, false},
		{"what is derived cannot be told", out, answers{derive: errors.New("torn")}, nil, 1, false, true},
		{"nor the program", out, answers{program: errors.New("torn")}, nil, 1, false, true},
	}
	for _, tt := range tests {
		q := &question{block: &Block{Block: &resolve.Block{TypeSpec: &schema.Type{Out: tt.ports}}, Out: map[string]schema.Shape{}}}
		q.ask(context.Background(), tt.lib)
		if d := cmp.Diff(tt.out, slices.Sorted(maps.Keys(q.block.Out))); d != "" {
			t.Errorf("%s: its ports: %s", tt.name, d)
		}
		if len(q.diags) != tt.said || q.untyped != tt.untyped || (q.block.Derived != nil) != tt.derived || (q.block.Program != nil) != tt.derived {
			t.Errorf("%s: said %v, untyped %t, derived %v, program %v", tt.name, q.diags, q.untyped, q.block.Derived, q.block.Program)
		}
	}
}

// TestPlace: a problem of a query stands at the part of the text that it names, else at the whole text.
func TestPlace(t *testing.T) {
	text := source.Text{Value: "select x", Range: source.Range{File: "p.mlp", Start: source.Pos{Line: 3, Column: 9, Byte: 40}, End: source.Pos{Line: 3, Column: 17, Byte: 48}}}
	b := &resolve.Block{Texts: []resolve.Text{{Path: "sql", Text: text}}, Ranges: map[string]source.Range{"from": {File: "from"}, "sql": {File: "sql"}}}
	tests := []struct {
		name string
		p    schema.Problem
		want source.Range
	}{
		{"a part", schema.Problem{Path: "sql", Offset: 7, Length: 1}, text.Sub(7, 8)},
		{"the whole", schema.Problem{Path: "sql"}, text.Range},
		{"another argument", schema.Problem{Path: "from", Length: 1}, source.Range{File: "from"}},
	}
	for _, tt := range tests {
		if got := place(b, tt.p).Subject; got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
