package metric

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
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

func comparison(t *testing.T, task schema.Task, name string, metrics ...*Metric) Comparison {
	t.Helper()
	for _, c := range Comparisons(task, metrics) {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no comparison %q", name)
	return Comparison{}
}

func grouped(t *testing.T, s *Sample, of []int32, count, minSize int, metrics ...*Metric) *Groups {
	t.Helper()
	return NewGroups(s, of, count, minSize, metrics...)
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
		rates, overall := grouped(t, s, of, count, 1).Measure(s.Weights())
		var skipping map[string]json.RawMessage
		if err := json.Unmarshal(v.Expected["skip_undefined"], &skipping); err != nil {
			t.Fatal(err)
		}
		for _, expected := range []map[string]json.RawMessage{v.Expected, skipping} {
			for name, raw := range expected {
				if !strings.HasPrefix(name, "demographic_parity") && !strings.HasPrefix(name, "equal") {
					continue
				}
				c := comparison(t, schema.Binary, name)
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

// TestGroupVectors holds metrics by group, and their differences and ratios, against scikit-learn's by group.
func TestGroupVectors(t *testing.T) {
	checked := 0
	for _, v := range vectorsIn(t, "testdata/group_vectors.json") {
		s, err := NewSample(v.data())
		if err != nil {
			t.Fatal(err)
		}
		of, count := numbered(v.Group)
		for name, raw := range v.Expected {
			want := map[string]float64{}
			var groups struct {
				ByGroup map[string]float64 `json:"by_group"`
			}
			if err := errors.Join(json.Unmarshal(raw, &groups), json.Unmarshal(without(t, raw, "by_group"), &want)); err != nil {
				t.Fatal(err)
			}
			m, err := New(json.RawMessage(definitionOf(name)))
			if err != nil {
				t.Fatal(err)
			}
			g := grouped(t, s, of, count, 1, m)
			found, overall := g.Measure(s.Weights())
			place := len(g.Names()) - 1
			for i, group := range v.Group {
				if got, want := found[of[i]][place], groups.ByGroup[fmt.Sprint(group)]; !near(got, want) {
					t.Fatalf("%s %s of %v: got %v, want %v", v.Name, name, group, got, want)
				}
			}
			if !near(overall[place], want["overall"]) {
				t.Errorf("%s %s of all: got %v, want %v", v.Name, name, overall[place], want["overall"])
			}
			for _, c := range Comparisons(s.Task, []*Metric{m}) {
				if c.Metric == "" {
					continue
				}
				for _, c.ToOverall = range []bool{false, true} {
					key := strings.TrimPrefix(c.Name, "m_")
					if c.ToOverall {
						key += "_to_overall"
					}
					checked++
					if got, n, undefined := c.Value(found, overall); undefined != "" || n != count || !near(got, want[key]) {
						t.Errorf("%s %s of %s: got %v of %d groups %q, want %v", v.Name, key, name, got, n, undefined, want[key])
					}
				}
			}
		}
	}
	if checked < 80 {
		t.Errorf("only %d values were checked", checked)
	}
}

func without(t *testing.T, raw json.RawMessage, key string) json.RawMessage {
	t.Helper()
	var all map[string]json.RawMessage
	err := json.Unmarshal(raw, &all)
	delete(all, key)
	out, err2 := json.Marshal(all)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return out
}

func named(t *testing.T, name, typ string) *Metric {
	t.Helper()
	m, err := New(json.RawMessage(fmt.Sprintf(`{"name": %q, "type": %q}`, name, typ)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSignedRatio: numbers below 0 have no ratio, and a metric that may be negative offers none.
func TestSignedRatio(t *testing.T) {
	c := comparison(t, schema.Regression, "mae_ratio", named(t, "mae", "mean_absolute_error"))
	if _, _, undefined := c.Value([]Measures{{-1}, {2}}, Measures{1}); !strings.Contains(undefined, "is of numbers above 0") {
		t.Errorf("got %q", undefined)
	}
	if got, _, undefined := c.Value([]Measures{{0}, {2}}, Measures{1}); got != 0 || undefined != "" {
		t.Errorf("got %v %q", got, undefined)
	}
	if got := Comparisons(schema.Regression, []*Metric{named(t, "r2", "r2")}); len(got) != 1 || got[0].Name != "r2_difference" {
		t.Errorf("got %+v", got)
	}
}

func TestComparisons(t *testing.T) {
	nan := math.NaN()
	groups := []Measures{{0.5, 0.8, 0.2}, {0.25, 0.6, 0.1}, {nan, nan, nan}}
	overall := Measures{0.4, 0.7, 0.16}
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
		c := comparison(t, schema.Binary, tc.name)
		c.ToOverall, c.Mean = tc.toOverall, tc.mean
		if got, compared, undefined := c.Value(groups, overall); undefined != "" || compared != 2 || !near(got, tc.want) {
			t.Errorf("%+v: got %v of %d groups %q", tc, got, compared, undefined)
		}
	}
	for name, want := range map[string]string{
		"demographic_parity_ratio":     "the selection_rate is 0 in every group",
		"equal_opportunity_difference": "no group has a true_positive_rate",
	} {
		if _, _, undefined := comparison(t, schema.Binary, name).Value([]Measures{{0, nan, 0}, {0, nan, 0}}, Measures{0, nan, 0}); undefined != want {
			t.Errorf("%s: got %q, want %q", name, undefined, want)
		}
	}
	if got, _, _ := comparison(t, schema.Binary, "demographic_parity_ratio").Value([]Measures{{0, 0, 0}, {0.5, 0, 0}}, Measures{}); got != 0 {
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
			found, err := b.Fairness(t.Context(), []Comparison{comparison(t, schema.Binary, tc.metric)}, grouped(t, s, of, len(tc.chances), 20), nil, 0)
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

// TestMetricCoverage does the same of a metric of numbers.
func TestMetricCoverage(t *testing.T) {
	mae := named(t, "mae", "mean_absolute_error")
	alike := make([]float64, 20)
	for g := range alike {
		alike[g] = 2
	}
	for _, tc := range []struct {
		name   string
		widths []float64 // of the errors, which are uniform: their mean is half of it
		metric string
		want   float64
	}{
		{"20 groups alike", alike, "mae_difference", 0},
		{"20 groups alike", alike, "mae_ratio", 1},
		{"three groups", []float64{2, 2, 3}, "mae_difference", 0.5},
		{"three groups", []float64{2, 3, 4}, "mae_ratio", 0.5},
	} {
		r := rand.New(rand.NewPCG(7, 8))
		const sets = 120
		held := 0
		for range sets {
			d := &Data{Task: schema.Regression}
			var of []int32
			for g, width := range tc.widths {
				for range 60 {
					of = append(of, int32(g))
					d.Actual, d.Predicted = append(d.Actual, 0), append(d.Predicted, width*r.Float64())
				}
			}
			s, err := NewSample(d)
			if err != nil {
				t.Fatal(err)
			}
			b := Bootstrap{Resamples: 200, Confidence: 0.95, Seed: 5, Threads: 2}
			found, err := b.Fairness(t.Context(), []Comparison{comparison(t, s.Task, tc.metric, mae)}, grouped(t, s, of, len(tc.widths), 20, mae), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			if i := found.Comparisons[0]; i.Undefined == "" && i.Low <= tc.want && tc.want <= i.High {
				held++
			}
		}
		t.Logf("%s, %s: %d of %d intervals hold %v", tc.name, tc.metric, held, sets, tc.want)
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
		i, err := b.Fairness(t.Context(), Comparisons(schema.Binary, nil), grouped(t, s, of, 2, 1), clusters, s.Rows()/4)
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

// TestAllDecidedAlike: groups of which every positive was found differ by nothing, which is not certain: a rate of 1 of 20
// rows may be one of 0.85, and the interval of the difference says so.
func TestAllDecidedAlike(t *testing.T) {
	d := &Data{Task: schema.Binary, Classes: 2}
	var of []int32
	for g := range 2 {
		for i := range 40 {
			y := float64(i % 2)
			d.Actual, d.Predicted, of = append(d.Actual, y), append(d.Predicted, y), append(of, int32(g))
		}
	}
	s, err := NewSample(d)
	if err != nil {
		t.Fatal(err)
	}
	b := Bootstrap{Resamples: 500, Confidence: 0.95, Seed: 5, Threads: 2}
	found, err := b.Fairness(t.Context(), []Comparison{comparison(t, schema.Binary, "equal_opportunity_difference")}, grouped(t, s, of, 2, 20), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if i := found.Comparisons[0]; i.Low != 0 || !(i.High > 0.1) {
		t.Errorf("got [%v, %v], want up to 0.15 or more", i.Low, i.High)
	}
	if i := found.ToOverall[0][1]; !(i.Low < -0.05) {
		t.Errorf("got [%v, %v] to all rows", i.Low, i.High)
	}
}

// TestFewPositivesByGroup counts how often the interval of the difference in recall of two groups with 20 positives each
// holds the true one.
func TestFewPositivesByGroup(t *testing.T) {
	sets := 150
	if soak() {
		sets = 2000
	}
	for _, chances := range [][2]float64{{0.9, 0.9}, {0.95, 0.95}, {0.95, 0.7}, {0.5, 0.8}} {
		r := rand.New(rand.NewPCG(1, 22))
		held := 0
		for e := range sets {
			d := &Data{Task: schema.Binary, Classes: 2}
			var of []int32
			for g, p := range chances {
				for i := range 60 {
					y, x := 0.0, hit(r, 0.1)
					if i < 20 {
						y, x = 1, hit(r, p)
					}
					d.Actual, d.Predicted, of = append(d.Actual, y), append(d.Predicted, x), append(of, int32(g))
				}
			}
			s := sample(t, d)
			b := Bootstrap{Resamples: 200, Confidence: 0.95, Seed: int64(e), Threads: 2}
			found, err := b.Fairness(t.Context(), []Comparison{comparison(t, schema.Binary, "equal_opportunity_difference")}, grouped(t, s, of, 2, 20), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			want := math.Abs(chances[0] - chances[1])
			if i := found.Comparisons[0]; i.Undefined != "" || i.Low <= want && want <= i.High {
				held++
			}
		}
		share := float64(held) / float64(sets)
		t.Logf("recalls %v: held in %.3f", chances, share)
		if share < 0.93-3*math.Sqrt(0.93*0.07/float64(sets)) {
			t.Errorf("recalls %v: held in %.3f of %d sets", chances, share, sets)
		}
	}
}
