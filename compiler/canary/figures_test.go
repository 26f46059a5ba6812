package canary

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// sound tells what is wrong with a figure: an interval is one, and contains its value.
func sound(f Figure) error {
	if math.IsNaN(f.Low) || math.IsNaN(f.High) || f.Low > f.High || f.Value < f.Low || f.Value > f.High {
		return fmt.Errorf("%g is not in the interval from %g to %g", f.Value, f.Low, f.High)
	}
	return nil
}

// of is a figure of evidence that is sound.
func of(t *testing.T, s Sequence, e Evidence, name string) Figure {
	t.Helper()
	f, err := s.Of(e, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := sound(f); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return f
}

// near reports whether two numbers agree.
func near(got, want, relative float64) bool {
	return got == want || math.Abs(got-want) <= relative*max(math.Abs(got), math.Abs(want))
}

// TestLogEvidence compares the integral with beta functions, for events that were supposed to be as likely as not, and for halves of
// them with different parts.
func TestLogEvidence(t *testing.T) {
	beta := func(a, b float64) float64 {
		x, _ := math.Lgamma(a)
		y, _ := math.Lgamma(b)
		both, _ := math.Lgamma(a + b)
		return x + y - both
	}
	for _, c := range []struct{ n, sum float64 }{{0, 0}, {1, 0}, {1, 1}, {10, 3}, {200, 1}, {1e4, 5200}, {1e6, 500_100}, {1e9, 500_000_000}, {5000, 5000}} {
		const a = concentration
		want := beta(a+c.sum, a+c.n-c.sum) - beta(a, a) + c.n*math.Ln2
		for _, strata := range [][]trials{{{c.n, 0.5, 1}}, {{c.n / 4, 0.5, 1}, {3 * c.n / 4, 0.5, 1}}} {
			if got := logEvidence(c.sum, strata); math.Abs(got-want) > 1e-9*max(1, c.n*1e-4) {
				t.Errorf("%v of %v: got %.12g, want %.12g", c.sum, c.n, got, want)
			}
		}
	}
}

// TestExpectation: under what is supposed an e-value is 1 on average, at any number of events, any share, and with weights.
func TestExpectation(t *testing.T) {
	for _, s := range []trials{{1, 0.05, 1}, {7, 0.05, 1}, {60, 0.05, 0.3}, {60, 0.6, 1}, {200, 0.99, 0.5}} {
		mean := 0.0
		for k := 0.0; k <= s.n; k++ {
			all, _ := math.Lgamma(s.n + 1)
			hits, _ := math.Lgamma(k + 1)
			rest, _ := math.Lgamma(s.n - k + 1)
			mean += math.Exp(all - hits - rest + k*math.Log(s.p) + (s.n-k)*math.Log1p(-s.p) + logEvidence(k*s.weight, []trials{s}))
		}
		if !near(mean, 1, 1e-9) {
			t.Errorf("%+v: got %.12g, want 1", s, mean)
		}
	}
}

// TestFiguresAreSound: of evidence of any sort, with wider intervals where alpha is smaller or more figures are read.
func TestFiguresAreSound(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for range 30 {
		e := random(r)
		for _, name := range Names() {
			f := of(t, Sequence{0.05, 1}, e, name)
			for _, s := range []Sequence{{0.01, 1}, {0.05, 4}} {
				wider := of(t, s, e, name)
				if wider.Low > f.Low+1e-7 || wider.High < f.High-1e-7*f.High {
					t.Errorf("%s: got %v at %v, want no narrower than %v", name, wider, s, f)
				}
			}
		}
	}
}

// TestNothingIsOpen: what was not seen yet rules nothing out.
func TestNothingIsOpen(t *testing.T) {
	for _, e := range []Evidence{{}, {Steps: []Step{{Share: Whole, Canary: Arm{Requests: 1000, Errors: 900, Latency: Histogram{900}}}}}} {
		for _, name := range Names() {
			f := of(t, Sequence{0.05, 1}, e, name)
			open := strings.HasSuffix(name, "ratio") && f.Low == 0 && math.IsInf(f.High, 1) ||
				strings.HasSuffix(name, "rate") && f.Low == 0 && f.High == 1 ||
				strings.HasSuffix(name, "difference") && f.Low == -1 && f.High == 1 ||
				strings.HasSuffix(name, "distance") && f.Low == 0 && f.High == 1 ||
				strings.HasSuffix(name, "_ms") && f.Low <= 0 && math.IsInf(f.High, 1)
			if !math.IsNaN(f.Value) || !open {
				t.Errorf("%s: got %v of nothing", name, f)
			}
		}
	}
	// Twenty requests without an error are no proof of anything.
	few := Evidence{Steps: []Step{{Share: 100_000, Canary: Arm{Requests: 20}, Control: Arm{Requests: 180}}}}
	if f := of(t, Sequence{0.05, 1}, few, "canary.errors.rate"); f.Value != 0 || f.Low != 0 || f.High < 0.2 {
		t.Errorf("got %v of 20 requests", f)
	}
}

func TestOfRefuses(t *testing.T) {
	good := Sequence{0.05, 1}
	for _, c := range []struct {
		s    Sequence
		e    Evidence
		name string
		want string
	}{
		{good, Evidence{}, "errors.ration", `no figure "errors.ration" of a release: there are canary.errors.rate, `},
		{Sequence{0, 1}, Evidence{}, "errors.ratio", "alpha = 0 for 1 figures"},
		{Sequence{1, 1}, Evidence{}, "errors.ratio", "alpha = 1"},
		{Sequence{0.05, 0}, Evidence{}, "errors.ratio", "for 0 figures"},
		{good, Evidence{Steps: []Step{{Share: 5, Canary: Arm{Errors: 1}}}}, "errors.ratio", "1 errors: there can be 0 to 0"},
	} {
		if _, err := c.s.Of(c.e, c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}

// TestSymmetry: with the arms exchanged a ratio is its inverse, and a difference its opposite.
func TestSymmetry(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	s := Sequence{0.05, 2}
	for range 20 {
		e := random(r)
		var other Evidence
		for _, step := range e.Steps {
			if step.Share < Whole {
				*other.At(Whole - step.Share) = Step{Whole - step.Share, step.Control, step.Canary}
			}
		}
		a, b := of(t, s, e, "errors.ratio"), of(t, s, other, "errors.ratio")
		if !near(a.Low, 1/b.High, 1e-6) || !near(a.High, 1/b.Low, 1e-6) {
			t.Errorf("got %v, exchanged %v", a, b)
		}
		if len(other.Steps) == 1 {
			a, b = of(t, s, e, "errors.difference"), of(t, s, other, "errors.difference")
			if !near(a.Low, -b.High, 1e-6) || !near(a.High, -b.Low, 1e-6) {
				t.Errorf("got %v, exchanged %v", a, b)
			}
		}
	}
}

// TestMonotone: with one error of the canary's more, and all else alike, no end of its figures is lower.
func TestMonotone(t *testing.T) {
	s := Sequence{0.05, 2}
	for _, name := range []string{"errors.ratio", "errors.difference", "canary.errors.rate"} {
		before := Figure{math.Inf(-1), math.Inf(-1), math.Inf(-1)}
		for errors := range int64(60) {
			e := Evidence{Steps: []Step{
				{Share: 50_000, Canary: Arm{Requests: 60, Errors: errors / 2}, Control: Arm{Requests: 900, Errors: 20}},
				{Share: 250_000, Canary: Arm{Requests: 60, Errors: errors - errors/2}, Control: Arm{Requests: 200, Errors: 9}},
			}}
			f := of(t, s, e, name)
			if f.Value < before.Value || f.Low < before.Low-1e-7 || f.High < before.High-1e-7 {
				t.Errorf("%s: got %v after %v with an error more", name, f, before)
			}
			before = f
		}
	}
}

// TestSteps: where errors and the share move together, arms that are alike at each step are found alike, though all counts thrown together
// say that the canary fails twice as often.
func TestSteps(t *testing.T) {
	e := Evidence{Steps: []Step{
		{Share: 50_000, Canary: Arm{Requests: 5_000, Errors: 50, Labelled: 1000, Mistakes: 10}, Control: Arm{Requests: 95_000, Errors: 950, Labelled: 19_000, Mistakes: 190}},
		{Share: 500_000, Canary: Arm{Requests: 50_000, Errors: 2_500}, Control: Arm{Requests: 50_000, Errors: 2_500}},
	}}
	s := Sequence{0.05, 3}
	if pooled := (2550.0 / 55_000) / (3450.0 / 145_000); pooled < 1.9 {
		t.Fatalf("the setting is none of Simpson's: %v", pooled)
	}
	if f := of(t, s, e, "errors.ratio"); !near(f.Value, 1, 1e-9) || f.Low < 0.85 || f.High > 1.15 {
		t.Errorf("ratio: got %v, want about 1", f)
	}
	if f := of(t, s, e, "errors.difference"); math.Abs(f.Value) > 1e-12 || f.Low > 0 || f.High < 0 || f.High > 0.01 {
		t.Errorf("difference: got %v, want about 0", f)
	}
	canary, control := of(t, s, e, "canary.errors.rate"), of(t, s, e, "control.errors.rate")
	if !near(canary.Value, control.Value, 1e-12) || !near(canary.Value, 2550.0/55_000, 1e-12) {
		t.Errorf("rates: got %v and %v", canary, control)
	}
}

// TestQuantiles: intervals are edges around the quantile that was drawn from, and narrow as counts grow.
func TestQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	var e Evidence
	s := e.At(500_000)
	width := math.Inf(1)
	for n := 1; n <= 16_000; n++ {
		s.Canary.Requests++
		s.Control.Requests++
		s.Canary.Latency.Add(LatencyBin(10 * r.ExpFloat64()))
		s.Control.Latency.Add(LatencyBin(10 * r.ExpFloat64()))
		if n != 1000 && n != 16_000 {
			continue
		}
		for i, level := range levels {
			truth := -10 * math.Log(1-level)
			f := of(t, Sequence{0.05, 1}, e, "canary.latency."+quantiles[i]+"_ms")
			if f.Low > truth || f.High < truth {
				t.Errorf("%s of %d: got %v, want an interval around %v", quantiles[i], n, f, truth)
			}
			if level == 0.99 {
				if f.High-f.Low >= width {
					t.Errorf("p99 of %d: got %v, no narrower than %v", n, f, width)
				}
				width = f.High - f.Low
			}
		}
	}
	if f := of(t, Sequence{0.05, 1}, e, "canary.latency.p99_ms"); !near(f.Value, 46.05, 0.1) || f.High > 1.5*f.Value {
		t.Errorf("got %v, want about 46", f)
	}
	slow := Evidence{Steps: []Step{{Share: 500_000, Canary: Arm{Requests: 1000, Latency: make(Histogram, LatencyBins)}, Control: s.Control}}}
	slow.Steps[0].Canary.Latency[LatencyBins-1] = 1000
	if f := of(t, Sequence{0.05, 1}, slow, "latency.p99_ms"); f.Low < 65_000 || !math.IsInf(f.High, 1) {
		t.Errorf("got %v of a canary that is slower than can be told", f)
	}
}

func TestFigureJSON(t *testing.T) {
	got, err := Figure{math.NaN(), 0.5, math.Inf(1)}.MarshalJSON()
	if want := `{"value":null,"low":0.5,"high":null}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}
