package isolation

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestAgainstScikitLearn: of a thousand trees the scores are those of its IsolationForest but for what is drawn.
func TestAgainstScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/isolation.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Rows   [][]float64
		Scores []float64
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	points := slices.Concat(want.Rows...)
	var texts []string
	for _, threads := range []int{1, 2, 8} {
		f, err := Fit(t.Context(), points, 3, Params{Trees: 1000, Samples: 256, Seed: 5, Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		if texts == nil {
			texts = f.Texts
		}
		if !slices.Equal(f.Texts, texts) {
			t.Errorf("on %d threads the trees are others", threads)
		}
		worst := 0.0
		for i, row := range want.Rows {
			worst = max(worst, math.Abs(f.Score(row)-want.Scores[i]))
		}
		if worst > 0.02 {
			t.Errorf("a score is %g off", worst)
		}
		read := &Forest{Samples: f.Samples, Texts: f.Texts}
		if err := read.Read(3); err != nil {
			t.Fatal(err)
		}
		for _, row := range want.Rows {
			if f.Score(row) != read.Score(row) {
				t.Fatalf("read again the score of %v is %g, was %g", row, read.Score(row), f.Score(row))
			}
		}
	}
}

// TestScore is the formula, of two trees that can be followed by hand on the page.
func TestScore(t *testing.T) {
	f := &Forest{Samples: 4, Texts: []string{"0<3 =1 1<0.5 =2 =3", "1<7 =2 =1"}}
	if err := f.Read(2); err != nil {
		t.Fatal(err)
	}
	c := 2*(math.Log(3)+0.5772156649015329) - 1.5
	for _, tt := range []struct{ x, y, path float64 }{{3, 9, 1}, {3.1, 0.5, 2}, {4, 1, 2.5}, {4, 7.5, 2}} {
		if got, want := f.Score([]float64{tt.x, tt.y}), math.Pow(2, -tt.path/c); math.Abs(got-want) > 1e-14 {
			t.Errorf("%v: got %g, want %g", tt, got, want)
		}
	}
}

// TestPointsThatAreAlike: where nothing tells rows apart all have the same score, and no tree is grown for ever.
func TestPointsThatAreAlike(t *testing.T) {
	f, err := Fit(t.Context(), make([]float64, 60), 2, Params{Trees: 3, Samples: 20})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Score([]float64{0, 0}); math.Abs(got-0.5) > 1e-15 {
		t.Errorf("got %g, want 0.5", got)
	}
	if _, err := Fit(t.Context(), []float64{1, 2}, 2, Params{Trees: 3, Samples: 20}); err == nil {
		t.Error("one row is told apart from others")
	}
}

func TestReadRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "is no node",
		"0<3 =1":                          "no end",
		"=1 =2":                           "nodes behind its end",
		"2<3 =1 =2":                       "no input of 2",
		"-1<3 =1 =2":                      "no input of 2",
		"0<NaN =1 =2":                     "is no node",
		"0=3":                             "is no node",
		"0<x =1 =2":                       "is no node",
		strings.Repeat("0<1 ", 80) + "=1": "no end",
	} {
		if err := (&Forest{Samples: 4, Texts: []string{text}}).Read(2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	if err := (&Forest{Samples: 4}).Read(2); err == nil {
		t.Error("a forest without trees is read")
	}
}
