package container_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/train/container"
)

func customers() map[string]schema.Shape {
	return map[string]schema.Shape{"data": {Type: schema.TablePort, Table: &schema.Table{
		Key: []string{"customer_id"},
		Columns: []schema.Column{
			{Name: "customer_id", Type: "varchar"}, {Name: "tenure", Type: "bigint"}, {Name: "plan", Type: "varchar"},
			{Name: "age", Type: "bigint", Protected: true}, {Name: "churned", Type: "boolean"}, {Name: "churn_known_at", Type: "timestamp"},
		},
		Label: &schema.Label{Column: "churned", KnownAt: "churn_known_at"},
	}}}
}

// shape asks for the shape of a block whose configuration is that of a good one, less and more.
func shape(t *testing.T, change map[string]any) schema.ShapeResult {
	t.Helper()
	config := map[string]any{
		"target": "churned", "features": []string{"tenure", "plan"}, "task": "binary_classification", "image": "churn:1",
		"command": []string{"python3", "/app/train.py"}, "predict": []string{"python3", "/app/predict.py"}, "format": "csv", "seed": 7,
		"params": map[string]any{"trees": 300},
	}
	for k, v := range change {
		if config[k] = v; v == nil {
			delete(config, k)
		}
	}
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return container.Component.Shape(context.Background(), nil, schema.ShapeRequest{Address: "train.forest", Config: data, In: customers()})
}

func TestShape(t *testing.T) {
	features := []schema.Column{{Name: "tenure", Type: "bigint"}, {Name: "plan", Type: "varchar"}}
	tests := []struct {
		name   string
		change map[string]any
		want   schema.Model
	}{
		{"binary", nil, schema.Model{Task: schema.Binary, Target: "churned", Features: features, Opaque: true, Positive: "true", PositiveClass: "true"}},
		{"positive", map[string]any{"positive": "false"}, schema.Model{Task: schema.Binary, Target: "churned", Features: features, Opaque: true, Positive: "false", PositiveClass: "false"}},
		{"multiclass", map[string]any{"task": "multiclass_classification", "target": "plan", "features": []string{"tenure"}, "classes": []string{"a", "b", "c"}},
			schema.Model{Task: schema.Multiclass, Target: "plan", Features: features[:1], Opaque: true, Classes: []string{"a", "b", "c"}}},
		{"regression", map[string]any{"task": "regression", "target": "tenure", "features": []string{"plan"}},
			schema.Model{Task: schema.Regression, Target: "tenure", Features: features[1:], Opaque: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := shape(t, tt.change)
			if len(got.Problems) > 0 || got.Figures != nil {
				t.Fatalf("got %+v, %+v, want neither problems nor figures", got.Problems, got.Figures)
			}
			if diff := cmp.Diff(&tt.want, got.Out["model"].Model); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestShapeProblems(t *testing.T) {
	tests := []struct {
		name   string
		change map[string]any
		want   string // path: summary
	}{
		{"target as feature", map[string]any{"features": []string{"churned"}}, `features[0]: The feature "churned" gives the target away`},
		{"label as feature", map[string]any{"features": []string{"tenure", "churn_known_at"}}, `features[1]: The feature "churn_known_at" gives the target away`},
		{"no such target", map[string]any{"target": "churnd"}, `target: The table has no column "churnd"`},
		{"classes or amounts", map[string]any{"target": "tenure", "features": []string{"plan"}, "task": nil}, `target: Whether "tenure" holds classes or amounts is not said`},
		{"protected", map[string]any{"features": []string{"age"}}, `features[0]: The feature "age" is protected`},
		{"no image", map[string]any{"image": ""}, `image: "" is no name of an image`},
		{"no command", map[string]any{"command": []string{}}, "command: command names no program"},
		{"empty predict", map[string]any{"predict": []string{""}}, "predict: predict names no program"},
		{"shell command", map[string]any{"command": []string{"python3 train.py"}}, `command: The program of command is "python3 train.py", with a space in it`},
		{"no classes", map[string]any{"task": "multiclass_classification", "target": "plan", "features": []string{"tenure"}}, "classes: The classes are not listed"},
		{"classes of a binary task", map[string]any{"classes": []string{"a", "b"}}, "classes: classes is for multiclass tasks"},
		{"class twice", map[string]any{"task": "multiclass_classification", "target": "plan", "features": []string{"tenure"}, "classes": []string{"a", "a"}},
			`classes[1]: The class "a" is listed twice`},
		{"env no map", map[string]any{"env": "X=1"}, "env: env is no map of strings"},
		{"env no name", map[string]any{"env": map[string]any{"1X": "a"}}, `env: "1X" is no name of a variable`},
		{"env reserved", map[string]any{"env": map[string]any{"MLP_SEED": "a"}}, `env: The variable "MLP_SEED" is the protocol's`},
		{"env no string", map[string]any{"env": map[string]any{"TREES": 300}}, `env: The variable "TREES" is no string`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range shape(t, tt.change).Problems {
				got = append(got, fmt.Sprintf("%s: %s", p.Path, p.Summary))
			}
			if !slices.Equal(got, []string{tt.want}) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNoPredictIsAllowed(t *testing.T) {
	if got := shape(t, map[string]any{"predict": nil, "env": map[string]any{"OMP_NUM_THREADS": "1"}}); len(got.Problems) > 0 {
		t.Errorf("got %+v, want no problems: only who scores the model needs it", got.Problems)
	}
}

func TestShapeWithoutData(t *testing.T) {
	got := container.Component.Shape(context.Background(), nil, schema.ShapeRequest{Config: json.RawMessage(`{"image":"x"}`)})
	if len(got.Out) > 0 {
		t.Errorf("got %+v, want nothing to be known", got.Out)
	}
}
