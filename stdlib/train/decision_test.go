package train

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
)

func stage(t *testing.T, out io.Writer) *component.Stage {
	t.Helper()
	root := t.TempDir()
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "train.m"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "stage.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := component.Open(root, 1, out)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func definition(name string) json.RawMessage {
	return json.RawMessage(`{"name": "` + name + `", "type": "` + name + `"}`)
}

func limit(name, op string, x float64) Limit {
	return Limit{Metric: definition(name), Op: op, Limit: x}
}

// scored are eight rows; sorted by score descending the actual classes are 1 1 0 1 0(tie)1(tie) 0 0.
var (
	validationScores = []float64{0.9, 0.1, 0.8, 0.7, 0.4, 0.6, 0.4, 0.2}
	validationTarget = []float64{1, 0, 1, 0, 0, 1, 1, 0}
)

func TestDecide(t *testing.T) {
	tests := []struct {
		name     string
		maximize string
		where    []Limit
		weight   []float64
		want     float64
	}{
		{"recall without false alarms", "recall", []Limit{limit("false_positive_rate", "<=", 0)}, nil, 0.8},
		{"recall with one in four", "recall", []Limit{limit("false_positive_rate", "<=", 0.25)}, nil, 0.6},
		{"a strict limit", "recall", []Limit{limit("false_positive_rate", "<", 0.25)}, nil, 0.8},
		{"tied rows go together", "recall", []Limit{limit("false_positive_rate", "<", 0.75)}, nil, 0.4},
		{"all of them, from the highest threshold on", "recall", nil, nil, 0.4},
		{"precision, the highest of equals", "precision", nil, nil, 0.9},
		{"f1", "f1", nil, nil, 0.4},
		{"least is best", "false_positive_rate", []Limit{limit("recall", ">=", 0.75)}, nil, 0.6},
		{"strictly more", "false_positive_rate", []Limit{limit("recall", ">", 0.75)}, nil, 0.4},
		{"two limits", "recall", []Limit{limit("precision", ">=", 0.75), limit("false_positive_rate", "<=", 0.5)}, nil, 0.6},
		{"rows of no weight", "recall", []Limit{limit("false_positive_rate", "<=", 0)}, []float64{1, 1, 1, 0, 1, 1, 1, 1}, 0.6},
		{"none at all", "recall", []Limit{limit("false_positive_rate", "<=", 0)}, []float64{0, 1, 0, 1, 1, 1, 1, 1}, never},
	}
	for _, tt := range tests {
		var log strings.Builder
		training := &Training{
			stage:      stage(t, &log),
			config:     &Config{Decision: &Decision{Maximize: definition(tt.maximize), Where: tt.where}},
			Validation: &Set{Rows: 8, Target: validationTarget, Weight: tt.weight},
		}
		got, err := training.decide(validationScores)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %g (%v), want %g", tt.name, got, err, tt.want)
		}
		if warned := strings.Contains(log.String(), "predicts no row positive"); warned != (tt.want == never) {
			t.Errorf("%s: the log is %q", tt.name, log.String())
		}
	}
}

func TestDecideOutOfReach(t *testing.T) {
	tests := []struct {
		name, maximize string
		where          []Limit
		target         []float64
		want           []string
	}{
		{"two limits against each other", "f1", []Limit{limit("false_positive_rate", "<=", 0.1), limit("recall", ">=", 0.9)}, validationTarget,
			[]string{"no threshold keeps false_positive_rate <= 0.1 and recall >= 0.9", "false_positive_rate comes to 0, recall comes to 1"}},
		{"too much", "recall", []Limit{limit("precision", ">", 1)}, validationTarget, []string{"precision comes to 1"}},
		{"no positives", "recall", nil, make([]float64, 8), []string{"recall is undefined at every threshold", "rows of both classes"}},
		{"an undefined limit", "false_positive_rate", []Limit{limit("recall", ">=", 0)}, make([]float64, 8), []string{"recall is undefined"}},
	}
	for _, tt := range tests {
		training := &Training{
			stage:      stage(t, io.Discard),
			config:     &Config{Decision: &Decision{Maximize: definition(tt.maximize), Where: tt.where}},
			Validation: &Set{Rows: 8, Target: tt.target},
		}
		_, err := training.decide(validationScores)
		var input *component.InputError
		if !errors.As(err, &input) {
			t.Errorf("%s: got %v", tt.name, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %q, want %q in it", tt.name, err, want)
			}
		}
	}
}

// The counts of every candidate are those of deciding row by row.
func TestCandidates(t *testing.T) {
	set := &Set{Rows: 8, Target: validationTarget, Weight: []float64{1, 2, 3, 4, 5, 6, 7, 8}}
	all := candidates(validationScores, set, nil)
	if len(all) != 8 { // none, and 7 different scores
		t.Fatalf("%d candidates", len(all))
	}
	for i, c := range all {
		want := candidate{threshold: c.threshold}
		for r, y := range set.Target {
			count := map[[2]bool]*float64{
				{false, false}: &want.tn, {false, true}: &want.fp, {true, false}: &want.fn, {true, true}: &want.tp,
			}[[2]bool{y == 1, validationScores[r] >= c.threshold}]
			*count += set.Weight[r]
		}
		if c != want || i > 0 && c.threshold >= all[i-1].threshold {
			t.Errorf("candidate %d: got %+v, want %+v", i, c, want)
		}
	}
}

func TestArea(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		score    []float64
		positive []float64
		want     float64
	}{
		{[]float64{1, 2, 3, 4}, []float64{0, 0, 1, 1}, 1},
		{[]float64{1, 2, 3, 4}, []float64{0, 1, 0, 1}, 0.75},
		{[]float64{1, 1, 1, 1}, []float64{0, 1, 0, 1}, 0.5},
		{[]float64{nan, 2, nan, 4}, []float64{0, 1, 0, 1}, 1},
		{[]float64{1, 2}, []float64{1, 1}, 0.5},
	}
	for _, tt := range tests {
		if got := rank(tt.score).area(false, tt.positive); got != tt.want {
			t.Errorf("%v %v: got %g, want %g", tt.score, tt.positive, got, tt.want)
		}
	}
}

// Decisions are made by the same definitions as evaluations.
func TestDecisionMetricsAreMetrics(t *testing.T) {
	d := Decision{Maximize: definition("recall"), Where: []Limit{limit("false_positive_rate", "<=", 1)}}
	best, limits, err := d.metrics()
	if err != nil || best.Type != "recall" || len(limits) != 1 || limits[0].Type != "false_positive_rate" {
		t.Errorf("got %v, %v, %v", best, limits, err)
	}
	d.Maximize = definition("recal")
	if _, _, err := d.metrics(); err == nil {
		t.Error("an unknown metric is no error")
	}
}
