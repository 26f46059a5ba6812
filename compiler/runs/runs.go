// Package runs sets recorded results of stages side by side: those of several blocks, or of one block over time.
//
// A run is what a result was made with (parameters, versions of data, code) and what came of it (figures with intervals). Of many runs most
// parameters are the same, so a table has those alone that differ:
//
//	run                  model.params.trees  auc                     rows
//	evaluate.small       50                  0.912 (0.897 to 0.925)  1,800
//	evaluate.large       300                 0.934 (0.921 to 0.945)  1,800
//
// # Names
//
// Three kinds of names stand in tables, conditions and CSV, and each can be typed as it is shown:
//
//	auc                  a figure: a metric of an evaluation, a number of another stage's metrics.json
//	params.trees         a parameter of the stage's own configuration, by dotted path (Flatten)
//	model.params.trees   one of the model at the port "model", which an evaluation measured
//
// Versions of data are told by input port and digest: a column "data" with b2bf27 and 91c0aa has runs of two versions.
//
// # Conditions
//
// Where keeps runs for which a condition in CEL holds, over the figures and the numeric parameters of each by their names:
// `auc > 0.9 && model.params.trees < 300.0`. A run that lacks a figure which decides the condition is left out and counted, not taken for false in
// silence.
package runs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
)

// Run is one recorded result. Its JSON is what `mlp runs --format json` lists.
type Run struct {
	Address     string                     `json:"address"`     // of the stage: evaluate.test["eu"]
	Fingerprint plan.Digest                `json:"fingerprint"` // of what was computed, by which the store has the result
	Component   string                     `json:"component"`   // "train.gradient_boosting"
	Revision    int64                      `json:"revision"`    // that recorded the result
	At          string                     `json:"at,omitempty"`
	By          string                     `json:"by,omitempty"`
	Commit      string                     `json:"commit,omitempty"` // of the module's repository, in full
	Dirty       bool                       `json:"dirty,omitempty"`  // files differed from the commit
	Current     bool                       `json:"current"`          // the block's result as the state has it now
	Sample      string                     `json:"sample,omitempty"` // share of a sample of rows that it rests on; empty: on all rows
	Parameters  map[string]json.RawMessage `json:"parameters"`       // by dotted path; of a model that flowed in under its port's name, "model."
	Data        map[string]plan.Digest     `json:"data"`             // what flowed in, by port
	Figures     map[string]Figure          `json:"figures"`          // by name
	// Differences from another run, on the same rows, where they were asked for.
	Differences map[string]Figure `json:"differences,omitempty"`
	DurationMS  int64             `json:"duration_ms,omitempty"` // from start to end; 0 where it was not recorded
	CPUMS       int64             `json:"cpu_ms,omitempty"`      // of all threads
}

// Figure is a number with its interval, or why there is none: a recall without a single positive row has no Value, and Why says so; beside a Value
// it says why that has no interval. Low and High are both there or both nil.
type Figure struct {
	Value  *float64 `json:"value"`
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
	Why    string   `json:"undefined,omitempty"`
	Better string   `json:"better,omitempty"` // "more" or "less"; empty where nobody said
}

// Name tells a run from the others of a list: by address, and by revision where an address has several: "train.model @7".
func (r *Run) Name(all []*Run) string {
	if slices.ContainsFunc(all, func(o *Run) bool { return o != r && o.Address == r.Address }) {
		return fmt.Sprintf("%s @%d", r.Address, r.Revision)
	}
	return r.Address
}

// Block is the address without the key of an instance: evaluate.test of evaluate.test["eu"].
func (r *Run) Block() string {
	if i := strings.LastIndexByte(r.Address, '['); i >= 0 {
		return r.Address[:i]
	}
	return r.Address
}

// FiguresOf are the names of all figures that any run has, sorted.
func FiguresOf(all []*Run) []string {
	names := map[string]bool{}
	for _, r := range all {
		for name := range r.Figures {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Differing are the parameters, by dotted path, and the inputs, by port, that are not the same in all runs; both sorted. What one run has and
// another lacks is among them: trees of a boosted model beside a linear one.
func Differing(all []*Run) (parameters, data []string) {
	// By name with its first letter before it, p or d: a parameter may be called like a port. For each value: how many runs have it.
	values := map[string]map[string]int{}
	count := func(name, value string) {
		if values[name] == nil {
			values[name] = map[string]int{}
		}
		values[name][value]++
	}
	for _, r := range all {
		for name, v := range r.Parameters {
			count("p"+name, string(v))
		}
		for port, d := range r.Data {
			count("d"+port, string(d))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		n := 0
		for _, k := range values[name] {
			n += k
		}
		if len(values[name]) == 1 && n == len(all) { // one value, and every run has it
			continue
		}
		if name[0] == 'p' {
			parameters = append(parameters, name[1:])
		} else {
			data = append(data, name[1:])
		}
	}
	return parameters, data
}

// Flatten takes a configuration apart into parameters by dotted path. Lists stay values, and so does what is empty: of {"params": {"trees":
// 50}, "features": ["a"]} come params.trees and features.
func Flatten(prefix string, config json.RawMessage, into map[string]json.RawMessage) {
	var object map[string]json.RawMessage
	if json.Unmarshal(config, &object) != nil || len(object) == 0 {
		if prefix != "" {
			into[prefix] = config
		}
		return
	}
	for name, v := range object {
		path := name
		if prefix != "" {
			path = prefix + "." + name
		}
		Flatten(path, v, into)
	}
}

// Sort orders runs by a figure, the best first as the metric says, the greatest where nobody says; runs without come last. An empty name
// keeps the order, and so do runs that are equal. A figure that no run has is an *UnknownError.
func Sort(all []*Run, figure string) error {
	if figure == "" {
		return nil
	}
	if names := FiguresOf(all); !slices.Contains(names, figure) {
		return &UnknownError{Name: figure, Known: names}
	}
	slices.SortStableFunc(all, func(a, b *Run) int {
		x, y := a.Figures[figure], b.Figures[figure]
		switch {
		case x.Value == nil && y.Value == nil:
			return 0
		case x.Value == nil:
			return 1
		case y.Value == nil:
			return -1
		case x.Better == "less":
			return cmp.Compare(*x.Value, *y.Value)
		}
		return cmp.Compare(*y.Value, *x.Value)
	})
	return nil
}

// UnknownError names a figure that no run has.
type UnknownError struct {
	Name  string
	Known []string // those that any run has, sorted, for a "did you mean"
}

// Error names some of those that are known: there may be hundreds.
func (e *UnknownError) Error() string {
	const most = 8
	text := fmt.Sprintf("no run has a figure %q", e.Name)
	if len(e.Known) > 0 {
		text += ": there are " + strings.Join(e.Known[:min(len(e.Known), most)], ", ")
	}
	if more := len(e.Known) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Group is the runs of one block over its instances, such as the folds of a cross-validation: evaluate.test["1"] to ["5"]. A block
// without instances is a group too, of one run or of its results over time.
type Group struct {
	// Block is the address without a key, Runs are in the order of the list.
	Block   string
	Runs    []*Run
	Figures map[string]Spread
}

// Spread is how a figure is spread over the runs that have one. All but Count are in the figure's own unit. The deviation is of the
// runs' values and has nothing to do with the interval of any of them.
type Spread struct {
	Count     int     // of the runs that have a value
	Mean      float64 // of the values
	Deviation float64 // of a sample: by Count - 1; 0 of one value
	Least     float64
	Most      float64
}

// Groups joins runs by block, in the order of their first run.
func Groups(all []*Run) []Group {
	var out []Group
	for _, r := range all {
		i := slices.IndexFunc(out, func(g Group) bool { return g.Block == r.Block() })
		if i < 0 {
			i, out = len(out), append(out, Group{Block: r.Block()})
		}
		out[i].Runs = append(out[i].Runs, r)
	}
	for i := range out {
		out[i].Figures = map[string]Spread{}
		for _, name := range FiguresOf(out[i].Runs) {
			var values []float64
			for _, r := range out[i].Runs {
				if v := r.Figures[name].Value; v != nil {
					values = append(values, *v)
				}
			}
			if len(values) > 0 {
				out[i].Figures[name] = spread(values)
			}
		}
	}
	return out
}

// Matches reports whether an address is meant by a pattern: itself, a block for all of its instances, with * for any
// text, or a kind for all of its blocks. Derived stages are meant by patterns of derived ones alone.
func Matches(pattern, of string) bool {
	if address.IsDerived(of) != address.IsDerived(pattern) {
		return false
	}
	if !strings.ContainsAny(pattern, ".*") {
		return address.Kind(of) == pattern
	}
	if !address.IsPattern(pattern) {
		return of == pattern || strings.HasPrefix(of, pattern+"[")
	}
	return address.Matches(pattern, of)
}

// Take sets a run's differences by the figures of a comparison: {"delta": {"auc": {"value": 0.01, "low": -0.002, "high": 0.022}}}.
// A difference that is null has its reason under "undefined", by its path: {"delta.auc.value": "one class only"}.
func (r *Run) Take(comparison json.RawMessage) error {
	var c struct {
		Delta map[string]struct {
			Value *float64 `json:"value"`
			Low   *float64 `json:"low"`
			High  *float64 `json:"high"`
		} `json:"delta"`
		Undefined map[string]string `json:"undefined"`
	}
	if err := json.Unmarshal(comparison, &c); err != nil {
		return fmt.Errorf("reading a comparison: %w", err)
	}
	r.Differences = map[string]Figure{}
	for name, d := range c.Delta {
		f := Figure{Value: d.Value, Low: d.Low, High: d.High}
		switch {
		case d.Value == nil:
			f.Low, f.High, f.Why = nil, nil, c.Undefined["delta."+name+".value"]
		case d.Low == nil || d.High == nil:
			f.Low, f.High, f.Why = nil, nil, c.Undefined["delta."+name+".low"]
		}
		r.Differences[name] = f
	}
	return nil
}
