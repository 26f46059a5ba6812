package split_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/split/backtest"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// days are rows of n days from 2026-01-01 on, two a day, whose id is the day's number from 1.
func days(n int) map[string]stagetest.Table {
	return map[string]stagetest.Table{"from": {SQL: fmt.Sprintf("select 1 + i // 2 as day, i as id, date '2026-01-01' + (i // 2)::integer as at, (i * i)::double as x from range(%d) t(i)", 2*n),
		Schema: schema.Table{Key: []string{"id"}}}}
}

// span is the first and last day on each side, with how many rows it has.
func span(t *testing.T, r *stagetest.Result) string {
	t.Helper()
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	var out []string
	for _, port := range []string{"train", "validation", "selection", "test"} {
		if _, there := r.Shape.Out[port]; !there {
			continue
		}
		low, high, f := math.Inf(1), math.Inf(-1), r.Frame(t, port)
		for _, d := range f.Column("day").Num {
			low, high = min(low, d), max(high, d)
		}
		if f.Rows == 0 {
			out = append(out, port+" none")
			continue
		}
		out = append(out, fmt.Sprintf("%s %g-%g %d", port, low, high, f.Rows))
	}
	return strings.Join(out, ", ")
}

func TestBacktest(t *testing.T) {
	for _, tt := range []struct{ config, want string }{
		{`{"by":"at","test":"7d"}`, "train 1-23 46, validation none, test 24-30 14"},
		{`{"by":"at","test":"7d","back":2}`, "train 1-9 18, validation none, test 10-16 14"},
		{`{"by":"at","test":"7d","back":1,"validation":"7d","gap":"1d"}`, "train 1-7 14, validation 9-15 14, test 17-23 14"},
		{`{"by":"at","test":"7d","every":"1d","back":3}`, "train 1-20 40, validation none, test 21-27 14"},
		{`{"by":"at","test":"7d","train":"10d"}`, "train 14-23 20, validation none, test 24-30 14"},
		{`{"by":"at","test":"3d","selection":"2d","validation":"4d","train":"5d","gap":"2d"}`, "train 11-15 10, validation 18-21 8, selection 24-25 4, test 28-30 6"},
		{`{"by":"at","test":"7d","until":"2026-01-20"}`, "train 1-13 26, validation none, test 14-20 14"},
		{`{"by":"at","test":"12h","until":"2026-01-20 12:00:00","gap":"12h"}`, ""},
	} {
		b := stagetest.Block{Address: "split.x", Config: tt.config, Tables: days(30)}
		r := stagetest.Run(t, backtest.Component, b)
		if tt.want == "" { // no row is within these twelve hours
			var input *component.InputError
			if !errors.As(r.Err, &input) || !strings.Contains(input.Summary, "the test side has no rows") {
				t.Errorf("%s: got %v", tt.config, r.Err)
			}
			continue
		}
		if got := span(t, r); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.config, got, tt.want)
		}
	}
}

// TestBacktestMovesOnly: the windows of a backtest do not depend on rows that come later, where until is named; and none tests on what it trained on, nor on rows before.
func TestBacktestMovesOnly(t *testing.T) {
	for back := range 4 {
		config := fmt.Sprintf(`{"by":"at","test":"5d","until":"2026-02-09","back":%d,"gap":"2d","validation":"3d"}`, back)
		var was string
		for _, n := range []int{40, 55} {
			r := stagetest.Run(t, backtest.Component, stagetest.Block{Address: "split.x", Config: config, Tables: days(n)})
			got := span(t, r)
			if was != "" && got != was {
				t.Errorf("%s: with more rows %s, without %s", config, got, was)
			}
			was = got
			on := sidesOf(t, r)
			last := map[string]int{"train": 0, "validation": 0}
			first := 1 << 30
			for id, side := range on {
				if side == "test" {
					first = min(first, id/2)
				} else {
					last[side] = max(last[side], id/2)
				}
			}
			if last["train"] >= last["validation"]-2 || last["validation"]+2 >= first {
				t.Errorf("%s: train ends with day %d, validation with %d, test begins with %d", config, last["train"], last["validation"], first)
			}
		}
	}
}

func TestBacktestProblems(t *testing.T) {
	for _, tt := range []struct{ config, path, want string }{
		{`{"by":"day","test":"7d"}`, "by", `column "day" is of type bigint, not a date or timestamp`},
		{`{"by":"at","test":"0s"}`, "test", "0s is no length of time"},
		{`{"by":"at","test":"a week"}`, "test", "is no duration"},
		{`{"by":"at","test":"7d","back":-1}`, "back", "back is -1"},
		{`{"by":"at","test":"7d","back":501}`, "back", "back is 501"},
		{`{"by":"at","test":"7d","until":"June"}`, "until", `"June" is no day and no time`},
	} {
		got := stagetest.Shape(t, backtest.Component, stagetest.Block{Address: "split.x", Config: tt.config, Tables: days(3)}).Problems
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.want) {
			t.Errorf("%s: got %+v, want %s: %s", tt.config, got, tt.path, tt.want)
		}
	}
	var input *component.InputError
	r := stagetest.Run(t, backtest.Component, stagetest.Block{Address: "split.x", Config: `{"by":"at","test":"7d","back":5}`, Tables: days(30)})
	if !errors.As(r.Err, &input) || !strings.Contains(input.Summary, "has no rows") || !strings.Contains(input.Detail, "5 back") {
		t.Errorf("a window before the oldest row: got %v", r.Err)
	}
}
