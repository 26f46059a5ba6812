package lightgbm

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
)

var nan = math.NaN()

// head is that of a file of two features, a number and a category of three levels.
const head = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=OBJECTIVE
feature_names=tenure contract
feature_infos=[0:72] 0:1:2
tree_sizes=400 200

`

// two trees: one asks the number and the category, with every way that missing values are meant; the other is a leaf.
const trees = `Tree=0
num_leaves=5
num_cat=1
split_feature=0 1 0 0
split_gain=9.5 2 1 0.5
threshold=24.000000000000004 0 0.30000000000000004 -1
decision_type=8 1 6 0
left_child=1 -1 -3 -4
right_child=2 -2 3 -5
leaf_value=0.5 -0.25 0.125 1 2
leaf_weight=1 1 1 1 1
leaf_count=30 20 10 5 35
internal_value=0 0 0 0
internal_weight=0 0 0 0
internal_count=100 50 50 40
cat_boundaries=0 2
cat_threshold=5 2
is_linear=0
shrinkage=1


Tree=1
num_leaves=1
num_cat=0
split_feature=
split_gain=
threshold=
decision_type=
left_child=
right_child=
leaf_value=0.0625
leaf_weight=
leaf_count=
internal_value=
internal_weight=
internal_count=
is_linear=0
shrinkage=1


end of trees

feature_importances:
tenure=3
contract=1

parameters:
[boosting: gbdt]
[objective: binary]

end of parameters

pandas_categorical:[["month", "year", "two \"years\""]]
`

func text(objective string) string { return strings.Replace(head, "OBJECTIVE", objective, 1) + trees }

func mustRead(t testing.TB, text string) *File {
	t.Helper()
	f, err := Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestScores: by hand, leaf for leaf. The threshold 24.000000000000004 is a double that 32 bits do not hold; node 3 takes what is missing for 0, node 2 takes
// 0 for missing.
func TestScores(t *testing.T) {
	for _, tt := range []struct{ tenure, contract, want float64 }{
		{24.000000000000004, 0, 0.5}, {math.Nextafter(24.000000000000004, 25), 0, 1 + 1}, // the right side: 24… > 0.3, > -1: leaf 4
		{1, 2, 0.5}, {1, 1, -0.25}, {1, 33, 0.5}, {1, 32, -0.25}, {1, 64, -0.25}, {1, 1e9, -0.25}, {1, -1, -0.25}, {1, nan, -0.25}, {1, 2.9, 0.5}, {1, -0.5, 0.5},
		{nan, 0, 0.125}, // NaN goes right at node 0, as its default says, and is missing at node 2, which sends it left
	} {
		f := mustRead(t, text("regression"))
		got, err := f.Predict(t.Context(), [][]float64{{tt.tenure}, {tt.contract}}, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got[0][0] != tt.want+0.0625 {
			t.Errorf("%v, %v: got %v, want %v", tt.tenure, tt.contract, got[0][0], tt.want+0.0625)
		}
	}
}

// TestMissing: the ways that a split may mean what is missing, at a threshold of 1 and one of -1.
func TestMissing(t *testing.T) {
	for _, tt := range []struct {
		kind, threshold string
		x               float64
		left            bool
	}{
		{"0", "1", nan, true}, {"0", "-1", nan, false}, {"2", "-1", nan, false}, {"0", "-1", 0, false}, // nothing is missing: NaN is 0
		{"4", "1", nan, false}, {"6", "-1", nan, true}, {"4", "1", 0, false}, {"6", "-1", 0, true}, {"4", "1", 1e-36, false}, {"4", "1", 1e-34, true}, {"6", "-1", -1e-36, true}, {"4", "1", 1, true}, // zero is
		{"8", "1", nan, false}, {"10", "-1", nan, true}, {"8", "1", 0, true}, {"10", "-1", 0, false}, // NaN is
	} {
		f := mustRead(t, strings.Replace(head, "OBJECTIVE", "regression", 1)+"Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold="+tt.threshold+
			"\ndecision_type="+tt.kind+"\nleft_child=-1\nright_child=-2\nleaf_value=1 2\n")
		got, err := f.Predict(t.Context(), [][]float64{{tt.x}, {0}}, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if left := got[0][0] == 1; left != tt.left {
			t.Errorf("decision_type %s, x <= %s, %v: goes left %v, want %v", tt.kind, tt.threshold, tt.x, left, tt.left)
		}
	}
}

func TestObjectives(t *testing.T) {
	x := 0.5625 // of the first row: 0.5 + 0.0625
	for objective, want := range map[string]float64{
		"binary sigmoid:1": 1 / (1 + math.Exp(-x)), "binary sigmoid:2.5": 1 / (1 + math.Exp(-2.5*x)), "cross_entropy": 1 / (1 + math.Exp(-x)),
		"regression": x, "regression sqrt": x * x, "regression_l1": x, "quantile alpha:0.9": x, "huber": x, "poisson": math.Exp(x), "tweedie tweedie_variance_power:1.5": math.Exp(x), "gamma": math.Exp(x),
	} {
		f := mustRead(t, text(objective))
		got, err := f.Predict(t.Context(), [][]float64{{1}, {0}}, 1, 1)
		if err != nil || got[0][0] != want {
			t.Errorf("%s: got %v, %v, want %v", objective, got, err, want)
		}
	}
	several := strings.NewReplacer("num_class=1", "num_class=2", "num_tree_per_iteration=1", "num_tree_per_iteration=2").Replace(text("multiclass num_class:2"))
	f := mustRead(t, several)
	got, err := f.Predict(t.Context(), [][]float64{{1}, {0}}, 1, 1)
	if want := 1 / (1 + math.Exp(0.0625-0.5)); err != nil || math.Abs(got[0][0]-want) > 1e-15 || math.Abs(got[0][0]+got[1][0]-1) > 1e-15 {
		t.Errorf("several classes: got %v, %v, want %v", got, err, want)
	}
	forest := mustRead(t, strings.Replace(text("regression"), "feature_names", "average_output\nfeature_names", 1))
	got, err = forest.Predict(t.Context(), [][]float64{{1}, {0}}, 1, 1)
	if err != nil || got[0][0] != x/2 {
		t.Errorf("a forest: got %v, %v, want %v", got, err, x/2)
	}
	e := forest.Explainer()
	margins := []float64{0}
	if e.Margins([]float64{1, 0}, margins); margins[0] != x/2 {
		t.Errorf("a forest: the margin that is explained is %v, want %v", margins[0], x/2)
	}
	for objective, want := range map[string]string{
		"lambdarank": "an order", "multiclassova num_class:3 sigmoid:1": "against all others", "cross_entropy_lambda": "is not read", "binary sigmoid:x": `sigmoid is "x"`, "binary sigmoid:0": `sigmoid is "0"`,
	} {
		if _, err := Read([]byte(text(objective))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", objective, err, want)
		}
	}
}

// TestExplained: attributions of a row and what is expected add up to its margin, by the numbers of rows that the file has.
func TestExplained(t *testing.T) {
	f := mustRead(t, text("binary sigmoid:2"))
	e := f.Explainer()
	expected, err := e.Expected()
	if want := 2 * (0.0625 + (0.5*30-0.25*20+0.125*10+1*5+2*35)/100); err != nil || math.Abs(expected[0]-want) > 1e-12 {
		t.Errorf("got %v, %v, want %v", expected, err, want)
	}
	for _, row := range [][]float64{{1, 0}, {30, 1}, {nan, nan}, {0, 2}} {
		out, margins := [][]float64{make([]float64, 2)}, []float64{0}
		if err := e.PathDependent(row, out); err != nil {
			t.Fatal(err)
		}
		e.Margins(row, margins)
		if got := expected[0] + out[0][0] + out[0][1]; math.Abs(got-margins[0]) > 1e-12 {
			t.Errorf("%v: attributions add up to %v, the margin is %v", row, got, margins[0])
		}
	}
}

func TestHead(t *testing.T) {
	f := mustRead(t, text("binary sigmoid:1"))
	if f.Version != "v4" || f.Objective != "binary" || !slices.Equal(f.Names, []string{"tenure", "contract"}) || f.Levels[0] != nil || !slices.Equal(f.Levels[1], []string{"month", "year", `two "years"`}) {
		t.Errorf("got %+v", f)
	}
	if got := f.Importance(); got[0] != 11 || got[1] != 2 {
		t.Errorf("got gains %v", got)
	}
	// A column of which it is not known whether it is of categories: which list is whose is not known.
	if f := mustRead(t, strings.Replace(text("binary sigmoid:1"), "[0:72] 0:1:2", "none none", 1)); f.Levels != nil {
		t.Errorf("got levels %q", f.Levels)
	}
	if f := mustRead(t, strings.Replace(text("binary sigmoid:1"), `[["month", "year", "two \"years\""]]`, `[[3, 1.5, -2]]`, 1)); !slices.Equal(f.Levels[1], []string{"3", "1.5", "-2"}) {
		t.Errorf("got levels %q", f.Levels)
	}
	windows := mustRead(t, strings.ReplaceAll(text("binary sigmoid:1"), "\n", "\r\n"))
	if len(windows.Trees) != 2 || windows.Names[1] != "contract" {
		t.Errorf("with lines of Windows: got %+v", windows)
	}
}

func TestRefused(t *testing.T) {
	for _, tt := range []struct{ old, with, want string }{
		{"tree\n", "trees\n", `its first line is not "tree"`},
		{"max_feature_idx=1", "max_feature_idx=99999999999", "max_feature_idx is 99999999999"},
		{"max_feature_idx=1", "max_feature_idx=2", "2 names of 3 features"},
		{"num_tree_per_iteration=1", "num_tree_per_iteration=3", "2 trees are no whole number of rounds of 3"},
		{"num_tree_per_iteration=1", "num_tree_per_iteration=0", "a round has 0 trees"},
		{"num_class=1", "num_class=x", `num_class is "x"`},
		{"is_linear=0", "is_linear=1", "tree 0: its leaves are linear models"},
		{"num_leaves=5", "num_leaves=0", "tree 0: num_leaves is 0"},
		{"num_leaves=5", "num_leaves=1000000000", "tree 0: leaf_value has 5 values"},
		{"leaf_value=0.5", "leaf_value=x", `leaf_value has "x"`},
		{"leaf_value=0.5", "leaf_value=nan", "leaf 4 is NaN"},
		{"threshold=24.000000000000004", "threshold=nan", "node 0 splits at NaN"},
		{"left_child=1 -1", "left_child=9 -1", "tree 0: node 0: it has the child 9, of 5 leaves"},
		{"left_child=1 -1", "left_child=1 -6", "node 1: it has the child -6"},
		{"left_child=1 -1", "left_child=0 -1", "node 0 has children 0 and"},
		{"right_child=2 -2", "right_child=1 -2", "node 1 is a child of node 0 and of node 0"},
		{"split_feature=0 1", "split_feature=2 1", "node 0 splits on feature 2 of 2"},
		{"split_feature=0 1", "split_feature=-1 1", "splits on feature -1"},
		{"decision_type=8", "decision_type=12", "its decision_type is 12"},
		{"decision_type=8", "decision_type=9", "node 0: it splits by the set of categories 24"},
		{"decision_type=8 1 6", "decision_type=8 1 1", "its set of categories is that of another split"},
		{"cat_boundaries=0 2", "cat_boundaries=0 3", "in the words 0 to 3, of 2"},
		{"cat_boundaries=0 2", "cat_boundaries=-1 2", "in the words -1 to 2"},
		{"cat_threshold=5", "cat_threshold=4294967296", "a word of its categories is 4294967296"},
		{"feature_names=", "average_output\nfeature_names=", ""},
		{"pandas_categorical:[", "pandas_categorical:{", "pandas_categorical"},
		{`"year"`, `"month"`, "names a category of 1 twice"},
	} {
		changed := strings.Replace(text("binary sigmoid:1"), tt.old, tt.with, 1)
		if changed == text("binary sigmoid:1") {
			t.Errorf("%s is not there", tt.old)
		}
		if tt.want == "" { // of the version that kept leaves otherwise
			changed, tt.want = strings.Replace(changed, "version=v4", "version=v2", 1), "kept its leaves otherwise"
		}
		if tt.old == "decision_type=8 1 6" {
			changed = strings.Replace(changed, "0.30000000000000004", "0", 1)
		}
		if _, err := Read([]byte(changed)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.with, err, tt.want)
		}
	}
	if _, err := Read([]byte(strings.Repeat("tree\nTree=0\n", 3))); err == nil {
		t.Error("trees of nothing are read")
	}
}

// FuzzRead: whatever is read scores and is explained without a fault, and is written as what reads the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(text("binary sigmoid:1")))
	f.Add([]byte(text("regression sqrt")))
	f.Add([]byte(strings.NewReplacer("num_class=1", "num_class=2", "num_tree_per_iteration=1", "num_tree_per_iteration=2").Replace(text("multiclass num_class:2"))))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(data)
		if err != nil || m.Features > 1000 || len(m.Trees) > 100 {
			return
		}
		columns := make([][]float64, m.Features)
		row := make([]float64, m.Features)
		for i := range columns {
			columns[i] = []float64{0, nan, 1e300, -3}
		}
		if _, err := m.Predict(t.Context(), columns, 4, 1); err != nil {
			t.Fatal(err)
		}
		m.Explainer().Margins(row, make([]float64, m.Groups()))
		written, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decisiontrees.Decode(written)
		if err != nil {
			t.Fatalf("%v in what was written: %s", err, written)
		}
		if twice, err := again.Encode(); err != nil || string(twice) != string(written) {
			t.Fatalf("read and written again it is another: %v\n%s\n%s", err, written, twice)
		}
	})
}
