package split_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/split/column"
	"github.com/mlp-lang/mlp/stdlib/split/group"
	"github.com/mlp-lang/mlp/stdlib/split/hash"
	"github.com/mlp-lang/mlp/stdlib/split/sides"
	"github.com/mlp-lang/mlp/stdlib/split/stratified"
	"github.com/mlp-lang/mlp/stdlib/split/time"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// sidesAsked is sidesOf with the selection side.
func sidesAsked(t *testing.T, r *stagetest.Result) map[int]string {
	t.Helper()
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	out := map[int]string{}
	for _, port := range []string{sides.Train, sides.Validation, sides.Selection, sides.Test} {
		if _, there := r.Shape.Out[port]; !there {
			continue
		}
		f := r.Frame(t, port)
		if got := r.Figures(t)["rows"].(map[string]any)[port]; got != float64(f.Rows) {
			t.Errorf("the figures have %v rows on %s, which has %d", got, port, f.Rows)
		}
		for _, id := range f.Column("id").Num {
			if was, ok := out[int(id)]; ok {
				t.Fatalf("row %v is on %s and on %s", id, was, port)
			}
			out[int(id)] = port
		}
	}
	return out
}

// TestSelection: the side is there where it is asked for, has its share, and takes its rows from train alone; by time also from those between.
// Every row is on exactly one side.
func TestSelection(t *testing.T) {
	for _, tt := range []struct {
		c             component.Component
		without, with string
		least, most   int // rows of the selection side, of 400
		moves         bool
	}{
		{hash.Component, `{"test":0.25,"validation":0.125,"seed":3}`, `{"test":0.25,"validation":0.125,"selection":0.25,"seed":3}`, 70, 130, false},
		{group.Component, `{"by":["fold","class"],"test":0.3,"validation":0.1}`, `{"by":["fold","class"],"test":0.3,"validation":0.1,"selection":0.3}`, 1, 300, false},
		{stratified.Component, `{"by":["is_test"],"test":0.25,"validation":0.125}`, `{"by":["is_test"],"test":0.25,"validation":0.125,"selection":0.25}`, 100, 100, false},
		{time.Component, `{"by":"ts","test":0.25,"validation":0.25}`, `{"by":"ts","test":0.25,"validation":0.25,"selection":0.2}`, 80, 80, true},
		{column.Component, `{"by":"is_test"}`, `{"by":"is_test","selection":0.25}`, 50, 100, false},
		{column.Component, `{"by":"fold","test":["1"]}`, `{"by":"fold","test":["1"],"selection_values":["2","4"]}`, 160, 160, false},
		{column.Component, `{"by":"side"}`, `{"by":"side","selection_values":["holdout"],"validation":0.1}`, 80, 80, true},
	} {
		name := tt.c.Name() + " " + tt.with
		before := stagetest.Run(t, tt.c, block(400, []string{"id"}, tt.without))
		if _, there := before.Shape.Out[sides.Selection]; there || before.Shape.Figures.Fields["rows"].Fields[sides.Selection] != nil {
			t.Errorf("%s: there is a selection side that nobody asked for", name)
		}
		after := stagetest.Run(t, tt.c, block(400, []string{"id"}, tt.with))
		was, is := sidesAsked(t, before), sidesAsked(t, after)
		if len(was) != 400 || len(is) != 400 {
			t.Errorf("%s: %d rows of 400 have a side, and %d without selection", name, len(is), len(was))
		}
		if n := count(is)[sides.Selection]; n < tt.least || n > tt.most {
			t.Errorf("%s: got %d rows, want %d to %d", name, n, tt.least, tt.most)
		}
		for id, side := range is {
			if !tt.moves && side != was[id] && (side != sides.Selection || was[id] != sides.Train) {
				t.Fatalf("%s: row %d went from %s to %s", name, id, was[id], side)
			}
		}
		if tt.moves && tt.c.Type.Name == "time" {
			for id := range 400 {
				if want := map[bool]string{true: sides.Test, false: sides.Train}[id >= 300]; id < 120 || id >= 300 {
					if is[id] != want {
						t.Errorf("%s: row %d is on %s, want %s", name, id, is[id], want)
					}
				} else if want := map[bool]string{true: sides.Selection, false: sides.Validation}[id >= 220]; is[id] != want {
					t.Errorf("%s: row %d is on %s, want %s", name, id, is[id], want)
				}
			}
		}
	}
}

func TestSelectionProblems(t *testing.T) {
	for _, tt := range []struct {
		c            component.Component
		config, path string
		want         string
	}{
		{hash.Component, `{"test":0.2,"selection":1}`, "selection", "a share of 1"},
		{time.Component, `{"by":"ts","test":0.2,"selection":-0.1}`, "selection", "a share of -0.1"},
		{stratified.Component, `{"by":["class"],"test":0.4,"validation":0.3,"selection":0.3}`, "test", "validation, selection and test leave nothing"},
		{group.Component, `{"by":["class"],"test":0.6,"selection":0.5}`, "test", "leave nothing to train on"},
		{column.Component, `{"by":"fold","selection":0.2,"selection_values":["3"]}`, "selection", "both choose the selection side"},
		{column.Component, `{"by":"fold","selection":0.5,"validation":0.5}`, "selection", "leave nothing to train on"},
		{column.Component, `{"by":"fold","test":["3"],"selection_values":["3"]}`, "selection_values[0]", "among the values of test"},
		{column.Component, `{"by":"fold","validation_values":["3"],"selection_values":["3"]}`, "selection_values[0]", "among validation_values"},
		{column.Component, `{"by":"fold","selection_values":["x"]}`, "selection_values[0]", `"x" is no bigint`},
	} {
		got := stagetest.Shape(t, tt.c, block(1, nil, tt.config)).Problems
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
			t.Errorf("%s %s: got %+v, want %s: %s", tt.c.Name(), tt.config, got, tt.path, tt.want)
		}
	}
}

// TestTies: how many rows are of the instant at which a side begins, and how many more the side has for them.
func TestTies(t *testing.T) {
	for _, tt := range []struct {
		config string
		want   map[string][2]float64 // by side: rows, extra
		warned string
	}{
		// four rows an hour: 0.2 of 100 rows begin with the hour, 0.19 with its second row
		{`{"by":"ts","test":0.2,"validation":0.2}`, map[string][2]float64{"test": {4, 0}, "validation": {4, 0}}, ""},
		{`{"by":"ts","test":0.19,"validation":0.2,"selection":0.19}`, map[string][2]float64{"test": {4, 1}, "selection": {4, 2}, "validation": {4, 2}}, `all of them are on it: 2 more than its share`},
		{`{"by":"alone","test":0.19}`, map[string][2]float64{"test": {0, 0}}, ""},
	} {
		b := block(100, []string{"id"}, tt.config)
		b.Tables["from"] = stagetest.Table{SQL: fmt.Sprintf("select *, ts + to_microseconds(id) as alone from ("+rows+")", 100), Schema: schema.Table{Key: []string{"id"}}}
		r := stagetest.Run(t, time.Component, b)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		got := r.Figures(t)["ties"].(map[string]any)
		if len(got) != len(tt.want) {
			t.Errorf("%s: got ties at %v", tt.config, got)
		}
		for side, want := range tt.want {
			if f := got[side].(map[string]any); f["rows"] != want[0] || f["extra"] != want[1] {
				t.Errorf("%s: %s has %v, want %v", tt.config, side, f, want)
			}
		}
		if tt.warned == "" && strings.Contains(r.Log, "more than its share") || !strings.Contains(r.Log, tt.warned) {
			t.Errorf("%s: got %s", tt.config, r.Log)
		}
	}
}

// TestSelectionOverlap: rows and entities of the selection side that train has too are figures, and told.
func TestSelectionOverlap(t *testing.T) {
	r := stagetest.Run(t, hash.Component, stagetest.Block{Address: "split.x", Config: `{"test":0.2,"selection":0.3}`, Tables: map[string]stagetest.Table{"from": visits(800)}})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	overlap := r.Figures(t)["overlap"].(map[string]any)
	if of := overlap["selection"].(map[string]any); of["entities"] == 0.0 || overlap["entities"] == 0.0 {
		t.Errorf("got %v", overlap)
	}
	if !strings.Contains(r.Log, "have rows on the train and on the selection side") {
		t.Errorf("got %s", r.Log)
	}
}
