package xgboost

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// theirs is a model of two trees that XGBoost 1.7.4 trained and saved: numbers and categories with missing values.
func theirs(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/binary-1.7.4.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestScoresOfXGBoost holds margins that XGBoost 1.7.4 itself computed with that model.
func TestScoresOfXGBoost(t *testing.T) {
	nan := float32(math.NaN())
	tests := []struct {
		row  [2]float32
		want float32
	}{
		{[2]float32{-5, 0}, -6.6114557e-01}, {[2]float32{5, 0}, -1.0334477e-01}, {[2]float32{nan, 0}, -1.0334477e-01},
		{[2]float32{-5, 1}, -9.483299e-01}, {[2]float32{5, 1}, -4.7113937e-01}, {[2]float32{nan, 1}, -7.070768e-01},
		{[2]float32{0.1, 6}, -6.9294775e-01}, {[2]float32{0, 7}, -1.0334477e-01}, {[2]float32{0, 99}, -1.0334477e-01},
		{[2]float32{0, nan}, -1.0334477e-01}, {[2]float32{nan, nan}, -1.0334477e-01},
	}
	m, err := Decode(theirs(t))
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Model{m, again} {
		s, err := m.Scorer()
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range tests {
			margin, score := make([]float32, 1), make([]float64, 1)
			s.Margins(tt.row[:], margin)
			s.Transform(margin, score)
			if margin[0] != tt.want || math.Abs(score[0]-1/(1+math.Exp(-float64(tt.want)))) > 1e-15 {
				t.Errorf("row %v: got %v and %v, want %v", tt.row, margin[0], score[0], tt.want)
			}
		}
	}
}

func TestEncodeGivesTheSameBytes(t *testing.T) {
	m, err := Decode(theirs(t))
	if err != nil {
		t.Fatal(err)
	}
	first, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := again.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Errorf("got\n%s\nthen\n%s", first, second)
	}
	for _, want := range []string{`"feature_types":["q","c"]`, `"base_score":"3E-1"`, `"name":"binary:logistic"`} {
		if !bytes.Contains(first, []byte(want)) {
			t.Errorf("it lacks %s", want)
		}
	}
}

// TestNamesAreWrittenAsTheyAre has names that JSON for a browser would escape, and XGBoost would not understand then.
func TestNamesAreWrittenAsTheyAre(t *testing.T) {
	m, err := Decode(theirs(t))
	if err != nil {
		t.Fatal(err)
	}
	m.FeatureNames = []string{"R&D <spend> \u2028\u2029", `a\u2028 "é"`}
	text, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\"R&D <spend> \u2028\u2029\"", `"a\\u2028 \"é\""`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("the model has no %s", want)
		}
	}
	again, err := Decode(text)
	if err != nil || again.FeatureNames[0] != m.FeatureNames[0] || again.FeatureNames[1] != m.FeatureNames[1] {
		t.Errorf("got %q, %v", again.FeatureNames, err)
	}
}

func TestNumbersAreWrittenAsXGBoostDoes(t *testing.T) {
	tests := map[float32]string{
		0: "0E0", 0.5: "5E-1", 326: "3.26E2", -1.2926462: "-1.2926462E0", math.MaxFloat32: "3.4028235E38",
		math.SmallestNonzeroFloat32: "1E-45", 1e-10: "1E-10",
	}
	for f, want := range tests {
		if got := formatNumber(f); got != want {
			t.Errorf("%v: got %s, want %s", f, got, want)
		}
	}
}

func TestOtherVersionsOfTheFormat(t *testing.T) {
	tests := []struct{ name, old, with string }{
		{"a base score in brackets", `"base_score":"3E-1"`, `"base_score":"[3E-1]"`},
		{"directions as booleans", `"default_left":[1,0,1,0,0,0,0]`, `"default_left":[true,false,true,false,false,false,false]`},
		{"no targets", `,"num_target":"1"`, ``},
		{"vectors of one", `"size_leaf_vector":"0"}`, `"size_leaf_vector":"1"}`},
		{"NaN in a name", `"feature_names":["a","c"]`, `"feature_names":["NaN \" NaN","c"]`},
	}
	for _, tt := range tests {
		changed := strings.Replace(string(theirs(t)), tt.old, tt.with, -1)
		if changed == string(theirs(t)) {
			t.Errorf("%s: %s is not there", tt.name, tt.old)
		}
		m, err := Decode([]byte(changed))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if m.BaseScore[0] != 0.3 || !m.Trees[0].Nodes[0].DefaultLeft {
			t.Errorf("%s: got base score %v, root %+v", tt.name, m.BaseScore, m.Trees[0].Nodes[0])
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ name, old, with, want string }{
		{"the binary format", `{"learner"`, "{L\x00learner", "save_model"},
		{"cut short", `"version":[1,7,4]}`, ``, "unexpected end"},
		{"a linear booster", `"name":"gbtree"`, `"name":"gblinear"`, `booster "gblinear"`},
		{"an unknown objective", `binary:logistic`, `rank:pairwise`, `"rank:pairwise" is not supported`},
		{"several targets", `"num_target":"1"`, `"num_target":"2"`, "2 targets"},
		{"vector leaves", `"size_leaf_vector":"0"}}`, `"size_leaf_vector":"3"}}`, "vectors"},
		{"a child outside", `"left_children":[1,`, `"left_children":[9,`, "children 9 and 2 of 7"},
		{"a circle", `"left_children":[1,3,`, `"left_children":[1,0,`, "children 0 and"},
		{"two parents", `"left_children":[1,3,`, `"left_children":[1,5,`, "node 5 is a child of node 1 and of node 2"},
		{"a child on both sides", `"right_children":[2,`, `"right_children":[1,`, "node 1 is a child of node 0 and of node 0"},
		{"one child", `"right_children":[2,`, `"right_children":[-1,`, "one child"},
		{"a feature outside", `"split_indices":[1,`, `"split_indices":[2,`, "feature 2 of 2"},
		{"a short array", `"parents":[2147483647,`, `"parents":[`, "7 and 6 elements"},
		{"categories outside", `"categories_sizes":[`, `"categories_sizes":[9`, "point outside"},
		{"a negative category", `"categories":[1,`, `"categories":[-1,`, "category -1"},
		{"a tree of no class", `"tree_info":[0,0]`, `"tree_info":[0,1]`, "class 1 of 1"},
		{"a tree too many", `"tree_info":[0,0]`, `"tree_info":[0]`, "classes of 1"},
		{"a base score that is none", `"base_score":"3E-1"`, `"base_score":"many"`, `"many"`},
		{"a direction that is none", `"default_left":[1,`, `"default_left":[7,`, "0 or 1"},
	}
	for _, tt := range tests {
		changed := strings.Replace(string(theirs(t)), tt.old, tt.with, 1)
		if changed == string(theirs(t)) {
			t.Errorf("%s: %s is not there", tt.name, tt.old)
		}
		if _, err := Decode([]byte(changed)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestPredictOnAnyNumberOfThreads(t *testing.T) {
	m, err := Decode(theirs(t))
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.Scorer()
	if err != nil {
		t.Fatal(err)
	}
	columns := make([][]float64, 2)
	for i := range 5000 {
		columns[0] = append(columns[0], float64(i%400)/100-2)
		columns[1] = append(columns[1], float64(i%9))
	}
	var first string
	for _, threads := range []int{0, 1, 3} {
		got, err := s.Predict(context.Background(), columns, 5000, threads)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprint(got); first == "" {
			first = text
		} else if text != first {
			t.Errorf("%d threads give other scores", threads)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Predict(ctx, columns, 5000, 2); err == nil {
		t.Error("a cancelled prediction gives no error")
	}
}
