package drift

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	document "github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// shop makes n orders; where moved, half of them, the later ones, have other prices and a city that was never there, and lack their discount more often.
// Names are personal.
func shop(n int, moved bool) stagetest.Table {
	late := "false"
	if moved {
		late = fmt.Sprintf("i >= %d", n/2)
	}
	r := func(salt string) string {
		return fmt.Sprintf("((hash(i::varchar || '%s%v') %% 10000)::double / 10000)", salt, moved)
	}
	return stagetest.Table{
		SQL: fmt.Sprintf(`select i as id, timestamp '2026-01-01' + interval (i) hour as at,
  case when %[1]s then 30 else 20 end + 10 * %[2]s as price,
  case when %[1]s and %[3]s < 0.4 then 'harbour' when %[3]s < 0.5 then 'north' when %[3]s < 0.8 then 'south' when %[3]s < 0.81 then null else 'west' end as city,
  case when %[4]s < (case when %[1]s then 0.3 else 0.02 end) then null else %[5]s end as discount,
  case when %[1]s then 'Ms ' else 'Mr ' end || (i %% 40)::varchar as name,
  %[6]s as weight, %[7]s < 0.5 as express from range(%[8]d) t(i)`, late, r("a"), r("b"), r("c"), r("d"), r("e"), r("f"), n),
		Schema: schema.Table{Key: []string{"id"}, Time: "at", Columns: []schema.Column{{Name: "id", Type: "bigint"}, {Name: "at", Type: "timestamp"}, {Name: "price", Type: "double"},
			{Name: "city", Type: "varchar"}, {Name: "discount", Type: "double"}, {Name: "name", Type: "varchar", PII: true}, {Name: "weight", Type: "double"}, {Name: "express", Type: "boolean"}}},
	}
}

// reported runs the monitor and reads its report.
func reported(t *testing.T, config string, reference, current stagetest.Table) (*document.Report, string) {
	t.Helper()
	r := stagetest.Run(t, Component, block(config, reference, current))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	raw, err := os.ReadFile(filepath.Join(r.Root, "out", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := document.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	return d, string(raw)
}

// section is one of a report by its title; nil where there is none.
func section(d *document.Report, title string) *document.Section {
	i := slices.IndexFunc(d.Sections, func(s document.Section) bool { return strings.HasPrefix(s.Title, title) })
	if i < 0 {
		return nil
	}
	return &d.Sections[i]
}

// TestReportOfDrift has what drifted in order, what changed in it, since when, and what to do.
func TestReportOfDrift(t *testing.T) {
	d, raw := reported(t, `{}`, shop(3000, false), shop(1600, true))
	if want := "Drift of 4 of 6 columns"; d.Title != want {
		t.Errorf("got %q, want %q", d.Title, want)
	}
	table := section(d, "What drifted").Items[0].Table
	before := table.Rows[0][1].Value
	since, words := map[string]string{}, map[string]string{}
	for _, row := range table.Rows {
		if *row[1].Value > *before || *row[1].Value < 1 {
			t.Errorf("%s is %v times its limit, behind %v", row[0].Text, *row[1].Value, *before)
		}
		before = row[1].Value
		since[row[0].Text], words[row[0].Text] = row[3].Text, row[2].Text
	}
	for column, want := range map[string]string{"price": "median 24.82 → 30.01", "city": `"harbour" 0 % → 19.5 %`, "discount": "missing 2.5 % → 17.6 %", "name": "new values 50 %"} {
		if !strings.Contains(words[column], want) {
			t.Errorf("%s: got %q, want %q", column, words[column], want)
		}
		if got, want := since[column], "2026-02-03"; got != want { // 800 hours after the first of January
			t.Errorf("%s drifted since %q, want %q", column, got, want)
		}
	}
	if strings.Contains(raw, "Ms ") || strings.Contains(raw, "Mr ") {
		t.Error("the report tells a personal value")
	}
	advice := fmt.Sprint(section(d, "What to do").Items)
	for _, want := range []string{"missing in discount", "city", "never has", "Half of the columns"} {
		if !strings.Contains(advice, want) {
			t.Errorf("got the advice %s, want %q", advice, want)
		}
	}
	if got := len(section(d, "How values").Items); got != 3 {
		t.Errorf("got %d pictures, want those of price, city and discount", got)
	}
	if got := len(section(d, "What did not drift").Items[0].Table.Rows); got != 2 {
		t.Errorf("got %d columns that did not drift", got)
	}
}

// TestReportWithoutDrift says so, and draws what came nearest.
func TestReportWithoutDrift(t *testing.T) {
	d, _ := reported(t, `{}`, shop(3000, false), shop(1600, false))
	if d.Title != "Drift of 0 of 6 columns" || section(d, "What drifted") != nil || section(d, "Since when") != nil {
		t.Errorf("got %q with %d sections", d.Title, len(d.Sections))
	}
	if got := fmt.Sprint(section(d, "What to do").Items); !strings.Contains(got, "Nothing: chance explains") {
		t.Errorf("got %s", got)
	}
	if got := len(section(d, "How values").Items); got != 5 {
		t.Errorf("got %d pictures, want all but that of names", got)
	}
}

// TestReportOfManyColumns stays a page that a browser shows at once.
func TestReportOfManyColumns(t *testing.T) {
	wide := func(salt int) stagetest.Table {
		var columns []string
		for i := range 200 {
			text := fmt.Sprintf("(hash(i::varchar || '%d-%d') %% 50)", salt, i)
			if i%3 == 0 && salt == 1 {
				text = fmt.Sprintf("least(49, hash(i::varchar || '%d-%d') %% 80)", salt, i)
			}
			kind := "::double"
			if i%2 == 0 {
				kind = "::varchar"
			}
			columns = append(columns, fmt.Sprintf("(%s)%s as c%d", text, kind, i))
		}
		return stagetest.Table{SQL: fmt.Sprintf("select i as id, timestamp '2026-01-01' + interval (i) hour as at, %s from range(1200) t(i)", strings.Join(columns, ", ")),
			Schema: schema.Table{Key: []string{"id"}, Time: "at"}}
	}
	d, raw := reported(t, `{}`, wide(0), wide(1))
	if got := len(section(d, "What drifted").Items[0].Table.Rows); got < 60 || got > 75 {
		t.Errorf("%d columns drifted, of which 67 did", got)
	}
	if got := len(section(d, "How values").Items); got != mostPlots+1 {
		t.Errorf("got %d pictures and notes", got)
	}
	if len(raw) > 400_000 {
		t.Errorf("the report has %d bytes", len(raw))
	}
}
