package train_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/train/baseline"
)

// weeks are two shops over four weeks: the shop, plus the weekday, plus 10 times the week.
const weeks = `select ['north', 'south'][1 + i % 2] as shop, i // 2 as step, i // 2 as number, date '2026-03-02' + (i // 2)::integer as day,
  100.0 * (i % 2) + (i // 2) % 7 + 10 * (i // 14) as sold, 'x' as word, true as yes from range(56) t(i)`

func TestSeasonalBaseline(t *testing.T) {
	const by = `{"target": "sold", "seasonal": {"time": "step", "season": 7, "keys": ["shop"]}}`
	tests := []struct {
		name, config string
		row          map[string]any
		want         float64
	}{
		{"a week on", by, map[string]any{"shop": "south", "step": 30.0}, 132},
		{"two weeks on", by, map[string]any{"shop": "south", "step": 37.0}, 132},
		{"a row that was trained on", by, map[string]any{"shop": "north", "step": 9.0}, 2},
		{"nothing before", by, map[string]any{"shop": "north", "step": 3.0}, 18},
		{"no time", by, map[string]any{"shop": "north", "step": nil}, 18},
		{"another shop", by, map[string]any{"shop": "west", "step": 30.0}, 68},
		{"the last value", `{"target": "sold", "seasonal": {"time": "STEP", "season": 1, "keys": ["shop"]}}`, map[string]any{"shop": "north", "step": 30.0}, 36},
	}
	for _, tt := range tests {
		_, b := train(t, baseline.Component, tt.config, data(weeks))
		got := stagetest.Score(t, b.Serve(), tt.row)
		near(t, tt.name, *got[0].Score, tt.want, 1e-12)
	}
}

func TestSeasonalProblems(t *testing.T) {
	tests := []struct{ name, config, path, summary string }{
		{"nothing", `{"target": "sold", "seasonal": {"time": "step", "season": 7, "keys": ["shop"]}}`, "", ""},
		{"a column too", `{"target": "sold", "column": "shop", "seasonal": {"time": "step", "season": 7}}`, "column", "not by both"},
		{"no season", `{"target": "sold", "seasonal": {"time": "step", "season": 0}}`, "seasonal.season", "season is 0"},
		{"classes", `{"target": "yes", "seasonal": {"time": "step", "season": 7}}`, "seasonal", "one of numbers"},
		{"a date", `{"target": "sold", "seasonal": {"time": "day", "season": 7}}`, "seasonal.time", "of type date"},
		{"a word", `{"target": "sold", "seasonal": {"time": "word", "season": 7}}`, "seasonal.time", "of type varchar"},
		{"a misspelt key", `{"target": "sold", "seasonal": {"time": "step", "season": 7, "keys": ["shop", "itme"]}}`, "seasonal.keys[1]", `no column "itme"`},
		{"a date as a key", `{"target": "sold", "seasonal": {"time": "step", "season": 7, "keys": ["day"]}}`, "seasonal.keys[0]", "of type date"},
		{"the target as a key", `{"target": "sold", "seasonal": {"time": "step", "season": 7, "keys": ["sold"]}}`, "seasonal.keys[0]", "gives the target away"},
		{"the time twice", `{"target": "sold", "seasonal": {"time": "step", "season": 7, "keys": ["step"]}}`, "seasonal.time", "listed twice"},
	}
	for _, tt := range tests {
		got := stagetest.Shape(t, baseline.Component, stagetest.Block{Address: "train.m", Config: tt.config, Tables: data(weeks)}).Problems
		if tt.summary == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0].Path != tt.path || !strings.Contains(got[0].Summary, tt.summary) {
			t.Errorf("%s: got %+v, want %q at %s", tt.name, got, tt.summary, tt.path)
		}
	}
}

func TestSeasonalRefusesRowsItCannotOrder(t *testing.T) {
	tests := []struct{ config, sql, want string }{
		{`{"target": "sold", "seasonal": {"time": "step", "season": 7}}`, weeks, "28 rows have the keys and the time of another"},
		{`{"target": "sold", "seasonal": {"time": "step", "season": 7}}`, strings.Replace(weeks, "i // 2 as step", "i / 2 as step", 1), "no whole number in 28 rows"},
	}
	for _, tt := range tests {
		r := stagetest.Run(t, baseline.Component, stagetest.Block{Address: "train.m", Config: tt.config, Tables: data(tt.sql)})
		var input *component.InputError
		if !errors.As(r.Err, &input) || !strings.Contains(input.Summary, tt.want) {
			t.Errorf("got %v, want %q", r.Err, tt.want)
		}
	}
}
