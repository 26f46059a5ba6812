package train

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// drawn are rows of so many groups with different scores; of a group that comes later fewer are positive, and scores tell less.
func drawn(random *rand.Rand, groups, rows int) (*Set, []float64) {
	set := &Set{Rows: rows, Target: make([]float64, rows)}
	codes, score := make([]int32, rows), make([]float64, rows)
	for r := range rows {
		codes[r] = int32(min(random.IntN(groups), random.IntN(groups)))
		if random.Float64() < 0.5/(1+float64(codes[r])) {
			set.Target[r] = 1
		}
		score[r] = 1 / (1 + math.Exp(-(set.Target[r]/(1+float64(codes[r])) + random.NormFloat64() - 0.2*float64(codes[r]))))
	}
	levels := make([]string, groups)
	for i := range levels {
		levels[i] = string(rune('a' + i))
	}
	set.groups = &frame.Frame{Rows: rows, Columns: []frame.Column{{Name: "g", Type: "varchar", Levels: levels, Codes: codes}}}
	return set, score
}

func deciding(t *testing.T, set *Set, d *Decision, log io.Writer) *Training {
	s := stage(t, log)
	return &Training{stage: s, config: &Config{Decision: d}, Validation: set}
}

// TestEqualize: on the rows that they were chosen on the rates of groups lie no further apart than one row of the group that has the fewest rows that the rate is of.
func TestEqualize(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		equalize := []string{selectionRate, truePositiveRate, falsePositiveRate}[round%3]
		groups := 2 + round%4
		set, score := drawn(random, groups, 300+random.IntN(400))
		d := &Decision{Maximize: definition("f1"), By: []string{"g"}, Equalize: equalize, Otherwise: overall}
		training := deciding(t, set, d, io.Discard)
		got, err := training.decideGroups(score)
		if err != nil {
			t.Fatal(err)
		}
		counts := make([]candidate, len(got.by.Values))
		for r, p := range got.predicted(set, score, false) {
			if k := got.groups.of[r]; k >= 0 {
				counts[k].count(set.Target[r], p, 1)
			}
		}
		low, high, step := 1.0, 0.0, 0.0
		for k := range counts {
			c := &counts[k]
			x := ratesAt(equalize, c)[0]
			low, high = min(low, x), max(high, x)
			of := map[string]float64{selectionRate: c.tn + c.fp + c.fn + c.tp, truePositiveRate: c.fn + c.tp, falsePositiveRate: c.tn + c.fp}[equalize]
			step = max(step, 1/of)
		}
		if !(high-low <= step+1e-12) {
			t.Errorf("round %d, %s of %d groups: rates from %g to %g, a step is %g", round, equalize, groups, low, high, step)
		}
		figures, err := training.measureDecision(got, score)
		if err != nil || math.Abs(figures.After.Difference-(high-low)) > 1e-12 {
			t.Errorf("round %d: the figures say %+v of %g (%v)", round, figures, high-low, err)
		}
	}
}

// TestEqualizeOneGroup: of one group the threshold is that of the decision without groups, whatever is to be made alike.
func TestEqualizeOneGroup(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 40 {
		set, score := drawn(random, 1, 200)
		for r := range score {
			score[r] = math.Round(score[r]*50) / 50 // with ties
		}
		d := &Decision{Maximize: definition([]string{"f1", "accuracy", "recall", "false_positive_rate"}[round%4]), By: []string{"g"}, Equalize: equalizable()[round%3],
			Where: []Limit{limit("recall", ">=", 0.4)}}
		training := deciding(t, set, d, io.Discard)
		got, err := training.decideGroups(score)
		if err != nil || got.by.Thresholds[0] != got.threshold {
			t.Errorf("round %d: %+v, %v", round, got, err)
		}
	}
}

// TestEqualizeBest: of two groups no pair of thresholds whose rates lie as near has more of the metric, of those whose rates are nearest to some common one.
func TestEqualizeBest(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for round := range 30 {
		equalize := []string{selectionRate, truePositiveRate, falsePositiveRate, equalizedOdds}[round%4]
		set, score := drawn(random, 2, 150)
		d := &Decision{Maximize: definition("accuracy"), By: []string{"g"}, Equalize: equalize}
		if equalize == equalizedOdds {
			tolerance := 0.1
			d.Tolerance = &tolerance
		}
		training := deciding(t, set, d, io.Discard)
		got, err := training.decideGroups(score)
		if err != nil {
			t.Fatal(err)
		}
		var rows [2][]int
		for r, k := range got.groups.of {
			rows[k] = append(rows[k], r)
		}
		var all [2][]candidate
		for k := range rows {
			all[k] = candidates(score, set, rows[k])
		}
		right := func(c ...candidate) (n float64) {
			for _, x := range c {
				n += x.tp + x.tn
			}
			return n
		}
		want := -1.0
		// Of every point of a curve the nearest of the other, by looking at each.
		for from := range 2 {
			for _, at := range all[from] {
				p := ratesAt(equalize, &at)
				nearest := func(of []candidate) (best []candidate) {
					least := math.Inf(1)
					for _, c := range of {
						q := ratesAt(equalize, &c)
						far := max(math.Abs(p[0]-q[0]), math.Abs(p[1]-q[1]))
						if far < least {
							least, best = far, nil
						}
						if far == least {
							best = append(best, c)
						}
					}
					if equalize == equalizedOdds {
						return best[:1]
					}
					return best
				}
				for _, a := range nearest(all[from]) {
					for _, b := range nearest(all[1-from]) {
						pa, pb := ratesAt(equalize, &a), ratesAt(equalize, &b)
						if d.Tolerance == nil || max(math.Abs(pa[0]-pb[0]), math.Abs(pa[1]-pb[1])) <= *d.Tolerance {
							want = max(want, right(a, b))
						}
					}
				}
			}
		}
		var chosen [2]candidate
		for r, p := range got.predicted(set, score, false) {
			chosen[got.groups.of[r]].count(set.Target[r], p, 1)
		}
		// Of two thresholds of a rate that are equally near the higher one is taken, which a search of all may beat by a row.
		if have := right(chosen[:]...); have > want || have < want-1 {
			t.Errorf("round %d, %s: %g of 150 are right, and %g can be", round, equalize, have, want)
		}
	}
}

func TestEqualizeRefuses(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	set, score := drawn(random, 3, 400)
	few := func(n int) *Set { // the third group has n rows
		out := *set
		c := set.groups.Columns[0]
		c.Codes = append([]int32{}, c.Codes...)
		for r := range c.Codes {
			if c.Codes[r] == 2 {
				if n--; n < 0 {
					c.Codes[r] = 0
				}
			}
		}
		out.groups = &frame.Frame{Rows: set.Rows, Columns: []frame.Column{c}}
		return &out
	}
	narrow := 0.0
	tests := []struct {
		name string
		set  *Set
		d    Decision
		want string
	}{
		{"a small group", few(5), Decision{Equalize: selectionRate}, "1 groups by g are too small in the validation table"},
		{"limits", set, Decision{Equalize: selectionRate, Where: []Limit{limit("recall", ">", 0.4), limit("false_positive_rate", "<=", 0.45)}, Tolerance: &narrow}, "selection_rate"},
	}
	for _, tt := range tests {
		tt.d.Maximize, tt.d.By = definition("f1"), []string{"g"}
		_, err := deciding(t, tt.set, &tt.d, io.Discard).decideGroups(score)
		var input *component.InputError
		if !errors.As(err, &input) || !strings.Contains(input.Summary, tt.want) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
	var log strings.Builder
	got, err := deciding(t, few(5), &Decision{Maximize: definition("f1"), By: []string{"g"}, Equalize: selectionRate, Otherwise: overall}, &log).decideGroups(score)
	if err != nil || len(got.by.Thresholds) != 2 || !strings.Contains(log.String(), "5 of 400 rows of the validation table are of no group by g") {
		t.Errorf("otherwise: %v %v %s", got, err, log.String())
	}
	if one := got.predicted(few(5), score, true); fmt.Sprint(one) == fmt.Sprint(got.predicted(few(5), score, false)) {
		t.Error("both ways decide alike")
	}
}

// TestNeeded: columns of groups become features behind the estimator's own, each once, text with the values that groups have.
func TestNeeded(t *testing.T) {
	training := &Training{Signature: model.Signature{Features: []model.Feature{{Name: "own", Type: "varchar", Levels: []string{"x"}}}}, stage: stage(t, io.Discard)}
	if !training.known([]string{"own"}, "x") || training.known([]string{"own"}, "y") {
		t.Error("values of an own feature are those that it was trained on")
	}
	if got := training.needed(&model.Groups{By: []string{"own"}, Values: [][]string{{"x"}}}, nil); got != nil {
		t.Errorf("got %+v", got)
	}
}
