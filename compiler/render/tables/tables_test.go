package tables

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/render"
)

var update = flag.Bool("update", false, "write the golden files")

func number(s string) Cell { return Cell{Text: s, Number: true} }

// wide is a table with what is hard to lay out: names and values that are long or would act on a terminal or a page, hidden values, nulls.
func wide() *Table {
	t := &Table{Address: "dataset.payments", Port: "table", Rows: 1204331, Columns: []Column{
		{Name: "id", Type: "bigint", Distinct: 1204331, Quantiles: []Cell{number("1"), number("301083"), number("602166"), number("903249"), number("1204331")}},
		{Name: "customer_mail", Type: "varchar", PII: true, Nulls: 3, Distinct: 88123},
		{Name: "children", Type: "integer", Distinct: 2, Quantiles: []Cell{number("0"), number("0"), number("0"), number("1"), number("1")}, Top: []Counted{{number("0"), 900000}, {number("1"), 304331}}},
		{Name: "note", Type: "varchar", Nulls: 1204000, Distinct: 331, Top: []Counted{{Cell{Text: "a|b\x1b[2J"}, 2}, {Cell{Text: strings.Repeat("long ", 30)}, 1}}},
		{Name: strings.Repeat("a_very_long_name_", 4), Type: "decimal(18,2)", Nulls: 0, Distinct: 2, Top: []Counted{{number("1.50"), 1}}},
		{Name: "x", Type: "double", Nulls: 1204331, Distinct: 0},
	}}
	for _, id := range []string{"1", "2", "10"} {
		t.Head = append(t.Head, []Cell{number(id), {Null: true}, number("0"), {Text: "<b>" + id}, number("1.50"), {Null: true, Number: true}})
	}
	return t
}

// TestForms compares each form with its golden file.
func TestForms(t *testing.T) {
	var text, page strings.Builder
	if err := Text(&text, wide(), render.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := Markdown(&page, wide(), render.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"testdata/wide.txt": text.String(), "testdata/wide.md": page.String()} {
		if *update {
			if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if strings.Contains(got, "\x1b") {
			t.Errorf("%s has what a terminal obeys", name)
		}
	}
	for _, line := range strings.Split(text.String(), "\n") {
		if render.Columns(line) > width {
			t.Errorf("%d columns: %s", render.Columns(line), line)
		}
	}
}

// TestJSON: numbers are numbers, but for those that JSON has not.
func TestJSON(t *testing.T) {
	data, err := json.Marshal([]Cell{number("1.50"), number("nan"), number("inf"), {Text: "7"}, {Null: true}})
	if want := `[1.50,"nan","inf","7",null]`; err != nil || string(data) != want {
		t.Errorf("got %s (%v), want %s", data, err, want)
	}
}
