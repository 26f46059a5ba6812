package report

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample uses every member of the form.
const sample = `{
  "report": 1, "title": "Churn", "summary": "Fine.",
  "sections": [{"title": "Metrics", "items": [
    {"note": "1,200 rows count."},
    {"table": {"title": "Figures", "heat": true, "columns": [{"name": "metric"}, {"name": "value", "kind": "number"}],
      "rows": [["auc", {"value": 0.84, "low": 0.8, "high": 0.88}], ["recall", {"why": "no positives"}], ["rows", 12], [null, null]]}},
    {"plot": {"title": "ROC", "alt": "A curve.", "x": {"label": "false positive rate", "min": 0, "max": 1, "share": true},
      "y": {"label": "group", "categories": ["a", "b"]},
      "series": [{"name": "model", "mark": "points", "x": [0, 1], "y": [0, 1], "low": [0, 0], "high": [1, 1], "dim": true},
        {"name": "band", "mark": "band", "x": [0], "low": [0], "high": [1]}]}}
  ]}]
}`

// TestRoundTrip: what was read and written is read as the same report, and written as the same bytes.
func TestRoundTrip(t *testing.T) {
	r, err := Read([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	first, err := Write(r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Read(first)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, again); d != "" {
		t.Errorf("the report changed (-read +read again):\n%s", d)
	}
	second, err := Write(again)
	if err != nil || string(first) != string(second) {
		t.Errorf("written twice:\n%s\n%s\n%v", first, second, err)
	}
}

// TestRefused: each mistake is refused with its place.
func TestRefused(t *testing.T) {
	edit := func(from, to string) string {
		if !strings.Contains(sample, from) {
			t.Fatalf("the sample has no %s", from)
		}
		return strings.Replace(sample, from, to, 1)
	}
	for _, c := range []struct{ name, text, want string }{
		{"another version", edit(`"report": 1`, `"report": 2`), `"report" is 2`},
		{"no title", edit(`"title": "Churn"`, `"title": ""`), "title is missing"},
		{"an unknown member", edit(`"heat"`, `"haet"`), `unknown field "haet"`},
		{"an unknown member of a cell", edit(`"why"`, `"wy"`), `unknown field "wy"`},
		{"a list as a cell", edit(`["rows", 12]`, `["rows", [12]]`), "a cell is a string"},
		{"more text", sample + "{}", "more follows"},
		{"a section without a title", edit(`"title": "Metrics"`, `"title": ""`), "sections[0] has no title"},
		{"an empty item", edit(`{"note": "1,200 rows count."}`, `{}`), "sections[0].items[0] has 0 of note, table and plot"},
		{"two in one item", edit(`{"note": "1,200 rows count."}`, `{"note": "x", "plot": {"title": "t"}}`), "has 2 of note"},
		{"a short row", edit(`["rows", 12]`, `["rows"]`), "sections[0].items[1].table.rows[2] has 1 cells for 2 columns"},
		{"a kind that is none", edit(`"kind": "number"`, `"kind": "money"`), `columns[1].kind is "money"`},
		{"no columns", edit(`[{"name": "metric"}, {"name": "value", "kind": "number"}]`, `[]`), "table has no columns"},
		{"bounds the wrong way", edit(`"min": 0`, `"min": 1`), "plot.x: min must be less than max"},
		{"a plot without a title", edit(`"title": "ROC"`, `"title": ""`), "plot has no title"},
		{"a mark that is none", edit(`"mark": "points"`, `"mark": "pie"`), `series[0].mark is "pie"`},
		{"x without y", edit(`"y": [0, 1]`, `"y": [0]`), "series[0] has 2 of x and 1 of y"},
		{"one whisker", edit(`"low": [0, 0], `, ``), "series[0] has one of low and high"},
		{"whiskers too short", edit(`"low": [0, 0], "high": [1, 1]`, `"low": [0], "high": [1]`), "2 of x and 1 of low"},
		{"a band without a bound", edit(`"low": [0], "high": [1]`, `"high": [1]`), "series[1] is a band of 1 points with 0 of low"},
		{"a plot without series", edit(`"series": [{"name": "model"`, `"series": [], "serious": [{"name": "model"`), `unknown field "serious"`},
		{"a band without an upper bound", edit(`"low": [0], "high": [1]`, `"low": [0], "high": []`), "series[1] is a band of 1 points with 1 of low and 0 of high"},
		{"high alone too short", edit(`"high": [1, 1]`, `"high": [1]`), "2 of x and 1 of high"},
		{"NaN", edit(`"value": 0.84`, `"value": NaN`), "invalid character"},
		{"too much", strings.Repeat(" ", MaxBytes+1), "more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Read([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestNotFinite: numbers that JSON has no form for are refused before they are written.
func TestNotFinite(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64} {
		for name, item := range map[string]Item{
			"cell":  {Table: &Table{Columns: []Column{{Name: "x"}}, Rows: [][]Cell{{Figure(x)}}}},
			"point": {Plot: &Plot{Title: "t", Series: []Series{{Mark: Line, X: []float64{0}, Y: []float64{x}}}}},
			"axis":  {Plot: &Plot{Title: "t", X: Axis{Min: At(x)}, Series: []Series{{Mark: Line}}}},
		} {
			_, err := Write(&Report{Title: "t", Sections: []Section{{Title: "s", Items: []Item{item}}}})
			if err == nil || !strings.Contains(err.Error(), "finite") {
				t.Errorf("%s of %v: %v", name, x, err)
			}
		}
	}
}

// TestForms: a cell is read from each of its forms, and written in the shortest.
func TestForms(t *testing.T) {
	for text, want := range map[string]Cell{
		`"a"`: Words("a"), `12`: Figure(12), `null`: {}, `{"why":"none"}`: Missing("none"), `{"value":1,"low":0.5}`: {Value: At(1), Low: At(0.5)},
		`{"value":1,"high":1.5}`: {Value: At(1), High: At(1.5)}, `{"value":1,"why":"no interval"}`: {Value: At(1), Why: "no interval"},
	} {
		got := Cell{Text: "former", Value: At(7), Low: At(7), High: At(7), Why: "former"}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", text, d)
		}
		if written, err := json.Marshal(want); err != nil || string(written) != text {
			t.Errorf("got %s, %v, want %s", written, err, text)
		}
	}
	if got := Note("%d rows", 3); got.Note != "3 rows" || got.Table != nil || got.Plot != nil {
		t.Errorf("got %+v", got)
	}
}

// TestAxes: one end of an axis is enough, and both span something.
func TestAxes(t *testing.T) {
	for _, c := range []struct {
		low, high *float64
		ok        bool
	}{{nil, nil, true}, {At(0), nil, true}, {nil, At(0), true}, {At(-1e300), At(1e300), true}, {At(0), At(0), false}, {At(1), At(0), false},
		{At(1.1e300), nil, false}, {nil, At(math.Inf(1)), false}, {nil, At(math.NaN()), false}} {
		for _, p := range []*Plot{{Title: "t", X: Axis{Min: c.low, Max: c.high}}, {Title: "t", Y: Axis{Min: c.low, Max: c.high}}} {
			p.Series = []Series{{Mark: Line}}
			err := (&Report{Version: Version, Title: "t", Sections: []Section{{Title: "s", Items: []Item{{Plot: p}}}}}).Check()
			if (err == nil) != c.ok {
				t.Errorf("%v, %v: got %v", c.low, c.high, err)
			}
		}
	}
	_, err := Write(&Report{Title: "t", Sections: []Section{{Title: "s", Items: []Item{{Plot: &Plot{Title: "t"}}}}}})
	if err == nil || !strings.Contains(err.Error(), "sections[0].items[0].plot has no series") {
		t.Errorf("a plot without series: got %v", err)
	}
}

// TestBounds: a report of too many items, rows or points is refused.
func TestBounds(t *testing.T) {
	for name, items := range map[string][]Item{
		"items":  slicesOf(Note("x"), maxItems),
		"rows":   {{Table: &Table{Columns: []Column{{Name: "x"}}, Rows: slicesOf([]Cell{Words("x")}, maxRows)}}},
		"points": {{Plot: &Plot{Title: "t", Series: []Series{{Mark: Points, X: make([]float64, maxPoints-1), Y: make([]float64, maxPoints-1)}, {Mark: Line, X: []float64{1}, Y: []float64{1}}}}}},
	} {
		if err := (&Report{Version: Version, Title: "t", Sections: []Section{{Title: "s", Items: items}}}).Check(); err != nil {
			t.Errorf("as many %s as there may be: %v", name, err)
		}
	}
	wide := &Report{Title: "t", Sections: []Section{{Title: "s", Items: []Item{Note("%s", strings.Repeat("x", MaxBytes))}}}}
	if _, err := Write(wide); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("too many bytes: %v", err)
	}
	text, err := Write(&Report{Title: "t", Sections: []Section{{Title: "s", Items: []Item{Note("x")}}}})
	if err != nil {
		t.Fatal(err)
	}
	wide.Sections[0].Items[0].Note = strings.Repeat("x", MaxBytes-len(text)+2) // the line end is not counted
	if _, err := Write(wide); err != nil {
		t.Errorf("as many bytes as may be written: %v", err)
	}
	if _, err := Read(append(text, bytes.Repeat([]byte(" "), MaxBytes-len(text))...)); err != nil {
		t.Errorf("as many bytes as there may be: %v", err)
	}
	long := make([]float64, maxPoints+1)
	for name, s := range map[string]Section{
		"items":  {Title: "s", Items: slicesOf(Note("x"), maxItems+1)},
		"rows":   {Title: "s", Items: []Item{{Table: &Table{Columns: []Column{{Name: "x"}}, Rows: slicesOf([]Cell{Words("x")}, maxRows+1)}}}},
		"points": {Title: "s", Items: []Item{{Plot: &Plot{Title: "t", Series: []Series{{Mark: Line, X: long, Y: long}}}}}},
	} {
		if _, err := Write(&Report{Title: "t", Sections: []Section{s}}); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Errorf("too many %s: %v", name, err)
		}
	}
}

func slicesOf[T any](x T, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = x
	}
	return out
}

// FuzzRead: whatever is read is written and read as the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"report":1,"title":"t","sections":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Read(data)
		if err != nil {
			return
		}
		text, err := Write(r)
		if err != nil {
			t.Fatalf("read and not written: %v", err)
		}
		again, err := Read(text)
		if err != nil {
			t.Fatalf("written and not read: %v\n%s", err, text)
		}
		if second, _ := Write(again); string(second) != string(text) {
			t.Fatalf("written twice:\n%s\n%s", text, second)
		}
	})
}

// TestIntervals: every cell with a value is drawn once, with whiskers or without.
func TestIntervals(t *testing.T) {
	cells := []Cell{{Value: At(1), Low: At(0), High: At(2)}, Missing("none"), {Value: At(3)}, {Value: At(4), Low: At(3), High: At(5)}}
	want := []Series{{Name: "group", Mark: Points, X: []float64{0, 3}, Y: []float64{1, 4}, Low: []float64{0, 3}, High: []float64{2, 5}},
		{Name: "group without an interval", Mark: Points, X: []float64{2}, Y: []float64{3}}}
	if diff := cmp.Diff(want, Intervals("group", false, cells)); diff != "" {
		t.Error(diff)
	}
	sideways := Intervals("group", true, cells)
	if diff := cmp.Diff([][]float64{{1, 4}, {0, 3}, {3}, {2}}, [][]float64{sideways[0].X, sideways[0].Y, sideways[1].X, sideways[1].Y}); diff != "" {
		t.Error(diff)
	}
	if got := Intervals("group", false, []Cell{Missing("none")}); len(got) > 0 {
		t.Errorf("got %v of nothing", got)
	}
}
