package performance

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/runtime/component"
)

// bounded is a value with its interval; NaN is undefined.
type bounded struct{ value, low, high float64 }

// report is the figures of the monitor: figures as written, undefined by path with reasons, and each metric as numbers for compare, now and then.
type report struct {
	figures   map[string]any
	undefined map[string]string
	metrics   map[string]bounded
	then      map[string]bounded // of the baseline
}

// newReport takes over what an evaluation found, each metric beside its interval.
// The reasons of undefined figures move with them, from metrics.auc to performance.auc.value.
func newReport(found map[string]any) *report {
	r := &report{figures: map[string]any{}, undefined: map[string]string{}, metrics: map[string]bounded{}, then: map[string]bounded{}}
	for _, name := range []string{"rows", "coverage", "positives"} {
		if x, ok := found[name]; ok {
			r.figures[name] = x
		}
	}
	reasons := found["undefined"].(map[string]string)
	if reason, ok := reasons["coverage"]; ok {
		r.undefined["coverage"] = reason
	}
	intervals := found["intervals"].(map[string]any)
	all := map[string]any{}
	for name, value := range found["metrics"].(map[string]any) {
		bounds := intervals[name].(map[string]any)
		all[name] = map[string]any{"value": value, "low": bounds["low"], "high": bounds["high"]}
		r.metrics[name] = bounded{number(value), number(bounds["low"]), number(bounds["high"])}
		for was, is := range map[string]string{"metrics." + name: ".value", "intervals." + name + ".low": ".low", "intervals." + name + ".high": ".high"} {
			if reason, ok := reasons[was]; ok {
				r.undefined["performance."+name+is] = reason
			}
		}
	}
	r.figures["performance"], r.figures["undefined"] = all, r.undefined
	return r
}

// number is a figure, NaN if it is undefined.
func number(x any) float64 {
	if v, ok := x.(float64); ok {
		return v
	}
	return math.NaN()
}

// baseline is metrics.json of an evaluation, as far as it is compared. Metrics may be groups of figures in a file of the user's own;
// those are read as numbers where they are numbers.
type baseline struct {
	Metrics   map[string]json.RawMessage `json:"metrics"`
	Intervals map[string]struct {
		Low  *float64 `json:"low"`
		High *float64 `json:"high"`
	} `json:"intervals"`
	Undefined map[string]string `json:"undefined"`
}

// compare adds the differences from the baseline.
// Metrics that the baseline's block does not list have no delta at all; one that is listed and undefined has a delta that is
// undefined, with the reason.
func (r *report) compare(s *component.Stage) error {
	raw, err := os.ReadFile(filepath.Join(s.Input("baseline"), "metrics.json"))
	if err != nil {
		return fmt.Errorf("reading the baseline: %w", err)
	}
	var b baseline
	if err := json.Unmarshal(raw, &b); err != nil {
		return fmt.Errorf("reading the baseline: %w", err)
	}
	delta := map[string]any{}
	for name, now := range r.metrics {
		value, bounded := inBaseline(s.In["baseline"].Figures, name)
		if !value {
			continue
		}
		r.then[name] = b.bounded(name)
		d := minus(now, r.then[name])
		out := map[string]any{"value": r.number("delta."+name+".value", d.value, r.why(name, ".value", b))}
		if bounded {
			out["low"] = r.number("delta."+name+".low", d.low, r.why(name, ".low", b))
			out["high"] = r.number("delta."+name+".high", d.high, r.why(name, ".high", b))
		}
		delta[name] = out
	}
	r.figures["delta"] = delta
	return nil
}

// bounded is a metric of the baseline.
// What the baseline does not have is NaN, and so is a difference from it.
func (b baseline) bounded(name string) bounded {
	read := func(x *float64) float64 {
		if x == nil {
			return math.NaN()
		}
		return *x
	}
	var value *float64
	if json.Unmarshal(b.Metrics[name], &value) != nil {
		value = nil
	}
	i := b.Intervals[name]
	return bounded{read(value), read(i.Low), read(i.High)}
}

// minus is the difference of two independent figures. Its interval joins theirs (Zou and Donner, Construction of
// confidence limits about effect measures, Statistics in Medicine 27, 2008, equation 2): the distance of each limit is
// the root of the sum of squares of the distances that it comes of. A percentile interval may lie to one side of its
// value; that side then adds nothing.
// Of 0.80 in [0.76, 0.84] now and 0.85 in [0.82, 0.87] then, the difference is -0.05 in [-0.095, 0.00]: its lower limit is
// √(0.04² + 0.02²) below, its upper one √(0.04² + 0.03²) above.
func minus(a, b bounded) bounded {
	d := a.value - b.value
	return bounded{d, d - math.Hypot(distance(a.low, a.value), distance(b.value, b.high)), d + math.Hypot(distance(a.value, a.high), distance(b.low, b.value))}
}

// distance from low to high; 0 if they lie the other way round.
func distance(low, high float64) float64 {
	if low > high {
		return 0
	}
	return high - low
}

// why says what makes a difference undefined: the figure of now, or that of the baseline.
// Now comes first: a figure that cannot be measured today is what somebody has to look at.
func (r *report) why(name, part string, b baseline) string {
	for _, p := range []string{".value", part} {
		if reason := r.undefined["performance."+name+p]; reason != "" {
			return reason
		}
	}
	for _, p := range []string{"metrics." + name, "intervals." + name + part} {
		if reason := b.Undefined[p]; reason != "" {
			return "baseline: " + reason
		}
	}
	if strings.HasSuffix(part, "value") {
		return "the baseline has no such figure"
	}
	return "the baseline has no interval"
}

// number is a figure: x, or null with a reason where x is not finite.
func (r *report) number(path string, x float64, reason string) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		r.undefined[path] = reason
		return nil
	}
	return x
}
