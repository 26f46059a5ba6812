package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/report"
)

var update = flag.Bool("update", false, "write the golden files")

func at(x float64) *float64 { return &x }

// run is a result with an auc and a loss; nil: undefined.
func run(address string, revision int64, trees string, auc, loss *float64) *Run {
	r := &Run{Address: address, Revision: revision, Parameters: map[string]json.RawMessage{"seed": json.RawMessage("7")}, Data: map[string]plan.Digest{"data": "blake3:aa"},
		Figures: map[string]Figure{"auc": {Value: auc, Better: "more"}, "loss": {Value: loss, Better: "less"}}}
	if auc == nil {
		r.Figures["auc"] = Figure{Why: "no positives", Better: "more"}
	}
	if trees != "" {
		r.Parameters["model.params.trees"] = json.RawMessage(trees)
	}
	return r
}

func names(all []*Run) string {
	var out []string
	for _, r := range all {
		out = append(out, r.Address)
	}
	return strings.Join(out, " ")
}

func some() []*Run {
	return []*Run{run("evaluate.a", 1, "50", at(0.7), at(0.5)), run("evaluate.b", 2, "300", at(0.9), at(0.6)), run("evaluate.c", 3, "", nil, at(0.4))}
}

func TestSort(t *testing.T) {
	for figure, want := range map[string]string{"": "evaluate.a evaluate.b evaluate.c", "auc": "evaluate.b evaluate.a evaluate.c", "loss": "evaluate.c evaluate.a evaluate.b"} {
		all := some()
		if err := Sort(all, figure); err != nil {
			t.Fatal(err)
		}
		if got := names(all); got != want {
			t.Errorf("by %q: got %s, want %s", figure, got, want)
		}
	}
	if err := Sort(some(), "aucc"); err == nil || !strings.Contains(err.Error(), `"aucc"`) {
		t.Errorf("got %v", err)
	}
}

// TestWhere: a condition keeps what it holds for, and says of which runs it cannot be decided.
func TestWhere(t *testing.T) {
	for _, c := range []struct{ condition, kept, left, mistake string }{
		{"auc > 0.8", "evaluate.b", "evaluate.c", ""},
		{"loss < 0.55", "evaluate.a evaluate.c", "", ""},
		{"loss < 0.55 || auc > 0.8", "evaluate.a evaluate.b evaluate.c", "", ""},
		{"model.params.trees < 100.0", "evaluate.a", "evaluate.c", ""},
		{"model.params.trees < 100 && seed == 7", "evaluate.a", "evaluate.c", ""},
		{"acu > 0.8", "", "", `"acu"`},
		{"auc >", "", "", "yntax"},
		{"auc + 1.0", "", "", "yes or no"},
	} {
		kept, left, mistakes := Where(some(), c.condition)
		var why []*Run
		for _, l := range left {
			if l.Why == "" {
				t.Errorf("%s: %s is left out without a reason", c.condition, l.Run.Address)
			}
			why = append(why, l.Run)
		}
		if names(kept) != c.kept || names(why) != c.left {
			t.Errorf("%s: kept %s, left %s; want %s, %s", c.condition, names(kept), names(why), c.kept, c.left)
		}
		if mistakes.HasErrors() != (c.mistake != "") {
			t.Errorf("%s: got %v", c.condition, mistakes)
		}
		if c.mistake == `"acu"` && !strings.Contains(mistakes[0].Summary+mistakes[0].Hint, `"auc"`) {
			t.Errorf("%s: %+v", c.condition, mistakes[0])
		}
	}
}

// TestWhereGrouped: figures of groups are named by their path, as they are shown, and count before a parameter of the name.
func TestWhereGrouped(t *testing.T) {
	r := run("evaluate.year", 1, "50", at(0.7), at(0.5))
	r.Figures["mean.mae"], r.Figures["worst.mae"], r.Figures["mean.mase"] = Figure{Value: at(3)}, Figure{Value: at(5)}, Figure{Why: "undefined in w2"}
	r.Parameters["mean"], r.Parameters["worst.of"] = json.RawMessage("1"), json.RawMessage("9")
	for condition, want := range map[string]int{"mean.mae < 4.0 && worst.mae > 4.0": 1, "worst.mae < worst.of": 1, "mean.mae > 4.0": 0} {
		if kept, left, mistakes := Where([]*Run{r}, condition); len(kept) != want || len(left)+len(mistakes) > 0 {
			t.Errorf("%s: got %d, want %d; %v %v", condition, len(kept), want, left, mistakes)
		}
	}
}

// TestDiffering: what all runs have alike is not shown, and what one lacks is.
func TestDiffering(t *testing.T) {
	all := some()
	all[1].Data["data"] = "blake3:bb"
	parameters, data := Differing(all)
	if d := cmp.Diff([][]string{{"model.params.trees"}, {"data"}}, [][]string{parameters, data}); d != "" {
		t.Error(d)
	}
	if parameters, data = Differing(all[:1]); len(parameters)+len(data) > 0 {
		t.Errorf("one run differs from itself by %v %v", parameters, data)
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, address string
		want             bool
	}{
		{"evaluate.a", "evaluate.a", true}, {"evaluate.a", "evaluate.ab", false}, {"evaluate", "evaluate.ab", true}, {"evaluate", "evaluate_x.ab", false},
		{"evaluate.*", "evaluate.ab", true}, {"*.ab", "evaluate.ab", true}, {"evaluate.a*b", "evaluate.axxb", true}, {"evaluate.a*b", "evaluate.axx", false},
		{`evaluate.a["*"]`, `evaluate.a["eu"]`, true}, {`evaluate.a["*"]`, "evaluate.a", false}, {"evaluate.a", `evaluate.a["eu"]`, true}, {"*a*b*", "evaluate.ab", true}, {"*", "split.x", true}, {"ab*ba", "aba", false},
		{"evaluate.*", "evaluate.a@champion", false}, {"evaluate.*@champion", "evaluate.a@champion", true},
	} {
		if got := Matches(c.pattern, c.address); got != c.want {
			t.Errorf("%s of %s: %v", c.pattern, c.address, got)
		}
	}
}

func TestFlatten(t *testing.T) {
	got := map[string]json.RawMessage{}
	Flatten("", json.RawMessage(`{"a": 1, "b": {"c": "x", "d": {}}, "e": [1, 2]}`), got)
	want := map[string]json.RawMessage{"a": json.RawMessage("1"), "b.c": json.RawMessage(`"x"`), "b.d": json.RawMessage("{}"), "e": json.RawMessage("[1, 2]")}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestGroups: mean, sample deviation and extremes over the instances of a block, of those that have a value.
func TestGroups(t *testing.T) {
	all := []*Run{run(`evaluate.a["x"]`, 1, "5", at(1), at(4)), run("evaluate.b", 1, "5", at(5), at(5)), run(`evaluate.a["y"]`, 1, "5", at(3), nil)}
	groups := Groups(all)
	if len(groups) != 2 || groups[0].Block != "evaluate.a" || names(groups[0].Runs) != `evaluate.a["x"] evaluate.a["y"]` {
		t.Fatalf("got %+v", groups)
	}
	want := map[string]Spread{"auc": {Count: 2, Mean: 2, Deviation: 1.4142135623730951, Least: 1, Most: 3}, "loss": {Count: 1, Mean: 4, Least: 4, Most: 4}}
	if d := cmp.Diff(want, groups[0].Figures); d != "" {
		t.Error(d)
	}
}

// TestReportIsSound: a table of any runs is a report, with a picture of three and more that differ.
func TestReportIsSound(t *testing.T) {
	for _, all := range [][]*Run{nil, some()[:1], some()[:2], some()} {
		r := Report("runs", all, true)
		if _, err := report.Write(r); err != nil {
			t.Errorf("%d runs: %v", len(all), err)
		}
		if drawn := len(r.Sections) > 1; drawn != (len(all) == 3) {
			t.Errorf("%d runs: a picture is drawn: %v", len(all), drawn)
		}
	}
}

// TestParallel: numbers lie where they are, texts at equal distances, and a number among texts as a text.
func TestParallel(t *testing.T) {
	all := some()
	all[2].Parameters["model.params.trees"] = json.RawMessage("100")
	fourth := run("evaluate.d", 4, "", at(0.8), at(0.5)) // has no trees
	fourth.Parameters["features"] = json.RawMessage(`"auto"`)
	all = append(all, fourth)
	for i, v := range []string{`"auto"`, "7", `"sqrt"`} {
		all[i].Parameters["features"] = json.RawMessage(v)
	}
	p := parallel(all)
	if d := cmp.Diff([]string{"features", "model.params.trees", "auc", "loss"}, p.X.Categories); d != "" {
		t.Fatal(d)
	}
	want := [][]float64{{0.5, 0, 0, 0.5}, {0, 1, 1, 1}, {1, 0.2, 0}, {0.5, 0.5, 0.5}}
	for i, s := range p.Series {
		if d := cmp.Diff(want[i], s.Y, cmpopts.EquateApprox(0, 1e-9)); d != "" || s.Name != all[i].Address {
			t.Errorf("%s: %s", s.Name, d)
		}
	}
	if d := cmp.Diff([]float64{0, 1, 3}, p.Series[2].X); d != "" { // its auc is undefined
		t.Error(d)
	}
}

// TestAlike: figures that are the same in all runs stand below the table, once, unless somebody compares by them; one that some runs lack keeps its column, and a single run has all of its
// columns. Commits have a column where there are any.
func TestAlike(t *testing.T) {
	x := func(v float64) *float64 { return &v }
	all := []*Run{
		{Address: "train.a", Figures: map[string]Figure{"rows": {Value: x(53940)}, "auc": {Value: x(0.5), Better: "more"}, "threshold": {Why: "of amounts there is none"}, "trees": {Value: x(7)}}},
		{Address: "train.b", Commit: "0123456789abcdef", Figures: map[string]Figure{"rows": {Value: x(53940)}, "auc": {Value: x(0.5), Better: "more"}, "threshold": {Why: "of amounts there is none"}}},
	}
	heads := func(all []*Run) (out []string) {
		for _, c := range table(all).Columns {
			out = append(out, c.Name)
		}
		return out
	}
	if d := cmp.Diff([]string{"run", "auc", "trees", "seconds", "commit", "now"}, heads(all)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"run", "auc", "rows", "threshold", "trees", "seconds", "now"}, heads(all[:1])); d != "" {
		t.Error(d)
	}
	items := Report("2 runs", all, false).Sections[0].Items
	if len(items) != 2 || len(items[1].Table.Rows) != 1 || items[1].Table.Rows[0][0].Text != "rows" || *items[1].Table.Rows[0][1].Value != 53940 {
		t.Errorf("got %+v", items)
	}
	if items := Report("1 run", all[:1], false).Sections[0].Items; len(items) != 1 {
		t.Errorf("of one run: %+v", items)
	}
}

// TestChosen: a table has the parameters that were chosen between, and lists by their length.
func TestChosen(t *testing.T) {
	all := some()
	all[0].Parameters["features"], all[1].Parameters["features"] = json.RawMessage(`["a", "b"]`), json.RawMessage(`["a"]`)
	all[0].Parameters["only"], all[1].Parameters["only"] = json.RawMessage("1"), json.RawMessage("1")
	tab := table(all)
	var heads []string
	for _, c := range tab.Columns {
		heads = append(heads, c.Name)
	}
	if d := cmp.Diff([]string{"run", "features", "model.params.trees", "auc", "loss", "seconds", "now"}, heads); d != "" {
		t.Error(d)
	}
	if got := tab.Rows[0][1].Text + tab.Rows[1][1].Text + tab.Rows[2][1].Text; got != "2 listed1 listed" {
		t.Errorf("got %q", got)
	}
}

func TestCSV(t *testing.T) {
	all := some()
	all[0].Parameters["note"] = json.RawMessage(`"=cmd()"`)
	all[0].Figures["auc"] = Figure{Value: at(0.7), Low: at(0.6), High: at(0.8)}
	if err := all[1].Take(json.RawMessage(`{"delta": {"auc": {"value": -0.2, "low": -0.3, "high": -0.1}, "loss": {"value": null}}, "undefined": {"delta.loss.value": "why"}}`)); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := CSV(&b, all); err != nil {
		t.Fatal(err)
	}
	const want = `address,fingerprint,revision,commit,current,duration_ms,model.params.trees,note,auc,auc.low,auc.high,auc.difference,auc.difference.low,auc.difference.high,loss,loss.low,loss.high,loss.difference,loss.difference.low,loss.difference.high
evaluate.a,,1,,false,0,50,'=cmd(),0.7,0.6,0.8,,,,0.5,,,,,
evaluate.b,,2,,false,0,300,,0.9,,,-0.2,-0.3,-0.1,0.6,,,,,
evaluate.c,,3,,false,0,,,,,,,,,0.4,,,,,
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// world are runs with all that a run may have: instances, several results of one address, intervals, differences, what is undefined.
func world() []*Run {
	eu, us := run(`evaluate.test["eu"]`, 3, "50", at(-0.7), at(0.5)), run(`evaluate.test["us"]`, 3, "300", nil, at(0.6))
	first, second := run("evaluate.small", 2, "", at(-0.5), nil), run("evaluate.small", 5, "", at(-0.9), nil)
	eu.Figures["auc"] = Figure{Value: at(-0.7), Low: at(-0.75), High: at(-0.65), Better: "more"}
	eu.Figures["half"], us.Figures["half"] = Figure{Value: at(1), Low: at(0.5)}, Figure{Value: at(1), High: at(2)}
	eu.Parameters["maybe"], us.Parameters["maybe"], first.Parameters["maybe"] = json.RawMessage("null"), json.RawMessage("2"), json.RawMessage("[]")
	delete(first.Figures, "loss")
	eu.Commit, eu.Dirty, eu.Current, eu.DurationMS, eu.Fingerprint = "3f1c20a9b4d1e5f60718293a4b5c6d7e8f901234", true, true, 1500, "blake3:0011"
	us.Commit = "short"
	eu.Differences = map[string]Figure{"auc": {Value: at(0.01), Low: at(-0.02), High: at(0.04)}}
	us.Differences = map[string]Figure{"auc": {Why: "one class"}}
	first.Parameters["model.params.trees"] = json.RawMessage(`"auto"`)
	eu.Data["more"], us.Data["more"] = "blake3:"+plan.Digest(strings.Repeat("a", 64)), "blake3:"+plan.Digest(strings.Repeat("b", 64))
	return []*Run{eu, us, first, second}
}

// TestInFull holds the table, the groups, the picture and CSV of runs that have all that a run may have.
func TestInFull(t *testing.T) {
	data, err := report.Write(Report("churn", world(), true))
	if err != nil {
		t.Fatal(err)
	}
	var table bytes.Buffer
	if err := CSV(&table, world()); err != nil {
		t.Fatal(err)
	}
	const path = "testdata/full.txt"
	got := string(data) + "\n" + table.String()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
	if alone := Report("churn", world(), false); len(alone.Sections[0].Items) != 1 {
		t.Errorf("without groups: got %d items, want the table alone", len(alone.Sections[0].Items))
	}
}

// TestNoPicture: nothing is drawn of too few or too many runs, nor where one axis at most has several values.
func TestNoPicture(t *testing.T) {
	many := func(n int, differ bool) []*Run {
		var out []*Run
		for i := range n {
			trees := "50"
			if differ {
				trees = string(rune('1' + i%9))
			}
			out = append(out, run("evaluate.a", int64(i), trees, at(float64(i)), at(1)))
		}
		return out
	}
	alike := many(3, true)
	for _, r := range alike {
		r.Figures = map[string]Figure{"auc": {Value: at(1)}}
	}
	bare := many(3, true)
	for _, r := range bare {
		r.Figures = nil
	}
	only, trained := many(3, false), many(3, true)
	for i, r := range only {
		r.Figures["loss"] = Figure{Value: at(float64(-i))}
	}
	some := append(many(2, false), only[0])
	some[1].Figures["loss"] = Figure{Value: at(3)}
	some[1].Parameters["only"] = json.RawMessage("1")
	for i, r := range trained {
		r.Figures, r.Parameters["depth"] = nil, json.RawMessage(string(rune('1'+i)))
	}
	for what, tc := range map[string]struct {
		all   []*Run
		drawn bool
	}{
		"figures alone": {only, false}, "a parameter of one value that one has": {some, false}, "parameters alone": {trained, false},
		"two": {many(2, true), false}, "three": {many(3, true), true}, "as many as can be told apart": {many(mostLines, true), true}, "one more": {many(mostLines+1, true), false},
		"the same parameters": {many(3, false), false}, "no figures": {bare, false}, "figures of one value": {alike, false},
	} {
		if p := parallel(tc.all); (p != nil) != tc.drawn {
			t.Errorf("%s: drawn: %v", what, p != nil)
		}
	}
}

// TestSortWithoutValues: runs without a value come last, in their order.
func TestSortWithoutValues(t *testing.T) {
	for _, better := range []string{"more", "less", ""} {
		var all []*Run
		for i, x := range []*float64{nil, at(0.7), nil, at(0.9), at(0.7), nil} {
			all = append(all, &Run{Address: string(rune('a' + i)), Figures: map[string]Figure{"auc": {Value: x, Better: better}}})
		}
		if err := Sort(all, "auc"); err != nil {
			t.Fatal(err)
		}
		if got, want := names(all), map[bool]string{true: "b e d a c f", false: "d b e a c f"}[better == "less"]; got != want {
			t.Errorf("better is %q: got %s, want %s", better, got, want)
		}
	}
	var unknown *UnknownError
	if err := Sort(some(), "aucc"); !errors.As(err, &unknown) || strings.Join(unknown.Known, " ") != "auc loss" {
		t.Errorf("got %+v", unknown)
	}
}

// TestTake: a difference that is undefined has its reason and no interval.
func TestTake(t *testing.T) {
	r := &Run{}
	if err := r.Take(json.RawMessage(`{"delta": {"auc": {"value": null, "low": 1, "high": 2}}, "undefined": {"delta.auc.value": "one class"}}`)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]Figure{"auc": {Why: "one class"}}, r.Differences); d != "" {
		t.Error(d)
	}
	if err := r.Take(json.RawMessage(`{"delta": 1}`)); err == nil || !strings.Contains(err.Error(), "reading a comparison") {
		t.Errorf("got %v", err)
	}
}

// TestWhereReasons: a condition sees figures before parameters of their name, and says of what is undefined why; mistakes are at their place.
func TestWhereReasons(t *testing.T) {
	all := some()
	for _, r := range all {
		r.Parameters["auc"], r.Parameters["note"], r.Parameters["none"] = json.RawMessage("5"), json.RawMessage(`"x"`), json.RawMessage("null")
		r.Parameters["rate.decay"] = json.RawMessage("2")
	}
	all[1].Parameters["model.params.depth"] = json.RawMessage("4")
	all[0].Parameters["rate"] = json.RawMessage("1")
	for condition, want := range map[string]string{
		"auc > 0.0":                 "evaluate.a evaluate.b | evaluate.c no positives",
		"model.params.depth == 4.0": "evaluate.b | evaluate.a no such figure evaluate.c no such figure",
	} {
		kept, left, mistakes := Where(all, condition)
		got := names(kept) + " |"
		for _, l := range left {
			why := "no such figure"
			if strings.Contains(l.Why, "no positives") {
				why = "no positives"
			}
			got += " " + l.Run.Address + " " + why
		}
		if got != want || mistakes.HasErrors() {
			t.Errorf("%s: got %s, %v, want %s", condition, got, mistakes, want)
		}
	}
	for condition, want := range map[string][3]int{"acu > 0.8": {1, 1, 4}, "note > 1.0": {1, 1, 5}, "none > 1.0": {1, 1, 5}, "auc > 1.0 && acu > 1.0": {1, 14, 17}, "auc > 1.0 &&\n acu > 1.0": {2, 2, 5}} {
		_, _, mistakes := Where(all, condition)
		if len(mistakes) == 0 {
			t.Errorf("%s: there is no mistake", condition)
			continue
		}
		at := mistakes[0].Subject
		if got := [3]int{at.Start.Line, at.Start.Column, at.End.Column}; got != want || at.File != "--where" {
			t.Errorf("%s: got %v at %+v, want %v: %s", condition, got, at, want, mistakes[0].Summary)
		}
	}
}
