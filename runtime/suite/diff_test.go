package suite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
)

func TestDiff(t *testing.T) {
	row := func(id string, amount any, name any) []cell {
		return []cell{newCell(id), newCell(amount), newCell(name)}
	}
	for _, tt := range []struct {
		name       string
		want, have [][]cell
		key        []int
		tolerance  float64
		partial    bool
		text       string // "" where nothing differs
	}{
		{name: "the same in another order", want: [][]cell{row("a", 1.0, nil), row("b", 2.0, "x")}, have: [][]cell{row("b", 2.0, "x"), row("a", 1.0, nil)}},
		{name: "as near as asked", tolerance: 1e-3, want: [][]cell{row("a", 0.333, "x")}, have: [][]cell{row("a", 1.0/3, "x")}},
		{name: "equal rows count", want: [][]cell{row("a", 1.0, "x"), row("a", 1.0, "x")}, have: [][]cell{row("a", 1.0, "x")},
			text: "is not as expected: it has 1 row; 1 is missing\n  id  amount  name\n- a   1       x\n(- missing)"},
		{name: "null is no text", want: [][]cell{row("a", nil, "null")}, have: [][]cell{row("a", nil, nil)},
			text: "is not as expected: it has 1 row; 1 differs\n  id  amount  name\n~ a   null    \"null\" → null\n(~ expected → got)"},
		{name: "matched by the key", key: []int{0}, want: [][]cell{row("a", 1.0, "x"), row("b", 2.0, "y")}, have: [][]cell{row("b", 1.0, "x"), row("a", 2.0, "y")},
			text: "is not as expected: it has 2 rows; 2 differ\n  id  amount  name\n~ a   1 → 2   x → y\n~ b   2 → 1   y → x\n(~ expected → got)"},
		{name: "matched by what is alike", want: [][]cell{row("a", 1.0, "x"), row("b", 2.0, "y")}, have: [][]cell{row("a", 1.0, "z"), row("c", 9.0, "w")},
			text: "is not as expected: it has 2 rows; 1 differs, 1 is missing, 1 is not expected\n  id  amount  name\n~ a   1       x → z\n- b   2       y\n+ c   9       w\n(~ expected → got, - missing, + not expected)"},
		{name: "nothing in common", want: [][]cell{row("a", 1.0, "x"), row("b", 2.0, "y")}, have: [][]cell{row("c", 3.0, "z")},
			text: "is not as expected: it has 1 row; 2 are missing, 1 is not expected\n  id  amount  name\n- a   1       x\n- b   2       y\n+ c   3       z\n(- missing, + not expected)"},
		{name: "one of three in common is too little", want: [][]cell{row("a", 1.0, "x")}, have: [][]cell{row("a", 3.0, "z")},
			text: "is not as expected: it has 1 row; 1 is missing, 1 is not expected\n  id  amount  name\n- a   1       x\n+ a   3       z\n(- missing, + not expected)"},
		{name: "others are let be", partial: true, want: [][]cell{row("a", 1.0, "x")}, have: [][]cell{row("a", 1.0, "x"), row("b", 2.0, "y")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := diff{columns: []schema.Column{{Name: "id"}, {Name: "amount", Type: "double"}, {Name: "name"}}, tolerance: tt.tolerance, partial: tt.partial}
			d.match(tt.want, tt.have, tt.key)
			got := ""
			if !d.same() {
				got = d.summary(len(tt.have)) + "\n" + d.text()
			}
			if diff := cmp.Diff(tt.text, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestShown: long texts are cut, and those that could be taken for something else are quoted.
func TestShown(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat("é", 60): strings.Repeat("é", 60), strings.Repeat("é", 61): strings.Repeat("é", 59) + "…",
		"": `""`, "null": `"null"`, " a": `" a"`, "a\tb": `"a\tb"`, "a b": "a b",
	} {
		if got := shown(newCell(text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if got := shown(newCell(nil)); got != "null" {
		t.Errorf("got %s", got)
	}
}

func TestDiffShowsNoMoreThanIsRead(t *testing.T) {
	d := diff{columns: []schema.Column{{Name: "id"}}}
	var have [][]cell
	for range 100 {
		have = append(have, []cell{newCell("x")})
	}
	d.match(nil, have, nil)
	if text := d.text(); strings.Count(text, "\n+ ") != maxShown || !strings.Contains(text, "and 80 more") {
		t.Errorf("got %s", text)
	}
}
