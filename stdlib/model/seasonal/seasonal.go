// Package seasonal holds the seasonal naive forecast: what was observed of the same series a whole number of seasons ago
// (R. Hyndman, G. Athanasopoulos: Forecasting: Principles and Practice, 3rd edition, section 5.2). The error of every other
// forecast is told in units of it (MASE).
//
// With a season of 7 steps and the observations of one series
//
//	step    1  2  3  4  5  6  7    8
//	value   5  6  7  8  9  3  2    6
//
// step 8 is forecast as 5, the value of step 1; step 15 as 6, that of step 8; step 22 as 6 too, since step 15 was not observed. Step 4 has
// nothing a season before, and is forecast as the mean of the series, 5.75. A forecast is never made of a value of the same step or of a
// later one, so that rows that were trained on are forecast as they would have been then.
//
// The file is JSON. The time is the last feature of the signature, the others are what tells series apart:
//
//	{"format": 1, "season": 7, "mean": 5.75, "series": [{"key": [], "mean": 5.75, "times": [1, 2], "values": [5, 6]}]}
package seasonal

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"sync"
)

// format is the version of the file that is written and read.
const format = 1

// Model is a seasonal naive forecast. Nothing in it may be changed once it scores.
type Model struct {
	Season int64    `json:"season"` // in steps; at least 1
	Mean   float64  `json:"mean"`   // of all rows: the forecast of a series that was not observed
	Series []Series `json:"series"`

	once  sync.Once
	index map[string]*phases
}

// Series is what was observed under one key.
type Series struct {
	Key    []float64 `json:"key"`  // a value for each feature but the last
	Mean   float64   `json:"mean"` // the forecast where nothing was observed a season before
	Times  []int64   `json:"times"`
	Values []float64 `json:"values"` // by time; times ascend
}

// document is the file: the model behind its format.
type document struct {
	Format int `json:"format"`
	*Model
}

// Encode writes the file.
func (m *Model) Encode() ([]byte, error) {
	return json.Marshal(document{Format: format, Model: m})
}

// Decode reads the file and checks that it takes that many features and yields that many outputs.
func Decode(data []byte, features, outputs int) (*Model, error) {
	d := document{Model: &Model{}}
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("reading a seasonal model: %w", err)
	}
	if d.Format != format {
		return nil, fmt.Errorf("reading a seasonal model: format %d is not read here, only %d", d.Format, format)
	}
	if err := d.Model.validate(features, outputs); err != nil {
		return nil, fmt.Errorf("reading a seasonal model: %w", err)
	}
	return d.Model, nil
}

// validate checks what scoring relies on.
func (m *Model) validate(features, outputs int) error {
	if outputs != 1 || features < 1 || m.Season < 1 {
		return fmt.Errorf("%d outputs and %d features with a season of %d", outputs, features, m.Season)
	}
	for i := range m.Series {
		s := &m.Series[i]
		ascending := true
		for k := 1; k < len(s.Times); k++ {
			ascending = ascending && s.Times[k-1] < s.Times[k]
		}
		if len(s.Key) != features-1 || len(s.Times) != len(s.Values) || !ascending {
			return fmt.Errorf("series %d has %d keys of %d features, %d times and %d values, or times that do not ascend",
				i, len(s.Key), features, len(s.Times), len(s.Values))
		}
	}
	return nil
}

// phases are the observations of a series by their place in the season, and there by time: of all that are a whole number of seasons
// before a step, the last is the one before it.
type phases struct {
	mean         float64
	phase, times []int64
	values       []float64
}

// Predict scores rows given column by column; the result is [output][row]. A row without a time gets the mean of its series; one whose time is
// no whole number has no forecast, which is NaN.
func (m *Model) Predict(ctx context.Context, columns [][]float64, rows, _ int) ([][]float64, error) {
	m.once.Do(m.build)
	out, keys, steps := make([]float64, rows), columns[:len(columns)-1], columns[len(columns)-1]
	var name []byte
	for r := range out {
		name = name[:0]
		for _, c := range keys {
			name = appendKey(name, c[r])
		}
		s := m.index[string(name)]
		switch t := steps[r]; {
		case !math.IsNaN(t) && t != math.Trunc(t):
			out[r] = math.NaN()
		case s == nil:
			out[r] = m.Mean
		default:
			out[r] = s.at(t, m.Season)
		}
	}
	return [][]float64{out}, ctx.Err()
}

// build makes the index.
func (m *Model) build() {
	m.index = make(map[string]*phases, len(m.Series))
	for i := range m.Series {
		s := &m.Series[i]
		order := make([]int, len(s.Times))
		for k := range order {
			order[k] = k
		}
		slices.SortStableFunc(order, func(a, b int) int { return int(phaseOf(s.Times[a], m.Season) - phaseOf(s.Times[b], m.Season)) })
		p := &phases{mean: s.Mean}
		for _, k := range order {
			p.phase = append(p.phase, phaseOf(s.Times[k], m.Season))
			p.times, p.values = append(p.times, s.Times[k]), append(p.values, s.Values[k])
		}
		var name []byte
		for _, x := range s.Key {
			name = appendKey(name, x)
		}
		m.index[string(name)] = p
	}
}

// appendKey adds a value to the name of a series. A value that is missing names none that was observed.
func appendKey(name []byte, x float64) []byte {
	return append(strconv.AppendFloat(name, x, 'g', -1, 64), '|')
}

// phaseOf is the place of a step in its season, from 0 on.
func phaseOf(t, season int64) int64 { return ((t % season) + season) % season }

// at is the forecast of a step.
func (p *phases) at(t float64, season int64) float64 {
	if math.IsNaN(t) {
		return p.mean
	}
	step := int64(t)
	phase := phaseOf(step, season)
	k := sort.Search(len(p.times), func(i int) bool { return p.phase[i] > phase || p.phase[i] == phase && p.times[i] >= step })
	if k == 0 || p.phase[k-1] != phase {
		return p.mean
	}
	return p.values[k-1]
}
