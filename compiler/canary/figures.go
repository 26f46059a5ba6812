package canary

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Figure is a number with the interval that holds what is true. An end that is open is infinite, and a value of which nothing is known yet is
// not a number; both are null in JSON.
type Figure struct {
	Value, Low, High float64
}

// MarshalJSON writes {"value": 1.9, "low": 1.1, "high": 3.6}.
func (f Figure) MarshalJSON() ([]byte, error) {
	finite := func(x float64) *float64 {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil
		}
		return &x
	}
	return json.Marshal(struct {
		Value *float64 `json:"value"`
		Low   *float64 `json:"low"`
		High  *float64 `json:"high"`
	}{finite(f.Value), finite(f.Low), finite(f.High)})
}

// Sequence says how sure intervals are: all of a release's figures hold what is true, at all looks together, in a share 1 - Alpha of releases.
type Sequence struct {
	Alpha   float64 // from 0 to 1, neither included
	Figures int     // how many figures rules read: each interval is at Alpha/Figures
}

// threshold is the logarithm of the e-value at which a supposition is given up, for one of so many intervals within a figure.
func (s Sequence) threshold(intervals float64) float64 {
	return math.Log(float64(s.Figures)*intervals) - math.Log(s.Alpha)
}

// scales is by how many an interval that rests on weights is at a lower level. With each new step the greatest weight changes, to which
// others are in proportion, and an e-value of its own begins: the j-th may be wrong in 1 of j(j+1) parts of alpha, which add up to 1.
func scales(seen []stratum) float64 {
	j := 0.0
	for _, s := range seen {
		if s.control.any() {
			j++
		}
	}
	return max(2, j*(j+1))
}

// Check tells what is wrong with the settings.
func (s Sequence) Check() error {
	if !(s.Alpha > 0 && s.Alpha < 1) || s.Figures < 1 {
		return fmt.Errorf("alpha = %g for %d figures: alpha is between 0 and 1, and there is at least one figure", s.Alpha, s.Figures)
	}
	return nil
}

// Kinds of events, and the quantiles of latencies, that names of figures are made of.
var (
	events    = []string{"errors", "positives", "mistakes", "recall", "false_positives"}
	quantiles = []string{"p50", "p90", "p95", "p99"}
	levels    = []float64{0.5, 0.9, 0.95, 0.99}
)

// Names lists the figures.
//
//	requests.ratio         canary's requests over what its share of the traffic is: 1, or the assignment is wrong
//	errors.ratio           the canary's error rate over the control's; likewise positives and mistakes
//	errors.difference      the canary's error rate minus the control's
//	canary.errors.rate     errors over requests, positives over answers, mistakes over labelled answers
//	control.errors.rate
//	canary.latency.p99_ms  also p50, p90 and p95
//	control.latency.p99_ms
//	latency.p99_ms         the canary's minus the control's
//	scores.distance        the greatest difference between the distribution functions of the scores (Kolmogorov-Smirnov)
//
// Steps without a control (all of the traffic) are left out of every figure. The control's figures have the mixture of steps that
// the canary's have.
func Names() []string {
	names := []string{"requests.ratio", "scores.distance"}
	for _, e := range events {
		names = append(names, e+".ratio", e+".difference", "canary."+e+".rate", "control."+e+".rate")
	}
	for _, q := range quantiles {
		names = append(names, "latency."+q+"_ms", "canary.latency."+q+"_ms", "control.latency."+q+"_ms")
	}
	slices.Sort(names)
	return names
}

// Of is a figure by its name, from what was seen so far. It may be asked for after every request; of the same counts it is the same.
func (s Sequence) Of(e Evidence, name string) (Figure, error) {
	if err := s.Check(); err != nil {
		return Figure{}, err
	}
	if err := e.Check(); err != nil {
		return Figure{}, err
	}
	if !slices.Contains(Names(), name) {
		return Figure{}, fmt.Errorf("no figure %q of a release: there are %s", name, strings.Join(Names(), ", "))
	}
	return s.of(observed(e), name), nil
}

// of finds what a name of Names asks for.
func (s Sequence) of(seen []stratum, name string) Figure {
	parts := strings.Split(name, ".")
	if name == "scores.distance" {
		return distance(seen, s.threshold((ScoreBins-1)*scales(seen)))
	}
	if i := slices.IndexFunc(quantiles, func(q string) bool { return q+"_ms" == parts[len(parts)-1] }); i >= 0 {
		return s.latency(seen, parts[0], levels[i])
	}
	if name == "requests.ratio" {
		return ratio(seen, func(a counted) float64 { return a.requests }, s.threshold(1))
	}
	event, of := event(parts[len(parts)-2]), trialsOf(parts[len(parts)-2])
	canary, control := arms(seen, event, of)
	switch {
	case parts[0] == "canary":
		return canary.interval(s.threshold(1))
	case parts[0] == "control":
		return control.interval(s.threshold(scales(seen)))
	case parts[1] == "ratio":
		return ratio(seen, event, s.threshold(1))
	default:
		return difference(canary, control, s.threshold(scales(seen)))
	}
}

func (s Sequence) latency(seen []stratum, part string, level float64) Figure {
	switch part {
	case "canary":
		return quantile(seen, canaryOf, level, s.threshold(1))
	case "control":
		return quantile(seen, controlOf, level, s.threshold(scales(seen)))
	default: // each arm's interval is wrong half as often
		canary, control := quantile(seen, canaryOf, level, s.threshold(2)), quantile(seen, controlOf, level, s.threshold(2*scales(seen)))
		return Figure{canary.Value - control.Value, canary.Low - control.High, canary.High - control.Low}
	}
}

// stratum is a step with a control, in numbers that expectations have too.
type stratum struct {
	share           float64 // from 0 to 1, neither included
	weight          float64 // of one of the control's requests, so that it stands for as many as the canary got; at most 1
	canary, control counted
}

type counted struct {
	requests, errors, positives, labelled, mistakes, actual, found, alarms float64
	latency, scores                                                        Histogram
}

// any reports whether anything was counted of an arm.
func (a counted) any() bool { return a.requests > 0 || a.labelled > 0 }

// Labelled reports whether a figure is of labels, which come late: that none has come says nothing.
func Labelled(name string) bool {
	parts := strings.Split(name, ".")
	return slices.ContainsFunc(parts, func(p string) bool { return p == "mistakes" || p == "recall" || p == "false_positives" })
}

// observed are the steps that have a control.
func observed(e Evidence) []stratum {
	var seen []stratum
	for _, s := range e.Steps {
		if s.Share < Whole {
			seen = append(seen, stratum{share: float64(s.Share) / Whole, canary: s.Canary.counted(), control: s.Control.counted()})
		}
	}
	return weighted(seen)
}

// weighted sets the weights: share/(1-share), in proportion to the greatest.
func weighted(seen []stratum) []stratum {
	greatest := 0.0
	for i, s := range seen {
		seen[i].weight = s.share / (1 - s.share)
		if s.control.any() {
			greatest = max(greatest, seen[i].weight)
		}
	}
	for i := range seen {
		seen[i].weight = min(1, seen[i].weight/greatest)
	}
	return seen
}

func (a Arm) counted() counted {
	return counted{float64(a.Requests), float64(a.Errors), float64(a.Positives), float64(a.Labelled), float64(a.Mistakes), float64(a.Actual), float64(a.Found), float64(a.Alarms), a.Latency, a.Scores}
}

// event counts what a figure is about.
func event(name string) func(counted) float64 {
	return map[string]func(counted) float64{
		"errors":    func(a counted) float64 { return a.errors },
		"positives": func(a counted) float64 { return a.positives },
		"mistakes":  func(a counted) float64 { return a.mistakes },

		"recall":          func(a counted) float64 { return a.found },
		"false_positives": func(a counted) float64 { return a.alarms },
	}[name]
}

// trialsOf counts among what the events of a rate are.
func trialsOf(name string) func(counted) float64 {
	return map[string]func(counted) float64{
		"errors":    func(a counted) float64 { return a.requests },
		"positives": func(a counted) float64 { return a.requests - a.errors },
		"mistakes":  func(a counted) float64 { return a.labelled },

		"recall":          func(a counted) float64 { return a.actual },
		"false_positives": func(a counted) float64 { return a.labelled - a.actual },
	}[name]
}
