package metric

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// numbered gives each group a number, in order of appearance.
func numbered(groups []any) (of []int32, count int) {
	seen := map[string]int32{}
	for _, g := range groups {
		id, known := seen[fmt.Sprint(g)]
		if !known {
			id = int32(len(seen))
			seen[fmt.Sprint(g)] = id
		}
		of = append(of, id)
	}
	return of, len(seen)
}

func comparison(t *testing.T, name string) Comparison {
	t.Helper()
	c, ok := FindComparison(name)
	if !ok {
		t.Fatalf("no comparison %q", name)
	}
	return c
}

// TestFairnessVectors holds the comparisons against Fairlearn's, groups without a rate left out.
func TestFairnessVectors(t *testing.T) {
	checked := 0
	for _, v := range vectors(t) {
		if v.Kind != "fairness" {
			continue
		}
		s, err := NewSample(v.data())
		if err != nil {
			t.Fatal(err)
		}
		of, count := numbered(v.Group)
		rates, overall := NewGroups(s, of, count, 1).Rates(s.Weights())
		var skipping map[string]json.RawMessage
		if err := json.Unmarshal(v.Expected["skip_undefined"], &skipping); err != nil {
			t.Fatal(err)
		}
		for _, expected := range []map[string]json.RawMessage{v.Expected, skipping} {
			for name, raw := range expected {
				c, ok := FindComparison(name)
				if !ok {
					continue
				}
				var want float64
				if err := json.Unmarshal(raw, &want); err != nil {
					t.Fatal(err)
				}
				checked++
				if got, _, undefined := c.Value(rates, overall); undefined != "" || !near(got, want) {
					t.Errorf("%s %s: got %v %q, want %v", v.Name, name, got, undefined, want)
				}
			}
		}
	}
	if checked < 25 {
		t.Errorf("only %d values were checked", checked)
	}
}

func TestComparisons(t *testing.T) {
	nan := math.NaN()
	groups := []Rates{{0.5, 0.8, 0.2}, {0.25, 0.6, 0.1}, {nan, nan, nan}}
	overall := Rates{0.4, 0.7, 0.16}
	for _, tc := range []struct {
		name            string
		toOverall, mean bool
		want            float64
	}{
		{"demographic_parity_difference", false, false, 0.25},
		{"demographic_parity_ratio", false, false, 0.5},
		{"equal_opportunity_difference", false, false, 0.2},
		{"equalized_odds_difference", false, false, 0.2},
		{"equalized_odds_difference", false, true, 0.15},
		{"equalized_odds_ratio", false, false, 0.5},
		{"equalized_odds_ratio", false, true, (0.5 + 0.75) / 2},
		{"demographic_parity_difference", true, false, 0.15},
		{"demographic_parity_ratio", true, false, 0.625},
		{"equalized_odds_difference", true, true, (0.1 + 0.06) / 2},
	} {
		c := comparison(t, tc.name)
		c.ToOverall, c.Mean = tc.toOverall, tc.mean
		if got, compared, undefined := c.Value(groups, overall); undefined != "" || compared != 2 || !near(got, tc.want) {
			t.Errorf("%+v: got %v of %d groups %q", tc, got, compared, undefined)
		}
	}
	for name, want := range map[string]string{
		"demographic_parity_ratio":     "the selection_rate is 0 in every group",
		"equal_opportunity_difference": "no group has a true_positive_rate",
	} {
		if _, _, undefined := comparison(t, name).Value([]Rates{{0, nan, 0}, {0, nan, 0}}, Rates{0, nan, 0}); undefined != want {
			t.Errorf("%s: got %q, want %q", name, undefined, want)
		}
	}
	if got, _, _ := comparison(t, "demographic_parity_ratio").Value([]Rates{{0, 0, 0}, {0.5, 0, 0}}, Rates{}); got != 0 {
		t.Errorf("nobody of a group chosen: got a ratio of %v", got)
	}
}

// simulated decisions: group g has n rows, and selects them with the chance given.
func simulated(r *rand.Rand, chances []float64, n int) (*Sample, []int32) {
	d := &Data{Task: schema.Binary, Classes: 2}
	var of []int32
	for g, p := range chances {
		for range n {
			of = append(of, int32(g))
			predicted := 0.0
			if r.Float64() < p {
				predicted = 1
			}
			d.Actual, d.Predicted = append(d.Actual, float64(r.IntN(2))), append(d.Predicted, predicted)
		}
	}
	s, err := NewSample(d)
	if err != nil {
		panic(err)
	}
	return s, of
}

// TestFairnessCoverage draws data of known rates and counts how often the interval holds the true value.
func TestFairnessCoverage(t *testing.T) {
	alike := make([]float64, 35)
	for g := range alike {
		alike[g] = 0.3
	}
	for _, tc := range []struct {
		name    string
		chances []float64
		metric  string
		want    float64
	}{
		{"35 groups alike", alike, "demographic_parity_difference", 0},
		{"35 groups alike", alike, "demographic_parity_ratio", 1},
		{"two groups apart", []float64{0.2, 0.5}, "demographic_parity_difference", 0.3},
		{"four groups", []float64{0.3, 0.35, 0.4, 0.6}, "demographic_parity_ratio", 0.5},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		const sets = 200
		held, width := 0, 0.0
		for range sets {
			s, of := simulated(r, tc.chances, 150)
			b := Bootstrap{Resamples: 200, Confidence: 0.95, Seed: 5, Threads: 2}
			found, err := b.Fairness(t.Context(), []Comparison{comparison(t, tc.metric)}, NewGroups(s, of, len(tc.chances), 20), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			i := found.Comparisons[0]
			if i.Undefined != "" {
				t.Fatalf("%s: %s", tc.name, i.Undefined)
			}
			if i.Low <= tc.want && tc.want <= i.High {
				held++
			}
			width += (i.High - i.Low) / sets
		}
		t.Logf("%s, %s: %d of %d intervals hold %v; mean width %.3f", tc.name, tc.metric, held, sets, tc.want, width)
		// 95 %, less what 200 sets leave to chance.
		if held < sets*91/100 {
			t.Errorf("%s, %s: only %d of %d intervals hold %v", tc.name, tc.metric, held, sets, tc.want)
		}
	}
}

// TestFairnessThreads: the same intervals on one thread and on two, and with entities for clusters.
func TestFairnessThreads(t *testing.T) {
	s, of := simulated(rand.New(rand.NewPCG(3, 4)), []float64{0.2, 0.4}, 100)
	clusters := make([]int32, s.Rows())
	for i := range clusters {
		clusters[i] = int32(i / 4)
	}
	var before string
	for _, threads := range []int{1, 2} {
		b := Bootstrap{Resamples: 100, Confidence: 0.9, Seed: 1, Threads: threads}
		i, err := b.Fairness(t.Context(), Comparisons(), NewGroups(s, of, 2, 1), clusters, s.Rows()/4)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%+v", i)
		if before != "" && got != before {
			t.Errorf("got\n%s\non two threads, on one\n%s", got, before)
		}
		before = got
	}
}
