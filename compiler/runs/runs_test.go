package runs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/report"
)

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
	for i, v := range []string{`"auto"`, "7", `"sqrt"`} {
		all[i].Parameters["features"] = json.RawMessage(v)
	}
	p := parallel(all)
	if d := cmp.Diff([]string{"features", "model.params.trees", "auc", "loss"}, p.X.Categories); d != "" {
		t.Fatal(d)
	}
	want := [][]float64{{0.5, 0, 0, 0.5}, {0, 1, 1, 1}, {1, 0.2, 0}}
	for i, s := range p.Series {
		if d := cmp.Diff(want[i], s.Y, cmpopts.EquateApprox(0, 1e-9)); d != "" || s.Name != all[i].Address {
			t.Errorf("%s: %s", s.Name, d)
		}
	}
	if d := cmp.Diff([]float64{0, 1, 3}, p.Series[2].X); d != "" { // its auc is undefined
		t.Error(d)
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
	if d := cmp.Diff([]string{"run", "features", "model.params.trees", "auc", "loss", "seconds", "commit", "now"}, heads); d != "" {
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
