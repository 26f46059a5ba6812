package drift

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// asked is a log of 70 days, of which each fifth is a sixth or seventh day of its week, when more is asked; on the last day tenures of a country have moved.
func asked(moved string) stagetest.Table {
	return stagetest.Table{SQL: fmt.Sprintf(`select i as id, timestamp '2026-01-05' + interval (i) hour / 4 as asked_at,
  case when hash(i + 3) %% 4 = 0 then 'FR' else 'DE' end as country,
  (hash(i) %% 1000)::double / 1000 + case when (i // 96) %% 7 >= 5 then 2 else 0 end + case when (i // 96) = 68 and %s then 1 else 0 end as tenure,
  case when (hash(i + 9) %% 100) < 30 + case when (i // 96) %% 7 >= 5 then 50 else 0 end then 'web' end as channel
from range(69 * 96) t(i)`, moved), Schema: schema.Table{Key: []string{"id"}}}
}

// TestSeason: a Sunday's rows drift from those of all days, and not from those of Sundays; where they moved they drift from these too, and the report says of which phases rows are.
func TestSeason(t *testing.T) {
	const window = `"time": "asked_at", "window": "1d", "baseline": "8w", "false_alarms_per_year": 2, "drift": {"min_rows": 50, "calibrate": "permutation"}`
	for name, c := range map[string]struct {
		config, moved string
		alarm         bool
		reference     float64
	}{
		"all days":         {window, "false", true, 8 * 7 * 96},
		"the same weekday": {window + `, "season": "1w"`, "false", false, 8 * 96},
		"moved":            {window + `, "season": "1w"`, "true", true, 8 * 96},
	} {
		log := asked(c.moved)
		r := stagetest.Run(t, Component, block("{"+c.config+"}", log, log))
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		f := r.Figures(t)
		if got := at(t, f, "drift.alarm"); got != c.alarm {
			t.Errorf("%s: got the alarm %v, %v", name, got, f)
		}
		if a, b := at(t, f, "rows.reference"), at(t, f, "rows.current"); a != c.reference || b != 96.0 {
			t.Errorf("%s: got %v and %v rows, want %v and 96", name, a, b, c.reference)
		}
		if n, told := f["rows"].(map[string]any)["unmatched"]; told != strings.Contains(c.config, "season") || told && n != 0.0 {
			t.Errorf("%s: got %v rows unmatched", name, n)
		}
	}
}

// TestSinceWhenInASeason: windows of the current rows are compared with rows of their own phases.
func TestSinceWhenInASeason(t *testing.T) {
	log := asked("true")
	report, _ := reported(t, `{"time": "asked_at", "window": "1w", "season": "1w", "columns": ["tenure"]}`, log, log)
	for _, s := range report.Sections {
		if s.Title == "Since when" {
			drawn := s.Items[len(s.Items)-1].Plot.Series[1]
			if n := len(drawn.Y); n < 4 || drawn.Y[n-1] < 1 || drawn.Y[0] >= 1 || drawn.Y[n-2] >= 1.5 {
				t.Errorf("got %v", drawn.Y)
			}
			return
		}
	}
	t.Errorf("got no section of windows in %+v", report)
}

// TestSlices: what moved in few rows is seen in their slice, the alarm names it, and figures, report and rules have it.
func TestSlices(t *testing.T) {
	config := `{"columns": ["tenure", "channel"], "false_alarms_per_year": 2, "time": "asked_at", "window": "1d", "season": "1w", "drift": {"min_rows": 15, "calibrate": "permutation"},
		"slice": [{"name": "abroad", "where": "country <> 'DE'"}, {"name": "home", "where": "country = 'DE'"}, {"name": "nowhere", "where": "country = 'XX'"}]}`
	log := asked("country = 'FR'")
	r := stagetest.Run(t, Component, block(config, log, log))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	for path, want := range map[string]any{"drift.alarm": true, "drift.slices.abroad.alarm": true, "drift.slices.home.alarm": false, "drift.slices.nowhere.alarm": nil,
		"drift.slices.abroad.columns.tenure.drifted": true, "drift.slices.abroad.columns.channel.drifted": false, "drift.slices.home.drifted": 0.0, "drift.slices.abroad.share": 0.5,
		"drift.slices.nowhere.share": nil, "drift.slices.nowhere.rows.current": 0.0} {
		if got := at(t, f, path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	if a, b := at(t, f, "drift.slices.abroad.rows.current").(float64), at(t, f, "drift.slices.home.rows.current").(float64); a+b != 96 || a < 15 {
		t.Errorf("got slices of %v and %v rows", a, b)
	}
	if got := f["undefined"].(map[string]any)["drift.slices.nowhere.columns.tenure.score"]; got == nil || !strings.Contains(got.(string), "fewer than 15") {
		t.Errorf("got the reason %v", got)
	}
	typed := r.Shape.Figures.Fields["drift"].Fields["slices"]
	if typed == nil || len(typed.Keys) != 3 || typed.Elem.Fields["alarm"] != schema.Flag {
		t.Errorf("got the type %+v", typed)
	}
	raw, err := os.ReadFile(filepath.Join(r.Root, "out", "report", "drift.json"))
	var listed struct {
		Slices []struct {
			Slice   string
			Columns []map[string]any
		}
	}
	if err != nil || json.Unmarshal(raw, &listed) != nil || len(listed.Slices) != 3 || listed.Slices[0].Slice != "abroad" || listed.Slices[0].Columns[0]["drifted"] != true {
		t.Errorf("got %s, %v", raw, err)
	}
	report, _ := reported(t, config, log, log)
	if text := fmt.Sprintf("%+v", report); !strings.Contains(text, "By slice") || !strings.Contains(text, "tenure in abroad. Where nothing moves") {
		t.Errorf("got %s", text)
	}
}

func TestProblemsOfWindowsAndSlices(t *testing.T) {
	timed := asked("false")
	for config, want := range map[string]string{
		`{"window": "1d"}`:                                                                   "window: The reference has no time",
		`{"season": "1w", "time": "country"}`:                                                "time: Column \"country\" of the reference is of type varchar",
		`{"season": "1w", "time": "askd_at"}`:                                                "time: The reference has no column \"askd_at\"",
		`{"season": "1h", "time": "asked_at"}`:                                               "season: A season of 1h has less than two phases",
		`{"season": "1w", "baseline": "6d", "time": "asked_at"}`:                             "baseline: Within 6d before the current rows",
		`{"baseline": "0d", "time": "asked_at"}`:                                             "baseline: A baseline of 0d has no rows",
		`{"window": "a week", "time": "asked_at"}`:                                           "window: \"a week\" is no duration",
		`{"slice": [{"name": "a", "where": "country"}]}`:                                     "slice[a].where: the expression is varchar, expected a condition",
		`{"slice": [{"name": "a", "where": "nation = 'DE'"}]}`:                               "slice[a].where: ",
		`{"slice": [{"name": "a", "where": "country = 'DE'"}],"false_alarms_per_year":0.05}`: "false_alarms_per_year: One false alarm in 7305 looks",
	} {
		got := stagetest.Shape(t, Component, block(config, timed, timed)).Problems
		if len(got) == 0 || !strings.HasPrefix(got[0].Path+": "+got[0].Summary, want) {
			t.Errorf("%s: got %+v, want %q", config, got, want)
		}
	}
	other := asked("false")
	other.SQL = "select * exclude (country) from (" + other.SQL + ")"
	got := stagetest.Shape(t, Component, block(`{"slice": [{"name": "a", "where": "country = 'DE'"}]}`, timed, other)).Problems
	if len(got) != 1 || !strings.HasPrefix(got[0].Summary, "The current table: ") {
		t.Errorf("got %+v", got)
	}
}
