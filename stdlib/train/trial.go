package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/train/tune"
)

// outcome is metrics.json of a trial.
type outcome struct {
	Value     *float64          `json:"value"` // of the metric on the selection rows; nil: it is undefined
	Point     tune.Point        `json:"point"` // what was tried
	Rounds    int               `json:"rounds"`
	Rows      int               `json:"rows"`                // that it was measured on
	Folds     []float64         `json:"folds,omitempty"`     // by fold, of which Value is the mean
	Undefined map[string]string `json:"undefined,omitempty"` // why value is, under "value"
}

// Tuned is what a fit knows of the trials before it.
type Tuned struct {
	Trial  int        `json:"trial"` // number of the best
	Point  tune.Point `json:"point"`
	Trials []Tried    `json:"trials"` // by number
	Metric string     `json:"metric"` // its name
	More   bool       `json:"more"`   // more of the metric is better
	Last   int        `json:"last"`   // number of the first trial that could be chosen
}

// Tried is a trial with its number.
type Tried struct {
	Number int `json:"number"`
	outcome
}

// settled is the configuration of a stage with the parameters that it fits with: of a block with tune those of the best trial, of a trial that
// goes by others those that follow from them. Of all others it is the stage's own.
// What is known of the trials goes with it, under tuned or trial, from where it comes into the figures. In halving only trials of the last rung
// can be the best: those before it had less work. It is an error in the input that the metric is undefined in all of them.
func (u *Tunable) settled(s *component.Stage) (json.RawMessage, error) {
	var c struct {
		Tune   *Tuning                    `json:"tune"`
		Trial  *Trial                     `json:"trial"`
		Params map[string]json.RawMessage `json:"params"`
	}
	if err := s.Decode(&c); err != nil {
		return nil, err
	}
	switch {
	case c.Trial != nil && c.Trial.Choose != nil:
		all, m, err := outcomes(s, c.Trial.Metric)
		if err != nil {
			return nil, err
		}
		if c.Trial.Point, err = u.choose(c.Trial.Choose, measured(all, m)); err != nil {
			return nil, err
		}
		params := maps.Clone(c.Trial.Choose.Base)
		maps.Copy(params, c.Trial.Point)
		return settle(s.Config, params, "trial", c.Trial)
	case c.Tune != nil:
		all, m, err := outcomes(s, c.Tune.Metric)
		if err != nil {
			return nil, err
		}
		t := &Tuned{Trials: all, Metric: m.Name, More: m.Greater, Last: 1}
		if c.Tune.Method == halvingMethod {
			work, _ := u.Params.Body.Attr(u.Rounds).Default.(float64)
			if raw := c.Params[u.Rounds]; raw != nil {
				if err := json.Unmarshal(raw, &work); err != nil {
					return nil, err
				}
			}
			rungs := c.Tune.rungs(work)
			t.Last = rungs[len(rungs)-1].First
		}
		best := tune.Ranked(measured(all[t.Last-1:], m))[0]
		if math.IsNaN(best.Loss) {
			return nil, &component.InputError{
				Summary: fmt.Sprintf("%s: %s is undefined in every trial: %s", s.Address, m.Name, all[best.Number-1].Undefined["value"]),
				Detail:  "The rows to choose on must be such that the metric is defined there.",
			}
		}
		t.Trial, t.Point = best.Number, best.Point
		return settle(s.Config, t.Point, "tuned", t)
	}
	return s.Config, nil
}

// settle is a configuration with parameters set, and what is known of them under a name, in place of what stood there.
func settle(config json.RawMessage, p tune.Point, name string, what any) (json.RawMessage, error) {
	config, err := withParams(config, p)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, err
	}
	if all[name], err = json.Marshal(what); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}

// outcomes are those of the trials that flow in, by number, and the metric that they are measured by. The number of a trial is read off the
// port that it comes in at, and there is at least one.
func outcomes(s *component.Stage, definition json.RawMessage) ([]Tried, *metric.Metric, error) {
	m, err := metric.New(definition)
	if err != nil {
		return nil, nil, err
	}
	var out []Tried
	for port := range s.In {
		text, ok := strings.CutPrefix(port, trialPrefix)
		if !ok {
			continue
		}
		x := Tried{}
		if x.Number, err = strconv.Atoi(text); err != nil {
			return nil, nil, fmt.Errorf("the port %q is of no trial", port)
		}
		raw, err := os.ReadFile(filepath.Join(s.Input(port), "metrics.json"))
		if err == nil {
			err = json.Unmarshal(raw, &x.outcome)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading what came of trial %d: %w", x.Number, err)
		}
		out = append(out, x)
	}
	if len(out) == 0 {
		return nil, nil, errors.New("no trial has come to an end before this stage")
	}
	slices.SortFunc(out, func(a, b Tried) int { return a.Number - b.Number })
	return out, m, nil
}

// measured are trials with losses, of which less is better: a metric of which more is better has its sign changed. The loss is NaN where the
// metric is undefined; such a trial ranks behind all others.
func measured(all []Tried, m *metric.Metric) []tune.Outcome {
	out := make([]tune.Outcome, len(all))
	for i, x := range all {
		out[i] = tune.Outcome{Number: x.Number, Point: x.Point, Loss: math.NaN()}
		if x.Value != nil && m.Greater {
			out[i].Loss = -*x.Value
		} else if x.Value != nil {
			out[i].Loss = *x.Value
		}
	}
	return out
}

// choose finds the parameters of a trial by what came of earlier ones.
// In halving it goes on with the one of its rank. In tpe the trials of its batch are chosen one after the other up to this one, each by the same
// outcomes and by the points chosen before it: so each of them finds by itself what the others try, without waiting for them.
func (u *Tunable) choose(c *Choice, earlier []tune.Outcome) (tune.Point, error) {
	if c.Method == halvingMethod {
		if c.Rank >= len(earlier) {
			return nil, fmt.Errorf("there are %d trials before, and this one goes on with number %d of them", len(earlier), c.Rank+1)
		}
		return tune.Ranked(earlier)[c.Rank].Point, nil
	}
	if c.Version != tune.Version {
		return nil, fmt.Errorf("the plan has trials chosen by version %d of %s, and this mlp has version %d: plan again", c.Version, tpeMethod, tune.Version)
	}
	space, problems := u.space(&Tuning{Space: c.Space})
	if len(problems) > 0 {
		return nil, schema.Problems(problems)
	}
	var pending []tune.Point
	for number := c.First; ; number++ {
		p := space.TPE(c.Seed, number, earlier, pending)
		if number == c.Number {
			return p, nil
		}
		pending = append(pending, p)
	}
}

// finishTrial measures the estimator on the selection rows, and writes that in place of a model. Without selection these are the validation
// rows. A metric that is undefined there, or not finite, is no error: it is written with the reason, and the trial is not chosen. Of a fold the value
// is noted for the trial's mean.
func (t *Training) finishTrial(ctx context.Context, e model.Estimator, c *model.Calibration, f Figures) error {
	set := t.Selection
	if set == nil {
		columns, err := t.validationColumns(ctx)
		if err != nil {
			return err
		}
		set = &Set{Rows: t.Validation.Rows, Columns: columns, Target: t.Validation.Target, Weight: t.Validation.Weight, groups: t.Validation.groups}
	}
	scores, err := t.scores(ctx, e, c, set, set.Columns)
	if err != nil {
		return fmt.Errorf("scoring the selection rows: %w", err)
	}
	m, err := metric.New(t.config.Trial.Metric)
	if err != nil {
		return err
	}
	decision, undefined := &decided{threshold: model.DefaultThreshold}, ""
	if t.config.Decision != nil {
		// A trial whose scores keep no limit of the decision is no error of the search: it is not chosen.
		decision, undefined, err = t.trialDecision(ctx, e, c)
		if err != nil {
			return err
		}
	}
	x := 0.0
	if undefined == "" {
		x, undefined = m.Value(t.measurable(set, scores, decision))
	}
	if undefined == "" && (math.IsNaN(x) || math.IsInf(x, 0)) {
		undefined = "it is not finite"
	}
	if undefined == "" {
		t.stage.Logf("%s %.6g with %s", m.Name, x, pointText(t.config.Trial.Point))
	} else {
		t.stage.Logf("%s undefined (%s) with %s", m.Name, undefined, pointText(t.config.Trial.Point))
	}
	if fold := t.config.Fold; fold != nil {
		fold.note(x, undefined, f.Rounds, set.Rows)
		return nil
	}
	out := outcome{Point: t.config.Trial.Point, Rounds: f.Rounds, Rows: set.Rows}
	if undefined == "" {
		out.Value = &x
	} else {
		out.Undefined = map[string]string{"value": undefined}
	}
	return out.write(t.stage)
}

// write writes the outcome as the stage's figures.
func (o *outcome) write(s *component.Stage) error { return s.WriteFigures(o) }

// trialDecision is that of the model, found on the validation rows as for one; undefined says why there is none.
func (t *Training) trialDecision(ctx context.Context, e model.Estimator, c *model.Calibration) (d *decided, undefined string, err error) {
	scores, err := t.validationScores(ctx, e, c)
	if err != nil {
		return nil, "", err
	}
	d, err = t.decideGroups(scores[0])
	if why, ok := isInput(err); ok {
		return nil, why, nil
	}
	return d, "", err
}

// measurable are rows with what the model says of them, as metrics take them. Predicted is the value in regression, of several classes the one
// with the highest score, of equal ones the first, and of two the one that is decided for.
func (t *Training) measurable(set *Set, scores [][]float64, by *decided) *metric.Data {
	d := &metric.Data{Task: t.Signature.Task, Actual: set.Target, Weight: set.Weight, Predicted: make([]float64, set.Rows)}
	switch t.Signature.Task {
	case schema.Regression:
		d.Predicted = scores[0]
	case schema.Multiclass:
		d.Classes, d.Names, d.Scores = len(t.Signature.Classes), t.Signature.Classes, scores
		for r := range d.Predicted {
			best := 0
			for k := range scores {
				if scores[k][r] > scores[best][r] {
					best = k
				}
			}
			d.Predicted[r] = float64(best)
		}
	default:
		d.Classes, d.Score, d.Predicted = 2, scores[0], by.predicted(set, scores[0], false)
	}
	return d
}

// pointText is a point for people: "learning_rate 0.05, max_depth 4", in the order of the names.
func pointText(p tune.Point) string {
	var parts []string
	for _, name := range pointNames(p) {
		parts = append(parts, name+" "+strconv.FormatFloat(p[name], 'g', -1, 64))
	}
	if len(parts) == 0 {
		return "params as they are"
	}
	return strings.Join(parts, ", ")
}

// pointNames are the parameters of points, each once, sorted. Points of one space need not have the same: some do not count at some values.
func pointNames(points ...tune.Point) []string {
	var out []string
	for _, p := range points {
		for name := range p {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// strictly reads JSON into a value that has all of its fields: one that it does not know is an error.
func strictly(raw json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
