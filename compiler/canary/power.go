package canary

import (
	"fmt"
	"math"
	"strings"
)

// Traffic is what a step of a release gets.
type Traffic struct {
	Share     int64   // of the canary, in millionths; not all of them
	PerMinute float64 // requests in all; for mistakes, those whose label will be known
	Rate      float64 // of the event with the control: errors, positives, mistakes; of no use to scores.distance
}

// Detection is how long it takes until an effect is seen, if there is one, and if looks are frequent. What takes for ever is infinite.
type Detection struct {
	Early  Wait // in one release of ten it is seen before; a step that ends before decides nothing
	Median Wait
}

// Wait is a time as the requests of both arms that it takes.
type Wait struct{ Requests, Minutes float64 }

// parts are how chance shortens the time at which an effect is seen when counts are what they are on average: early and median. They are those of
// the first passage of a random walk with drift, the less the more evidence is asked for: in nats, what the truth is likelier than the limit. The
// constants are from simulations, which agree to a fifth (TestSequentialDetection).
func parts(nats float64) (early, median float64) {
	return max(0.1, 0.55-1.3/nats), max(0.5, 1.08-1.3/nats)
}

// Detection is how long it takes until the interval of a figure rules a limit out, if the truth is an effect:
//
//	errors.ratio        effect 2, limit 1            the canary fails twice as often
//	errors.difference   effect 0.01, limit 0.001     by 0.01 more often, where 0.001 are allowed
//	canary.errors.rate  effect 0.04, limit 0.02      in 4 % of requests, where 2 % are allowed
//	scores.distance     effect 0.1, limit 0
//
// Likewise of positives and mistakes. Latencies have no such number: how their quantiles differ depends on whole distributions.
func (s Sequence) Detection(t Traffic, name string, effect, limit float64) (Detection, error) {
	if err := s.Check(); err != nil {
		return Detection{}, err
	}
	q, err := s.question(t, name, effect, limit)
	if err != nil {
		return Detection{}, err
	}
	requests := least(q.decided)
	early, median := parts(q.nats(min(requests, never)))
	wait := func(part float64) Wait { return Wait{part * requests, part * requests / t.PerMinute} }
	return Detection{wait(early), wait(median)}, nil
}

// Undecided reports whether a step of so many minutes ends before the effect is seen in one release of ten: its rule decides nothing.
func (d Detection) Undecided(minutes float64) bool { return minutes < d.Early.Minutes }

// never is the number of requests from which on nothing is waited for.
const never = 1e15

// least is the least number of requests at which something is decided, to a thousandth.
func least(decides func(requests float64) bool) float64 {
	high := 1.0
	for !decides(high) {
		if high *= 2; high > never {
			return math.Inf(1)
		}
	}
	low := high / 2
	for high/low > 1.001 {
		if middle := math.Sqrt(low * high); decides(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

// A question is whether what is expected of so many requests rules out a limit, and how much likelier the truth is then.
type question struct {
	decided func(requests float64) bool
	nats    func(requests float64) float64
}

func (s Sequence) question(t Traffic, name string, effect, limit float64) (question, error) {
	if t.Share <= 0 || t.Share >= Whole || !(t.PerMinute > 0) || math.IsInf(t.PerMinute, 0) {
		return question{}, fmt.Errorf("a share of %d millionths of %g requests a minute: the share is from 1 to %d, and there are requests", t.Share, t.PerMinute, Whole-1)
	}
	if math.IsNaN(effect) || math.IsNaN(limit) {
		return question{}, fmt.Errorf("%s: an effect of %g and a limit of %g: both are numbers", name, effect, limit)
	}
	w := float64(t.Share) / Whole
	if name == "scores.distance" {
		return s.ofDistance(w, effect, limit)
	}
	rate, form, err := canaryRate(t.Rate, name, effect)
	if err != nil {
		return question{}, err
	}
	canary, control := func(n float64) rated { return rated{n * w * rate, n * w, 1} }, func(n float64) rated { return rated{n * (1 - w) * t.Rate, n * (1 - w), 1} }
	switch form {
	case "ratio":
		return s.ofRatio(w, canary, control, effect, limit), nil
	case "difference":
		variance := rate*(1-rate)/w + t.Rate*(1-t.Rate)/(1-w)
		return question{
			func(n float64) bool {
				return effect != limit && pair(canary(n), control(n), limit) > s.threshold(scales(nil))
			},
			func(n float64) float64 { return n * (effect - limit) * (effect - limit) / variance / 2 },
		}, nil
	}
	return question{
		func(n float64) bool { return effect != limit && canary(n).against(limit) > s.threshold(1) },
		func(n float64) float64 { return n * w * divergence(rate, limit) },
	}, nil
}

func (s Sequence) ofRatio(w float64, canary, control func(float64) rated, effect, limit float64) question {
	return question{
		func(n float64) bool {
			sum := canary(n).events
			f := split(sum, []trials{{sum + control(n).events, w, 1}}, s.threshold(1))
			return limit < f.Low || limit > f.High
		},
		func(n float64) float64 {
			part := func(r float64) float64 { return w * r / (w*r + 1 - w) }
			return (canary(n).events + control(n).events) * divergence(part(effect), part(limit))
		},
	}
}

func (s Sequence) ofDistance(w, effect, limit float64) (question, error) {
	if effect < 0 || effect > 1 || limit < 0 {
		return question{}, fmt.Errorf("a distance of %g, where %g is allowed: distances are from 0 to 1", effect, limit)
	}
	arms := func(n float64) (canary, control bounded) {
		return bounded{total: n * w, variance: n * w / 4}, bounded{total: n * (1 - w), variance: n * (1 - w) / 4}
	}
	return question{
		func(n float64) bool {
			canary, control := arms(n)
			return math.Abs(effect-limit) > margin(canary, control, s.threshold((ScoreBins-1)*scales(nil)))
		},
		func(n float64) float64 {
			canary, control := arms(n)
			return (effect - limit) * (effect - limit) / (canary.spread() + control.spread()) / 2
		},
	}, nil
}

// divergence is how much likelier an event of probability p is found under p than under q, in nats on average (Kullback and Leibler).
func divergence(p, q float64) float64 {
	part := func(p, q float64) float64 {
		if p == 0 {
			return 0
		}
		return p * math.Log(p/q)
	}
	return part(p, q) + part(1-p, 1-q)
}

// canaryRate is the canary's rate by an effect, and the last part of the figure's name.
func canaryRate(control float64, name string, effect float64) (rate float64, form string, err error) {
	parts := strings.Split(name, ".")
	form = parts[len(parts)-1]
	switch {
	case len(parts) == 2 && event(parts[0]) != nil && form == "ratio":
		rate = control * effect
	case len(parts) == 2 && event(parts[0]) != nil && form == "difference":
		rate = control + effect
	case len(parts) == 3 && parts[0] == "canary" && event(parts[1]) != nil && form == "rate":
		rate = effect
	default:
		return 0, "", fmt.Errorf("when %q decides cannot be told: ask of ratios, differences and the canary's rates of %s, or of scores.distance", name, strings.Join(events, ", "))
	}
	if !(control >= 0 && control <= 1 && rate >= 0 && rate <= 1) {
		return 0, "", fmt.Errorf("%s: rates of %g with the control and %g with the canary: they are from 0 to 1", name, control, rate)
	}
	return rate, form, nil
}
