// Package linear holds generalised linear models: scores that are a function of a weighted sum of inputs, where
// inputs are made of features by centring and scaling numbers, one-hot coding categories and flagging missing values.
//
// Its file is JSON:
//
//	{"format": 1, "link": "logit",
//	 "inputs": [{"feature": 0, "kind": "value", "mean": 3.5, "scale": 1.2},
//	            {"feature": 0, "kind": "missing"},
//	            {"feature": 1, "kind": "level", "level": 2}],
//	 "intercepts": [0.1], "coefficients": [[0.5, -1, 0.25]]}
//
// A score is link⁻¹(intercept + Σ coefficient·input). The link is "identity", "logit" or "softmax" (coefficients of
// one output a class). An input of kind "value" is (x - mean) / scale, 0 where x is missing, which puts the mean in its
// place; "missing" is 1 where the feature is missing; "level" is 1 where the feature has that level. "clipped" is a value that
// is brought to within low and high first. "quantile" is the share of points below x, by straight lines between them, from 0 to 1, and 0.5 where x is
// missing. "encoded" is (values[x] - mean) / scale of a level, with otherwise in place of values[x] where the level is missing. The order of
// additions is that of the inputs.
package linear

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sort"

	"golang.org/x/sync/errgroup"
)

// format is the version of the file that is written and read.
const format = 1

// Link maps the weighted sum to the score.
type Link string

// The links there are.
const (
	Identity Link = "identity"
	Logit    Link = "logit"
	Softmax  Link = "softmax"
)

// InputKind says how an input is made of its feature.
type InputKind string

// The kinds of inputs.
const (
	Value   InputKind = "value"
	Missing InputKind = "missing"
	Level   InputKind = "level"
	// Clipped, Quantile and Encoded are made by blocks preprocess.
	Clipped  InputKind = "clipped"
	Quantile InputKind = "quantile"
	Encoded  InputKind = "encoded"
)

// Input is one term of the sum.
type Input struct {
	Feature int       `json:"feature"` // by its place in the signature
	Kind    InputKind `json:"kind"`
	Mean    float64   `json:"mean,omitempty"`  // of a value
	Scale   float64   `json:"scale,omitempty"` // of a value; positive
	Level   int       `json:"level,omitempty"` // of a level: its index
	// Low and High are the bounds of a clipped value.
	Low  float64 `json:"low,omitempty"`
	High float64 `json:"high,omitempty"`
	// Points are quantiles, not descending, two at least.
	Points []float64 `json:"points,omitempty"`
	// Values are by level, of an encoded category.
	Values    []float64 `json:"values,omitempty"`
	Otherwise float64   `json:"otherwise,omitempty"`
}

// At computes the input from its feature's value: a number, the index of a level, or NaN, which is missing. With the mean
// 3.5 and the scale 2 the value 7.5 is the input 2, and a missing one 0.
func (in *Input) At(x float64) float64 {
	missing := math.IsNaN(x)
	switch in.Kind {
	case Missing:
		return indicator(missing)
	case Level:
		return indicator(!missing && int(x) == in.Level)
	case Quantile:
		return in.share(x)
	case Encoded:
		value := in.Otherwise
		if !missing && x >= 0 && int(x) < len(in.Values) {
			value = in.Values[int(x)]
		}
		return (value - in.Mean) / in.Scale
	}
	if missing {
		return 0
	}
	return (in.Clip(x) - in.Mean) / in.Scale
}

// Clip brings a value to within the bounds of a clipped input; of others it is the value.
func (in *Input) Clip(x float64) float64 {
	if in.Kind != Clipped {
		return x
	}
	return min(max(x, in.Low), in.High)
}

// share is the share of the points below x, with points of one value counted half.
func (in *Input) share(x float64) float64 {
	n := len(in.Points)
	switch {
	case math.IsNaN(x):
		return 0.5
	case x <= in.Points[0]:
		return 0
	case x >= in.Points[n-1]:
		return 1
	}
	first := sort.SearchFloat64s(in.Points, x) // of the points that are not before x, which is not the first of all
	last := first
	for last < n && in.Points[last] == x {
		last++
	}
	if last > first {
		return float64(first+last-1) / 2 / float64(n-1)
	}
	step := (x - in.Points[first-1]) / (in.Points[first] - in.Points[first-1])
	return (float64(first-1) + step) / float64(n-1)
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Model is a generalised linear model. It has one output, or with the link softmax one for each class. Nothing in it may be
// changed once it scores.
type Model struct {
	Link         Link        `json:"link"`
	Inputs       []Input     `json:"inputs"`
	Intercepts   []float64   `json:"intercepts"`   // [output]
	Coefficients [][]float64 `json:"coefficients"` // [output][input]
}

// document is the file: the model behind its format.
type document struct {
	Format int `json:"format"`
	Model
}

// Encode writes the file.
func (m *Model) Encode() ([]byte, error) {
	return json.Marshal(document{Format: format, Model: *m})
}

// Decode reads the file and checks that it takes that many features and yields that many outputs.
func Decode(data []byte, features, outputs int) (*Model, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("reading a linear model: %w", err)
	}
	if d.Format != format {
		return nil, fmt.Errorf("reading a linear model: format %d is not read here, only %d", d.Format, format)
	}
	if err := d.Model.validate(features, outputs); err != nil {
		return nil, fmt.Errorf("reading a linear model: %w", err)
	}
	return &d.Model, nil
}

// validate checks what scoring relies on, so that a damaged file is an error and no index out of range. Coefficients may be any
// number.
func (m *Model) validate(features, outputs int) error {
	if m.Link != Identity && m.Link != Logit && m.Link != Softmax {
		return fmt.Errorf("unknown link %q", m.Link)
	}
	if len(m.Intercepts) != outputs || len(m.Coefficients) != outputs {
		return fmt.Errorf("%d intercepts and %d rows of coefficients for %d outputs",
			len(m.Intercepts), len(m.Coefficients), outputs)
	}
	for o, row := range m.Coefficients {
		if len(row) != len(m.Inputs) {
			return fmt.Errorf("output %d has %d coefficients for %d inputs", o, len(row), len(m.Inputs))
		}
	}
	for i := range m.Inputs {
		if err := m.Inputs[i].Validate(features); err != nil {
			return fmt.Errorf("input %d %w", i, err)
		}
	}
	return nil
}

// Validate checks that an input can be made of one of so many features.
func (in *Input) Validate(features int) error {
	known := in.Kind == Missing || in.Kind == Level || (in.Kind == Value || in.Kind == Clipped || in.Kind == Encoded) && in.Scale > 0 ||
		in.Kind == Quantile && len(in.Points) > 1 && sort.Float64sAreSorted(in.Points)
	if !known || in.Feature < 0 || in.Feature >= features {
		return fmt.Errorf("is of kind %q, of feature %d of %d, scaled by %g", in.Kind, in.Feature, features, in.Scale)
	}
	return nil
}

// blockRows is how many rows a task scores: few enough that their scores stay in the processor's cache while the inputs pass over
// them.
const blockRows = 1024

// Predict scores rows given column by column; the result is [output][row].
func (m *Model) Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	out := make([][]float64, len(m.Intercepts))
	for o := range out {
		out[o] = make([]float64, rows)
	}
	if rows <= blockRows {
		m.block(columns, 0, rows, out)
		return out, ctx.Err()
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(threads, 1))
	for start := 0; start < rows; start += blockRows {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			m.block(columns, start, min(start+blockRows, rows), out)
			return nil
		})
	}
	return out, work.Wait()
}

// block scores the rows from start to end. An input that is 0 adds nothing and is passed over, as most one-hot inputs are.
func (m *Model) block(columns [][]float64, start, end int, out [][]float64) {
	for o := range out {
		for r := start; r < end; r++ {
			out[o][r] = m.Intercepts[o]
		}
	}
	for i := range m.Inputs {
		in := &m.Inputs[i]
		for r := start; r < end; r++ {
			x := in.At(columns[in.Feature][r])
			if x == 0 {
				continue
			}
			for o := range out {
				out[o][r] += float64(m.Coefficients[o][i] * x)
			}
		}
	}
	m.link(out, start, end)
}

// link makes scores of sums, in place.
func (m *Model) link(out [][]float64, start, end int) {
	switch m.Link {
	case Logit:
		for r := start; r < end; r++ {
			out[0][r] = 1 / (1 + math.Exp(-out[0][r]))
		}
	case Softmax:
		for r := start; r < end; r++ {
			softmaxRow(out, r)
		}
	}
}

// softmaxRow makes probabilities of a row's sums. The greatest sum is taken off each first, which changes no probability and keeps
// exp from overflowing.
func softmaxRow(out [][]float64, r int) {
	top := math.Inf(-1)
	for o := range out {
		top = max(top, out[o][r])
	}
	var sum float64
	for o := range out {
		out[o][r] = math.Exp(out[o][r] - top)
		sum += out[o][r]
	}
	for o := range out {
		out[o][r] /= sum
	}
}
