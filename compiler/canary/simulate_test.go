package canary

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// soak reports whether simulations run in their long form: MLP_SOAK=1, as `make soak` sets.
func soak() bool { return os.Getenv("MLP_SOAK") != "" }

// binomial draws how many of n happen, by the gaps between them.
func binomial(r *rand.Rand, n int64, p float64) (k int64) {
	if p > 0.5 {
		return n - binomial(r, n, 1-p)
	}
	for i := gap(r, p); i < n; i += 1 + gap(r, p) {
		k++
	}
	return k
}

func gap(r *rand.Rand, p float64) int64 {
	return int64(min(1e15, math.Floor(math.Log(1-r.Float64())/math.Log1p(-p))))
}

// A traffic is what a release is simulated with. Looks are counted from 0.
type traffic struct {
	name  string
	looks int
	each  int64                  // requests between two looks
	share func(look int) int64   // of the canary, in millionths
	rate  func(look int) float64 // of the control's errors
	ratio float64                // of the canary's errors to the control's
	exact bool                   // the canary gets its share of every look, instead of by chance
}

func always[T any](x T) func(int) T { return func(int) T { return x } }

// tenth is 10 % of traffic with 2 % errors.
func tenth(name string, each int64, ratio float64) traffic {
	return traffic{name: name, looks: 50, each: each, share: always(int64(100_000)), rate: always(0.02), ratio: ratio}
}

// next adds what one look has seen; it returns that look alone.
func (tr traffic) next(r *rand.Rand, e *Evidence, look int) (canary, control Arm) {
	share := tr.share(look)
	canary.Requests = tr.each * share / Whole
	if !tr.exact {
		canary.Requests = binomial(r, tr.each, float64(share)/Whole)
	}
	control.Requests = tr.each - canary.Requests
	canary.Errors = binomial(r, canary.Requests, tr.rate(look)*tr.ratio)
	control.Errors = binomial(r, control.Requests, tr.rate(look))
	s := e.At(share)
	s.Canary, s.Control = sum(s.Canary, canary), sum(s.Control, control)
	return canary, control
}

// settings are releases whose canary is like the control.
func settings() []traffic {
	byTurns := func(look int) int64 { return []int64{50_000, 250_000, 500_000}[min(look/17, 2)] }
	back := func(look int) int64 { return []int64{50_000, 500_000}[look/5%2] }
	seasons := func(look int) float64 { return 0.03 + 0.029*math.Sin(float64(look)/4) }
	exact := tenth("2 % errors, shares exact", 1000, 1)
	exact.exact = true
	return []traffic{
		tenth("2 % errors", 1000, 1),
		tenth("2 % errors, 10,000 requests", 10_000, 1),
		exact,
		{"few errors", 50, 1000, always(int64(100_000)), always(0.0005), 1, false},
		{"30 % errors", 50, 300, always(int64(50_000)), always(0.3), 1, false},
		{"steps, errors by season", 50, 1000, byTurns, seasons, 1, false},
		{"steps to and fro, errors with the share", 50, 1000, back, func(look int) float64 { return 0.005 + 0.05*float64(look/5%2) }, 1, false},
	}
}

// allowed is the greatest count of n that a probability allows: four standard deviations above what is expected.
func allowed(n int, p float64) int {
	return int(math.Ceil(float64(n)*p + 4*math.Sqrt(float64(n)*p*(1-p))))
}

// TestSequentialFalseAlarms: of releases whose canary is like the control, at most alpha have at any of 50 looks an interval that rules that out.
func TestSequentialFalseAlarms(t *testing.T) {
	const alpha = 0.05
	for i, tr := range settings() {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			releases, every := 200, 8 // differences, which take their time, of each eighth release
			if i == 0 {
				releases = 1000
			}
			if soak() {
				releases = 10_000
			}
			r := rand.New(rand.NewPCG(uint64(i), 11))
			wrong := map[string]int{}
			for release := range releases {
				var e Evidence
				seen := map[string]bool{}
				for look := range tr.looks {
					tr.next(r, &e, look)
					steps := observed(e)
					s := Sequence{alpha, 1}
					if f := s.of(steps, "errors.ratio"); f.Low > 1 || f.High < 1 {
						seen["errors.ratio"] = true
					}
					if f := s.of(steps, "requests.ratio"); f.Low > 1 || f.High < 1 {
						seen["requests.ratio"] = true
					}
					if release%every == 0 && look%3 == 0 {
						canary, control := arms(steps, event("errors"), trialsOf("errors"))
						if pair(canary, control, 0) > s.threshold(scales(steps)) {
							seen["errors.difference"] = true
						}
					}
				}
				for name := range seen {
					wrong[name]++
				}
			}
			for name, of := range map[string]int{"errors.ratio": releases, "requests.ratio": releases, "errors.difference": releases / every} {
				t.Logf("%-20s %d of %d", name, wrong[name], of)
				if wrong[name] > allowed(of, alpha) {
					t.Errorf("%s: %d of %d releases, want at most %g of them", name, wrong[name], of, alpha)
				}
			}
		})
	}
}

// TestSequentialDistributionsFalseAlarms is the same for latencies, which differ by the hour, and scores.
func TestSequentialDistributionsFalseAlarms(t *testing.T) {
	const alpha = 0.05
	releases := 40
	if soak() {
		releases = 2000
	}
	r := rand.New(rand.NewPCG(1, 12))
	wrong := map[string]int{}
	names := []string{"latency.p50_ms", "latency.p99_ms", "scores.distance"}
	for range releases {
		var e Evidence
		seen := map[string]bool{}
		for look := range 50 {
			share := []int64{100_000, 400_000}[look/25]
			s := e.At(share)
			for range 60 {
				arm := &s.Control
				if r.Int64N(Whole) < share {
					arm = &s.Canary
				}
				serve(r, arm, 0.02, 1+0.5*math.Sin(float64(look)/8))
			}
			for _, name := range names {
				f := Sequence{alpha, 1}.of(observed(e), name)
				if f.Low > 0 || f.High < 0 {
					seen[name] = true
				}
			}
		}
		for name := range seen {
			wrong[name]++
		}
	}
	for _, name := range names {
		t.Logf("%-20s %d of %d", name, wrong[name], releases)
		if wrong[name] > allowed(releases, alpha) {
			t.Errorf("%s: %d of %d releases, want at most %g of them", name, wrong[name], releases, alpha)
		}
	}
}

// TestSequentialRates: intervals of rates hold, at all looks, the average of the rates that the arm's requests had.
func TestSequentialRates(t *testing.T) {
	const alpha = 0.2
	releases := 100
	if soak() {
		releases = 2000
	}
	r := rand.New(rand.NewPCG(1, 13))
	missed := 0
	for range releases {
		r1 := rated{scale: 1}
		mean, out := 0.0, false
		for look := range 30 {
			rate := 0.02 + 0.2*float64(look%7)/7
			r1.events += float64(binomial(r, 40, rate))
			r1.trials += 40
			mean += rate * 40
			f := r1.interval(Sequence{alpha, 1}.threshold(1))
			if truth := mean / r1.trials; f.Low > truth || f.High < truth {
				out = true
			}
		}
		if out {
			missed++
		}
	}
	t.Logf("missed in %d of %d", missed, releases)
	if missed > allowed(releases, alpha) {
		t.Errorf("missed in %d of %d, want at most %g of them", missed, releases, alpha)
	}
}

// A rule looks at all counts so far, and those since the look before, and aborts or not.
type rule struct {
	name  string
	begin func() func(e Evidence, canary, control Arm) bool
}

// rules are this package's, and those of others: thresholds in each window, and a test for one look that is asked at each.
func rules() []rule {
	over := func(canary, control Arm) bool {
		return float64(canary.Errors)*float64(control.Requests) > 1.5*float64(control.Errors)*float64(canary.Requests)
	}
	return []rule{
		{"canary > 1.5 x control in a window", func() func(Evidence, Arm, Arm) bool {
			return func(_ Evidence, canary, control Arm) bool { return over(canary, control) }
		}},
		{"the same, three windows on end", func() func(Evidence, Arm, Arm) bool {
			n := 0
			return func(_ Evidence, canary, control Arm) bool {
				if n++; !over(canary, control) {
					n = 0
				}
				return n == 3
			}
		}},
		{"z-test at 5 % at each look", func() func(Evidence, Arm, Arm) bool {
			return func(e Evidence, _, _ Arm) bool {
				a, b := e.Steps[0].Canary, e.Steps[0].Control
				n, m := float64(a.Requests), float64(b.Requests)
				p := float64(a.Errors+b.Errors) / (n + m)
				return float64(a.Errors)/n-float64(b.Errors)/m > 1.6449*math.Sqrt(p*(1-p)*(1/n+1/m))
			}
		}},
		{"errors.ratio.low > 1, alpha 5 %", func() func(Evidence, Arm, Arm) bool {
			return func(e Evidence, _, _ Arm) bool {
				return Sequence{0.05, 1}.of(observed(e), "errors.ratio").Low > 1
			}
		}},
	}
}

// aborts simulates releases; a rule's looks at which it aborted them, sorted, 51 where it never did.
func aborts(tr traffic, rule rule, releases int, seed uint64) []int {
	r := rand.New(rand.NewPCG(seed, 14))
	var at []int
	for range releases {
		var e Evidence
		aborts, look := rule.begin(), 0
		for look < tr.looks {
			canary, control := tr.next(r, &e, look)
			if look++; aborts(e, canary, control) {
				break
			}
			if look == tr.looks {
				look++
				break
			}
		}
		at = append(at, look)
	}
	slices.Sort(at)
	return at
}

// TestSequentialRules sets this package's rule beside others: it is wrong in at most 5 % of releases, and finds a doubling within 8 looks of 100
// requests of the canary, in the median; thresholds by window abort most of what is as good as what they compare it with.
func TestSequentialRules(t *testing.T) {
	releases := 200
	if soak() {
		releases = 10_000
	}
	share := func(at []int) float64 {
		n, _ := slices.BinarySearch(at, 51)
		return float64(n) / float64(len(at))
	}
	t.Logf("%-36s %14s %14s %14s %14s", "", "alike, 100", "alike, 1,000", "twice, 100", "1.3, 1,000")
	for i, rule := range rules() {
		few, many := aborts(tenth("", 1000, 1), rule, releases, 1), aborts(tenth("", 10_000, 1), rule, releases, 2)
		twice, third := aborts(tenth("", 1000, 2), rule, releases, 3), aborts(tenth("", 10_000, 1.3), rule, releases, 4)
		half := releases / 2
		t.Logf("%-36s %13.1f%% %13.1f%% %14d %14d", rule.name, 100*share(few), 100*share(many), twice[half], third[half])
		switch i {
		case 0:
			if share(few) < 0.95 || share(many) < 0.6 {
				t.Errorf("%s: aborts %g and %g, want nearly all and most", rule.name, share(few), share(many))
			}
		case 3:
			if worst := float64(allowed(releases, 0.05)) / float64(releases); share(few) > worst || share(many) > worst {
				t.Errorf("%s: aborts %g and %g of what is alike, want at most 0.05", rule.name, share(few), share(many))
			}
			if twice[half] > 8 {
				t.Errorf("%s: finds a doubling at look %d, want 8 at most", rule.name, twice[half])
			}
		}
	}
}
