package decide

// How a hypothesis is tested. A rule asks whether a condition holds of the figures as they stand; a hypothesis asks whether what they show could be
// chance. So its condition is decided more than once: on the figures as they stand, and with each figure that has an interval at either end of it,
// in all combinations.
//
//	holds every time      supported
//	holds no time         refuted
//	else                  open: the figures do not tell
//	cannot be decided     open: a figure is missing, undefined, or not known yet
//
// An example. evaluate.b.metrics.auc - evaluate.a.metrics.auc > 0.0, with 0.91 (0.89 to 0.93) and 0.88 (0.86 to 0.90), holds of the figures and not
// where b is 0.89 and a is 0.90: open. The same of the paired difference, evaluate.b.delta.auc.low > 0.0 with 0.03 (0.01 to 0.05), is supported.
// A condition that names an end itself loses nothing: delta.auc.low > 0.0 is read with the whole interval at its low end, then at its high, and is
// refuted only where it does not hold even at the high end.
//
// A figure's interval is {value, low, high} where it stands among those, as a difference does, and intervals.auc of metrics.auc. Figures of
// several stages vary each for itself, which says more often that nothing is told than a paired comparison would, and never less often. At the ends a
// condition that only compares, adds and subtracts takes its extremes; of another one, such as a product, what lies between is not looked at.
// A figure without an interval is taken as it stands, and the verdict says so.

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/source"
)

// mostIntervals bounds how many intervals a hypothesis may read: it is decided at two to the power of that many places.
const mostIntervals = 10

// Hypothesis decides a hypothesis on the figures that there are. The rule in r gets its verdict, residual and values. Errors are those of Rules.
func Hypothesis(r *plan.Rules, figures Figures) (plan.Tested, error) {
	d, err := New(r, figures)
	if err != nil {
		return plan.Tested{}, err
	}
	res, err := d.Rules(r)
	if err != nil {
		return plan.Tested{}, err
	}
	r.Rules = res.Rules
	one := &r.Rules[0]
	switch one.Verdict {
	case plan.Open:
		return plan.Tested{Verdict: plan.Undecided, Reason: waits(r, figures)}, nil
	case plan.RuleError:
		return plan.Tested{Verdict: plan.Undecided, Reason: one.Reason}, nil
	}
	x := &test{d: d, text: one.Assert, place: one.Range, at: map[string]*interval{}, exact: map[string]bool{}}
	return x.run(one)
}

// waits names the stages whose figures are not there yet.
func waits(r *plan.Rules, figures Figures) string {
	var all []string
	for _, f := range r.Figures {
		if _, ok := figures(f.Node); !ok && !f.Absent {
			all = append(all, f.Node)
		}
	}
	slices.Sort(all)
	return "waits for " + strings.Join(slices.Compact(all), ", ")
}

// test is one hypothesis while it is tested.
type test struct {
	d     *Decider
	text  string
	place source.Range
	at    map[string]*interval // by path
	exact map[string]bool      // paths of figures that have none
	fault string               // an interval that is not whole
}

// interval is one of a figure: its ends, and where the figures stand that move within it.
type interval struct {
	plan.IntervalSeen
	places []place
}

// place is a number within the figures.
type place struct {
	in  map[string]any
	key string
	was any
}

// run decides at the ends of all intervals. Which are read may be seen only at an end, so it goes on until no more come up.
func (x *test) run(one *plan.Rule) (plan.Tested, error) {
	x.note(one.Values)
	outcomes := map[bool]bool{one.Verdict == plan.Pass: true}
	for known := -1; known != len(x.at) && x.fault == "" && len(x.at) <= mostIntervals; {
		known = len(x.at)
		all := slices.Sorted(maps.Keys(x.at))
		for corner := range 1 << len(all) {
			for i, path := range all {
				s := x.at[path]
				s.set(corner>>i&1 == 1)
			}
			decision, err := x.d.Condition(x.text, x.place)
			x.restore()
			if err != nil {
				return plan.Tested{}, err
			}
			if decision.Verdict != rule.Pass && decision.Verdict != rule.Fail {
				x.fault = "at an end of an interval it cannot be decided: " + decision.Reason
				break
			}
			outcomes[decision.Verdict == rule.Pass] = true
			x.note(seen(decision.Values))
		}
	}
	return x.verdict(outcomes), nil
}

// verdict sums the outcomes up.
func (x *test) verdict(outcomes map[bool]bool) plan.Tested {
	t := plan.Tested{Verdict: plan.Undecided}
	for _, path := range slices.Sorted(maps.Keys(x.at)) {
		t.Intervals = append(t.Intervals, x.at[path].IntervalSeen)
	}
	switch {
	case x.fault != "":
		t.Reason = x.fault
	case len(x.at) > mostIntervals:
		t.Reason = fmt.Sprintf("it reads %d intervals, and at most %d are tried at both ends", len(x.at), mostIntervals)
	case len(outcomes) > 1:
		t.Reason = "within the intervals of its figures it holds and does not hold"
	case outcomes[true]:
		t.Verdict = plan.Supported
	default:
		t.Verdict = plan.Refuted
	}
	if exact := slices.Sorted(maps.Keys(x.exact)); len(exact) > 0 && t.Verdict != plan.Undecided {
		t.Reason = "no interval is known of " + strings.Join(exact, ", ")
	}
	return t
}

// seen are figures that were read, as a plan has them; what has no JSON, such as an infinite number, is left out, since no interval is of it.
func seen(values []rule.Seen) []plan.FigureSeen {
	var out []plan.FigureSeen
	for _, s := range values {
		if v, err := plan.Canonical(s.Value); err == nil {
			out = append(out, plan.FigureSeen{Path: s.Path, Value: v})
		}
	}
	return out
}

// note finds the intervals of figures that were read. A number that cannot be found again is a fault: it would be taken for one that is certain.
func (x *test) note(values []plan.FigureSeen) {
	for _, v := range values {
		var number float64
		if json.Unmarshal(v.Value, &number) != nil {
			continue // a text or a truth has none
		}
		keys, ok := keysOf(v.Path)
		if ok && slices.Contains([]string{"variable", "local", "each"}, keys[0]) {
			continue
		}
		chain, found := locate(x.d.values.Known, keys)
		if !ok || !found {
			x.fault = "it cannot be told whether " + v.Path + " has an interval"
			continue
		}
		x.find(keys, chain)
	}
}

// find notes the interval of the figure at some keys, to which chain leads, or that it has none.
func (x *test) find(keys []string, chain []map[string]any) {
	n := len(keys)
	key, within := keys[n-1], chain[n-1]
	switch {
	case slices.Contains([]string{"value", "low", "high"}, key) && has(within, "low", "high"):
		if n > 3 && keys[n-3] == "intervals" { // the ends of a metric's, named by themselves
			figure := slices.Clone(keys[:n-1])
			figure[n-3] = "metrics"
			x.add(figure, within, chain[n-3])
		} else {
			x.add(keys[:n-1], within, nil)
		}
		return
	case n > 2 && keys[n-2] == "metrics":
		if all, ok := chain[n-2]["intervals"].(map[string]any); ok {
			if ends, ok := all[key].(map[string]any); ok && has(ends, "low", "high") {
				x.add(keys, ends, chain[n-2])
				return
			}
		}
	}
	x.exact[rule.PathString(keys)] = true
}

// has reports whether an object has all of some keys, whatever their values.
func has(m map[string]any, keys ...string) bool {
	for _, k := range keys {
		if _, ok := m[k]; !ok {
			return false
		}
	}
	return true
}

// add notes an interval, once. figures, where it is not nil, has the metric that moves with it beside the intervals; else the value stands within.
func (x *test) add(keys []string, ends, figures map[string]any) {
	path, last := rule.PathString(keys), keys[len(keys)-1]
	if x.at[path] != nil {
		return
	}
	low, okLow := ends["low"].(float64)
	high, okHigh := ends["high"].(float64)
	if !okLow || !okHigh {
		x.fault = "the interval of " + path + " is undefined"
		stands := strings.Join(keys, ".")
		if figures != nil {
			stands = strings.Join(keys[:len(keys)-2], ".") + ".intervals." + last
		}
		for _, end := range []string{"low", "high"} {
			if why := x.d.values.Undefined[stands+"."+end]; why != "" {
				x.fault += ": " + why
				break
			}
		}
		return
	}
	s := &interval{IntervalSeen: plan.IntervalSeen{Path: path, Low: low, High: high}}
	for _, key := range []string{"value", "low", "high"} {
		if _, ok := ends[key].(float64); ok {
			s.places = append(s.places, place{ends, key, ends[key]})
		}
	}
	if metrics, ok := figures["metrics"].(map[string]any); ok {
		if _, ok := metrics[last].(float64); ok {
			s.places = append(s.places, place{metrics, last, metrics[last]})
		}
	}
	x.at[path] = s
}

// set moves all figures of an interval to one of its ends.
func (s *interval) set(high bool) {
	end := s.Low
	if high {
		end = s.High
	}
	for _, p := range s.places {
		p.in[p.key] = end
	}
}

// restore puts all figures back to what they are.
func (x *test) restore() {
	for _, s := range x.at {
		for _, p := range s.places {
			p.in[p.key] = p.was
		}
	}
}

// locate finds the number at a path: the objects that lead to it, the outermost first, and its key in the last.
func locate(in map[string]any, keys []string) (chain []map[string]any, ok bool) {
	for i, key := range keys {
		chain = append(chain, in)
		if i == len(keys)-1 {
			_, ok = in[key].(float64)
			return chain, ok
		}
		if in, ok = in[key].(map[string]any); !ok {
			return nil, false
		}
	}
	return nil, false
}

// keysOf takes a path apart that a rule writes: evaluate.test["eu.west"].metrics.auc is evaluate, test, eu.west, metrics, auc.
func keysOf(path string) (keys []string, ok bool) {
	for path != "" {
		if quoted, isKey := strings.CutPrefix(path, "["); isKey {
			dec := json.NewDecoder(strings.NewReader(quoted))
			var key string
			if dec.Decode(&key) != nil {
				return nil, false
			}
			keys = append(keys, key)
			if path, ok = strings.CutPrefix(quoted[dec.InputOffset():], "]"); !ok {
				return nil, false
			}
			path = strings.TrimPrefix(path, ".")
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		keys, path = append(keys, path[:end]), strings.TrimPrefix(path[end:], ".")
	}
	return keys, len(keys) > 0
}
