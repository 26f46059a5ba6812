package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/runs"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
	evaluated "github.com/mlp-lang/mlp/stdlib/evaluate/model"
	"github.com/mlp-lang/mlp/stdlib/metric"
)

// Runs are the recorded results of the stages that patterns mean, each result once, the last first; with current only those that the
// state has now, by address. A pattern that means nothing is a Failure. Without a pattern they are those of
// evaluations, which have the figures that blocks are compared by.
// History is read as far as the state goes, so that what a command tells is of one revision even while another apply is recording.
func (s *Session) Runs(ctx context.Context, patterns []string, current bool) ([]*runs.Run, error) {
	named := len(patterns) > 0
	if !named {
		patterns = []string{"evaluate"}
	}
	history, err := s.Log.History(ctx)
	if err != nil {
		return nil, err
	}
	history = history[:min(s.State.Revision, int64(len(history)))]
	c := &runsOf{Session: s, past: pastOf(history), seen: map[string]bool{}, hit: map[string]bool{}}
	for _, r := range slices.Backward(history) {
		for _, e := range slices.Backward(r.Events) {
			if of, isNode := strings.CutPrefix(e.Key, "node/"); isNode && e.Node != nil {
				c.add(patterns, of, e.Node, r)
			}
		}
	}
	// What was taken over from the workspace that this one goes by stands in no revision of its own.
	for _, of := range sortedKeys(s.State.Nodes) {
		node := s.State.Nodes[of]
		c.add(patterns, of, &node, nil)
	}
	for _, p := range patterns {
		if !c.hit[p] && !named {
			return nil, &Failure{Err: errors.New("no evaluation is recorded"), Hint: "Name other blocks: train.model, 'train.*', train. " + s.w.Command("show") + " lists what is recorded."}
		}
		if !c.hit[p] {
			return nil, s.noRuns(p)
		}
	}
	if !current {
		return c.out, nil
	}
	now := slices.DeleteFunc(c.out, func(r *runs.Run) bool { return !r.Current })
	slices.SortStableFunc(now, func(a, b *runs.Run) int { return strings.Compare(a.Address, b.Address) })
	return now, nil
}

// noRuns is the error of a pattern that means no recorded stage. One that is written like an address gets the hint for addresses.
func (s *Session) noRuns(pattern string) error {
	if strings.Contains(pattern, ".") && !strings.Contains(pattern, "*") {
		return s.noStage(pattern)
	}
	return &Failure{Err: fmt.Errorf("no stage that is recorded is meant by %s", pattern), Hint: "An address, one with * for any text, or a kind: evaluate.holdout, 'evaluate.*', evaluate. " + s.w.Command("show") + " lists what is recorded."}
}

// runsOf collects runs.
type runsOf struct {
	*Session
	past func(of, port string, content plan.Digest) (*plan.NodeState, int64)
	seen map[string]bool // address and fingerprint
	hit  map[string]bool // by pattern
	out  []*runs.Run
}

// add adds a result where a pattern means it; r is the revision that recorded it, nil: another log did. A result that is recorded in several
// revisions counts as that of the last one, which is seen first.
// Its parameters are those of the stage and, under the port's name, those of the model that it was given: runs of an evaluation are told
// apart by what was trained. Other inputs are told by their content alone.
func (c *runsOf) add(patterns []string, of string, node *plan.NodeState, r *state.Revision) {
	meant := false
	for _, p := range patterns {
		if runs.Matches(p, of) {
			c.hit[p], meant = true, true
		}
	}
	if key := of + " " + string(node.Fingerprint); !meant || c.seen[key] {
		return
	} else {
		c.seen[key] = true
	}
	x := &runs.Run{Address: of, Fingerprint: node.Fingerprint, Component: node.Component(), Current: c.State.Nodes[of].Fingerprint == node.Fingerprint, Sample: node.Sample,
		Parameters: map[string]json.RawMessage{}, Data: map[string]plan.Digest{}, Figures: map[string]runs.Figure{}}
	if r != nil {
		x.Revision, x.At, x.By, x.Commit, x.Dirty = r.Revision, r.At.UTC().Format(time.RFC3339), r.By, r.Commit, r.Dirty
	}
	runs.Flatten("", node.Config, x.Parameters)
	_, role := address.Of(of)
	if address.Role(role) == string(schema.TrialRole) { // what it tries stands among its figures, however it was chosen
		maps.DeleteFunc(x.Parameters, func(name string, _ json.RawMessage) bool { return strings.HasPrefix(name, "trial.") })
	}
	for port, d := range node.Inputs {
		from, _, _ := strings.Cut(node.Wiring[port], ":")
		if _, role := address.Of(from); address.Role(role) == string(schema.TrialRole) {
			continue // there are many, and figures tell of them
		}
		model, shape := c.producer(node, port)
		if model == nil || shape == nil || shape.Model == nil {
			x.Data[port] = d
			continue
		}
		x.Parameters[port+".component"] = quoted(model.Component())
		runs.Flatten(port, model.Config, x.Parameters)
	}
	if a, err := c.Store.Action(node.Fingerprint); err == nil {
		x.DurationMS, x.CPUMS = a.DurationMS, a.CPUMS
		x.Figures = figuresOf(a.Figures, node.Config)
	}
	for name := range x.Figures { // told once
		if tried, ok := strings.CutPrefix(name, "point."); ok {
			delete(x.Parameters, "params."+tried)
		}
	}
	c.out = append(c.out, x)
}

// producer is the result that a port was given, and the port's own schema there; nil where no revision that is read has it.
func (c *runsOf) producer(node *plan.NodeState, port string) (*plan.NodeState, *schema.Shape) {
	from, output, ok := strings.Cut(node.Wiring[port], ":")
	if !ok {
		return nil, nil
	}
	if at, ok := c.State.Nodes[from]; ok && at.Outputs[output] == node.Inputs[port] {
		return &at, at.Shapes[output]
	}
	if past, _ := c.past(from, output, node.Inputs[port]); past != nil {
		return past, past.Shapes[output]
	}
	return nil, nil
}

// quoted is a text as JSON.
func quoted(s string) json.RawMessage {
	text, _ := json.Marshal(s) // of a string: no error
	return text
}

// groupedFigures are groups of metrics.json whose numbers stand beside those at its top, under the group's name: what trials chose, of a trial and of what takes the
// best; and the sums of a backtest, mean.mae beside worst.mae.
var groupedFigures = []string{"point", "tuning", "mean", "sd", "worst"}

// figuresOf are the numbers of metrics.json: those below metrics with their intervals, or else the numbers at its top, those that have an interval there ({"gain": {"value": 0.2, "low": 0.1, "high": 0.3}}),
// and those of some groups.
func figuresOf(text, config json.RawMessage) map[string]runs.Figure {
	var f struct {
		Metrics   map[string]*float64 `json:"metrics"`
		Intervals map[string]struct {
			Low  *float64 `json:"low"`
			High *float64 `json:"high"`
		} `json:"intervals"`
		Undefined map[string]string `json:"undefined"`
	}
	out, better := map[string]runs.Figure{}, betterOf(config)
	if json.Unmarshal(text, &f) == nil && f.Metrics != nil {
		for name, x := range f.Metrics {
			one := runs.Figure{Value: x, Better: better[name]}
			if x == nil {
				one.Why = f.Undefined["metrics."+name]
			} else {
				if one.Low, one.High = f.Intervals[name].Low, f.Intervals[name].High; one.Low == nil {
					one.Why = f.Undefined["intervals."+name+".low"]
				}
			}
			out[name] = one
		}
		return out
	}
	var top map[string]any
	if json.Unmarshal(text, &top) != nil {
		return out
	}
	for _, group := range groupedFigures {
		flat := map[string]json.RawMessage{}
		text, _ := json.Marshal(top[group]) // of what came from JSON: no error
		runs.Flatten(group, text, flat)
		for name, number := range flat {
			var x *float64
			if json.Unmarshal(number, &x) == nil && x != nil {
				out[name] = runs.Figure{Value: x}
				if of, ok := strings.CutPrefix(name, group+"."); ok && group != "sd" {
					out[name] = runs.Figure{Value: x, Better: better[of]}
				}
			} else if f.Undefined[name] != "" {
				out[name] = runs.Figure{Why: f.Undefined[name]}
			}
		}
	}
	sought := soughtBetter(config)
	for _, name := range []string{"tuning.first", "tuning.value"} {
		if f, ok := out[name]; ok {
			f.Better = sought
			out[name] = f
		}
	}
	for name, v := range top {
		if x, ok := v.(map[string]any); ok && isEstimate(x) && !slices.Contains(groupedFigures, name) {
			number := func(key string) *float64 {
				if x, ok := x[key].(float64); ok {
					return &x
				}
				return nil
			}
			one := runs.Figure{Value: number("value"), Low: number("low"), High: number("high")}
			if one.Value == nil {
				one.Why = f.Undefined[name+".value"]
			} else if one.Low == nil {
				one.Why = f.Undefined[name+".low"]
			}
			out[name] = one
			continue
		}
		x, isNumber := v.(float64)
		switch {
		case isNumber && name == "value":
			out[name] = runs.Figure{Value: &x, Better: sought}
		case isNumber && strings.HasSuffix(name, "_loss"):
			out[name] = runs.Figure{Value: &x, Better: "less"}
		case isNumber:
			out[name] = runs.Figure{Value: &x}
		case v == nil && f.Undefined[name] != "":
			out[name] = runs.Figure{Why: f.Undefined[name]}
		}
	}
	return out
}

// isEstimate reports whether an object is a number with its interval.
func isEstimate(x map[string]any) bool {
	for key := range x {
		if key != "value" && key != "low" && key != "high" {
			return false
		}
	}
	_, ok := x["value"]
	return ok
}

// betterOf says of each metric of a configuration whether more or less is better: "more" or "less" by the metric's name. A configuration
// without metrics says nothing.
func betterOf(config json.RawMessage) map[string]string {
	var c struct {
		Metrics []json.RawMessage `json:"metrics"`
	}
	out := map[string]string{}
	if json.Unmarshal(config, &c) != nil {
		return out
	}
	for _, def := range c.Metrics {
		if m, err := metric.New(def); err == nil {
			out[m.Name] = betterBy(m)
		}
	}
	return out
}

// betterBy says whether more or less of a metric is better.
func betterBy(m *metric.Metric) string {
	if m.Greater {
		return "more"
	}
	return "less"
}

// soughtBetter says whether more or less is better of what trials are chosen by, by the configuration of a trial or of what takes the best; empty of others.
func soughtBetter(config json.RawMessage) string {
	var c struct {
		Trial, Tune struct{ Metric json.RawMessage }
	}
	if json.Unmarshal(config, &c) != nil {
		return ""
	}
	for _, def := range []json.RawMessage{c.Trial.Metric, c.Tune.Metric} {
		if m, err := metric.New(def); len(def) > 0 && err == nil {
			return betterBy(m)
		}
	}
	return ""
}

// Differ sets what runs differ by from the current result of the block at an address, on the same rows, with paired intervals. Runs of other rows, and those
// that are no evaluations of a model, are a Failure.
func (s *Session) Differ(ctx context.Context, from string, all []*runs.Run) error {
	base, ok := s.State.Nodes[from]
	if !ok {
		return s.noStage(from)
	}
	history, err := s.Log.History(ctx)
	if err != nil {
		return err
	}
	d := &differences{runsOf: runsOf{Session: s, past: pastOf(history)}, base: &base}
	if d.dir, err = s.Store.Temp("compare-*"); err != nil {
		return err
	}
	defer os.RemoveAll(d.dir)
	for _, r := range all {
		if r.Fingerprint == base.Fingerprint {
			continue
		}
		if err := d.of(ctx, from, r); err != nil {
			return err
		}
	}
	return nil
}

// differences compares runs with one of them.
type differences struct {
	runsOf
	base *plan.NodeState // what they are compared with
	dir  string          // where folders of the store are laid out; removed at the end
}

// of compares one run with the base, row by row, and sets what came of it in the run. Metrics are those of the base. The run need not be
// recorded in the state now: predictions that the store still has are enough.
func (d *differences) of(ctx context.Context, from string, r *runs.Run) error {
	node, _ := d.past(r.Address, "", r.Fingerprint)
	if node == nil {
		if now, ok := d.State.Nodes[r.Address]; ok && now.Fingerprint == r.Fingerprint {
			node = &now
		}
	}
	refuse := func(why string) error {
		return &Failure{Err: fmt.Errorf("%s and %s cannot be compared row by row: %s", r.Address, from, why), Hint: "Leave --to out to set their figures side by side."}
	}
	switch {
	case node == nil || node.Outputs["predictions"] == "" || d.base.Outputs["predictions"] == "":
		return refuse("one of them has no predictions")
	case node.Inputs["data"] != d.base.Inputs["data"]:
		return refuse("they measure on other rows")
	}
	_, data := d.producer(d.base, "data")
	_, model := d.producer(d.base, "model")
	if data == nil || data.Table == nil || model == nil || model.Model == nil {
		return refuse("it is not recorded what the data or the model was")
	}
	p := evaluated.Pair{Config: d.base.Config, Table: data.Table, Model: *model.Model, Threads: runtime.NumCPU()}
	for _, x := range []struct {
		into   *string
		digest plan.Digest
	}{{&p.Data, d.base.Inputs["data"]}, {&p.Before, d.base.Outputs["predictions"]}, {&p.After, node.Outputs["predictions"]}} {
		dir, err := d.materialize(ctx, x.digest)
		if errors.Is(err, store.ErrMissing) {
			return refuse("rows or predictions are gone from the store")
		}
		if err != nil {
			return err
		}
		*x.into = filepath.Join(dir, component.TableFile)
	}
	figures, err := evaluated.Differences(ctx, p)
	if err != nil {
		return fmt.Errorf("comparing %s with %s: %w", r.Address, from, err)
	}
	text, err := json.Marshal(figures)
	if err != nil {
		return err
	}
	return r.Take(text)
}

// materialize lays a folder of the store out once and returns where: the base's rows are needed for every run.
func (d *differences) materialize(ctx context.Context, digest plan.Digest) (string, error) {
	hex, err := digest.Hex()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(d.dir, hex)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	return dir, d.Store.Materialize(ctx, digest, dir)
}
