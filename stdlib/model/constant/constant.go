// Package constant holds the simplest of models: one that says the same of every row, or what one column says. Every
// other model has to be better than it.
//
// Its file is JSON:
//
//	{"format": 1, "scores": [0.27]}
//	{"format": 1, "scores": [0.27], "column": {"feature": 0, "table": [[0.1], [0.9]]}}
//	{"format": 1, "scores": [12.5], "column": {"feature": 0}}
//
// Without a column every row gets the scores. With one and a table, a row gets the scores at the column's value (false
// and true, or the index of its level); without a table, the column's value itself. Where the column is missing, or
// beyond the table, the scores stand in.
package constant

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
)

// format is the version of the file that is written and read.
const format = 1

// Model says the same of every row, or what one column says.
type Model struct {
	Scores []float64 `json:"scores"` // [output]
	Column *Column   `json:"column,omitempty"`
}

// Column is the feature that decides, if one does.
type Column struct {
	Feature int         `json:"feature"`
	Table   [][]float64 `json:"table,omitempty"` // [value][output]; nil: the value itself is the score
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
		return nil, fmt.Errorf("reading a constant model: %w", err)
	}
	if d.Format != format {
		return nil, fmt.Errorf("reading a constant model: format %d is not read here, only %d", d.Format, format)
	}
	if err := d.Model.validate(features, outputs); err != nil {
		return nil, fmt.Errorf("reading a constant model: %w", err)
	}
	return &d.Model, nil
}

// validate checks what scoring relies on. A table may have any number of values.
func (m *Model) validate(features, outputs int) error {
	if len(m.Scores) != outputs {
		return fmt.Errorf("%d scores for %d outputs", len(m.Scores), outputs)
	}
	c := m.Column
	if c == nil {
		return nil
	}
	if c.Feature < 0 || c.Feature >= features {
		return fmt.Errorf("feature %d of %d", c.Feature, features)
	}
	if c.Table == nil && outputs != 1 {
		return fmt.Errorf("one column's value for %d outputs", outputs)
	}
	for i, row := range c.Table {
		if len(row) != outputs {
			return fmt.Errorf("value %d has %d scores for %d outputs", i, len(row), outputs)
		}
	}
	return nil
}

// Predict scores rows given column by column; the result is [output][row].
func (m *Model) Predict(_ context.Context, columns [][]float64, rows, _ int) ([][]float64, error) {
	out := make([][]float64, len(m.Scores))
	for o := range out {
		out[o] = make([]float64, rows)
		for r := range out[o] {
			out[o][r] = m.Scores[o]
			if m.Column != nil {
				out[o][r] = m.Column.score(columns[m.Column.Feature][r], o, m.Scores[o])
			}
		}
	}
	return out, nil
}

// score is what the column's value x says of one output, or otherwise.
func (c *Column) score(x float64, output int, otherwise float64) float64 {
	switch {
	case math.IsNaN(x):
		return otherwise
	case c.Table == nil:
		return x
	case x < 0 || int(x) >= len(c.Table):
		return otherwise
	}
	return c.Table[int(x)][output]
}

// Attribute attributes scores to the one feature that decides, if one does: what the model says of a row, less the mean over background rows. base is
// [output], that mean; values are [output][feature][row], with the rows in the order given.
func (m *Model) Attribute(columns [][]float64, rows, background []int, base []float64, values [][][]float64) {
	copy(base, m.Scores)
	if m.Column == nil {
		return
	}
	x := columns[m.Column.Feature]
	for o := range base {
		base[o] = 0
		for _, r := range background {
			base[o] += m.Column.score(x[r], o, m.Scores[o]) / float64(len(background))
		}
		for k, r := range rows {
			values[o][m.Column.Feature][k] = m.Column.score(x[r], o, m.Scores[o]) - base[o]
		}
	}
}
