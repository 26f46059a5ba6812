package canary

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSequentialDetection: the median time until an effect is seen is, within a fifth, that of simulated releases with many looks; and what is
// said to be early is what a tenth is seen before, within what that may be taken for.
func TestSequentialDetection(t *testing.T) {
	for i, c := range []struct {
		s             Sequence
		name          string
		share         int64
		rate          float64
		effect, limit float64
	}{
		{Sequence{0.05, 1}, "errors.ratio", 100_000, 0.02, 2, 1},
		{Sequence{0.05, 3}, "errors.ratio", 50_000, 0.02, 1.5, 1},
		{Sequence{0.01, 4}, "errors.ratio", 500_000, 0.3, 1.2, 1},
		{Sequence{0.05, 2}, "errors.ratio", 250_000, 0.02, 0.5, 1},
		{Sequence{0.05, 2}, "errors.ratio", 250_000, 0.02, 1.05, 1},
		{Sequence{0.05, 1}, "canary.errors.rate", 100_000, 0.02, 0.04, 0.02},
		{Sequence{0.05, 3}, "canary.errors.rate", 100_000, 0.02, 0.01, 0.02},
		{Sequence{0.05, 2}, "errors.difference", 100_000, 0.02, 0.02, 0.001},
		{Sequence{0.05, 2}, "errors.difference", 500_000, 0.2, -0.05, 0},
	} {
		releases, looks, slack := 60, int64(30), 0.25
		if soak() {
			releases, looks, slack = 2000, 60, 0.02
		} else if c.effect == 1.05 || c.limit == 0 {
			continue
		}
		d, err := c.s.Detection(Traffic{c.share, 100, c.rate}, c.name, c.effect, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		rate, _, err := canaryRate(c.rate, c.name, c.effect)
		if err != nil {
			t.Fatal(err)
		}
		tr := traffic{each: max(1, int64(d.Median.Requests)/looks), share: always(c.share), rate: always(c.rate), ratio: rate / c.rate}
		r := rand.New(rand.NewPCG(uint64(i), 21))
		var at []float64
		for range releases {
			var e Evidence
			look := 1
			for tr.next(r, &e, 0); !excludes(c.s, observed(e), c.name, c.limit) && look < 600; look++ {
				tr.next(r, &e, 0)
			}
			at = append(at, float64(int64(look)*tr.each))
		}
		slices.Sort(at)
		median, tenth := at[releases/2], at[releases/10]
		t.Logf("%-20s %g vs %g: early %.0f (%.0f simulated), median %.0f (%.0f)", c.name, c.effect, c.limit, d.Early.Requests, tenth, d.Median.Requests, median)
		if math.Abs(d.Median.Requests/median-1) > 0.2+slack {
			t.Errorf("%s %g vs %g: got a median of %.0f requests, simulated %.0f", c.name, c.effect, c.limit, d.Median.Requests, median)
		}
		if d.Early.Requests > 2*tenth || tenth > 2*d.Early.Requests {
			t.Errorf("%s %g vs %g: got early %.0f requests, simulated %.0f", c.name, c.effect, c.limit, d.Early.Requests, tenth)
		}
	}
}

// excludes reports whether a figure's interval rules a limit out.
func excludes(s Sequence, seen []stratum, name string, limit float64) bool {
	if name == "errors.difference" {
		canary, control := arms(seen, event("errors"), trialsOf("errors"))
		return canary.trials > 0 && control.trials > 0 && pair(canary, control, limit) > s.threshold(scales(seen))
	}
	f := s.of(seen, name)
	return limit < f.Low || limit > f.High
}

// TestDetection: what is said of a doubling, a small effect, and what cannot be seen.
func TestDetection(t *testing.T) {
	s := Sequence{0.05, 1}
	at := Traffic{100_000, 40, 0.02}
	detect := func(s Sequence, at Traffic, name string, effect, limit float64) Detection {
		t.Helper()
		d, err := s.Detection(at, name, effect, limit)
		if err != nil {
			t.Fatal(err)
		}
		if !(d.Early.Minutes <= d.Median.Minutes) || d.Early.Minutes != d.Early.Requests/at.PerMinute {
			t.Errorf("got %+v", d)
		}
		return d
	}
	d := detect(s, at, "errors.ratio", 2, 1)
	if d.Median.Minutes < 100 || d.Median.Minutes > 200 {
		t.Errorf("got %+v for a doubling of 2 %% errors at 10 %% of 40 requests a minute", d)
	}
	if !d.Undecided(10) || d.Undecided(120) {
		t.Errorf("got %+v: ten minutes decide nothing, two hours may", d)
	}
	for _, more := range []Detection{
		detect(Sequence{0.01, 1}, at, "errors.ratio", 2, 1),
		detect(Sequence{0.05, 3}, at, "errors.ratio", 2, 1),
		detect(s, Traffic{50_000, 40, 0.02}, "errors.ratio", 2, 1),
		detect(s, Traffic{100_000, 40, 0.01}, "errors.ratio", 2, 1),
		detect(s, Traffic{100_000, 20, 0.02}, "errors.ratio", 2, 1),
		detect(s, at, "errors.ratio", 1.5, 1),
		detect(s, at, "errors.difference", 0.02, 0.001),
		detect(s, at, "positives.ratio", 1.9, 1),
	} {
		if more.Median.Minutes <= d.Median.Minutes || more.Early.Minutes <= d.Early.Minutes {
			t.Errorf("got %+v, want longer than %+v", more, d)
		}
	}
	if small := detect(s, at, "errors.ratio", 1.02, 1); small.Early.Minutes < 60*24*9 {
		t.Errorf("got %+v for 2 %% more errors, want not before many days", small)
	}
	for _, never := range []Detection{
		detect(s, at, "errors.ratio", 1, 1), detect(s, at, "errors.difference", 0, 0), detect(s, at, "canary.errors.rate", 0.02, 0.02),
		detect(s, at, "scores.distance", 0.1, 0.1), detect(s, Traffic{100_000, 40, 0}, "errors.ratio", 2, 1),
	} {
		if !math.IsInf(never.Early.Minutes, 1) || !never.Undecided(1e12) {
			t.Errorf("got %+v of what is not there", never)
		}
	}
	if near, far := detect(s, at, "scores.distance", 0.1, 0), detect(s, at, "scores.distance", 0.3, 0); near.Median.Requests < 5*far.Median.Requests {
		t.Errorf("got %+v for a distance of 0.1, %+v for 0.3", near, far)
	}
}

func TestDetectionRefuses(t *testing.T) {
	for _, c := range []struct {
		s      Sequence
		at     Traffic
		name   string
		effect float64
		want   string
	}{
		{Sequence{2, 1}, Traffic{100_000, 40, 0.02}, "errors.ratio", 2, "alpha = 2"},
		{Sequence{0.05, 1}, Traffic{Whole, 40, 0.02}, "errors.ratio", 2, "a share of 1000000 millionths"},
		{Sequence{0.05, 1}, Traffic{100_000, 0, 0.02}, "errors.ratio", 2, "of 0 requests a minute"},
		{Sequence{0.05, 1}, Traffic{100_000, 40, 0.6}, "errors.ratio", 2, "0.6 with the control and 1.2 with the canary"},
		{Sequence{0.05, 1}, Traffic{100_000, 40, 0.02}, "latency.p99_ms", 2, `when "latency.p99_ms" decides cannot be told`},
		{Sequence{0.05, 1}, Traffic{100_000, 40, 0.02}, "control.errors.rate", 0.5, "cannot be told"},
		{Sequence{0.05, 1}, Traffic{100_000, 40, 0.02}, "scores.distance", 1.5, "distances are from 0 to 1"},
		{Sequence{0.05, 1}, Traffic{100_000, 40, 0.02}, "errors.ratio", math.NaN(), "both are numbers"},
	} {
		if _, err := c.s.Detection(c.at, c.name, c.effect, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}
