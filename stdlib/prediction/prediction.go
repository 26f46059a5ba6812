// Package prediction holds what a model says of the rows of a table: scored here from a trained model, or read from
// the table that a foreign model's own image wrote. Evaluations and batch deployments share it.
package prediction

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Set is what a model says of Rows rows, in their stored order.
type Set struct {
	Rows      int
	Task      schema.Task
	Target    string
	Classes   []string    // binary: negative, positive; nil in regression
	Score     []float64   // binary: probability of the positive class; nil if not known
	Scores    [][]float64 // multiclass: [class][row] probabilities; nil if not known
	Predicted []float64   // index of the class, or the value
	// Threshold is the score from which on a row is predicted positive; NaN where there is none or it is not known.
	Threshold float64
}

// Score scores a table with the model in a folder.
func Score(ctx context.Context, dir, data string, threads int) (*Set, error) {
	b, err := model.Read(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the model: %w", err)
	}
	sig := b.Signature()
	names := make([]string, len(sig.Features))
	for i, f := range sig.Features {
		names[i] = f.Name
	}
	f, err := table.ReadFrame(ctx, data, names)
	if err != nil {
		return nil, &component.InputError{Summary: "the model cannot score this table: " + err.Error()}
	}
	p, err := b.ScoreContext(ctx, f, threads)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, &component.InputError{Summary: "the model cannot score this table: " + err.Error()}
	}
	s := &Set{Task: sig.Task, Target: sig.Target, Classes: sig.Classes, Threshold: math.NaN()}
	if len(names) > 0 {
		s.Rows = f.Rows
	} else if s.Rows, err = rows(ctx, data); err != nil {
		return nil, err
	}
	s.take(p)
	if sig.Task == schema.Binary {
		s.Threshold = b.Threshold()
	}
	return s, nil
}

func rows(ctx context.Context, path string) (int, error) {
	n, err := table.Rows(ctx, path)
	return int(n), err
}

func (s *Set) take(p *model.Prediction) {
	switch s.Task {
	case schema.Regression:
		s.Predicted = p.Score
		return
	case schema.Binary:
		s.Score = p.Score
	case schema.Multiclass:
		s.Scores = p.Scores
	}
	s.Predicted = make([]float64, len(p.Class))
	for i, c := range p.Class {
		s.Predicted[i] = float64(c)
	}
}

// scorePrefix begins the names of the columns that hold the probability of one class each.
const scorePrefix = "score_"

// Read reads predictions that were made elsewhere: a table with the data's rows in their order and the columns
// predicted (class or value), score (binary: probability of the positive class; regression: the value) or
// score_<class>. target is the data's target, from which the classes of a binary task are known; nil if the data has
// none. m says which class is the positive one where it is not plain.
func Read(ctx context.Context, path string, want int, m schema.Model, target *frame.Column) (*Set, error) {
	f, err := table.ReadFrame(ctx, path, nil)
	if err != nil {
		return nil, fmt.Errorf("reading predictions: %w", err)
	}
	if f.Rows != want {
		return nil, &component.InputError{Summary: fmt.Sprintf("the predictions have %d rows, the data has %d", f.Rows, want),
			Detail: "One row is expected for each row of the data, in its order."}
	}
	s := &Set{Rows: f.Rows, Task: m.Task, Target: m.Target, Threshold: math.NaN()}
	switch m.Task {
	case schema.Regression:
		err = s.readValues(f)
	case schema.Binary:
		err = s.readBinary(f, target, m.Positive)
	default:
		err = s.readClasses(f, target, m.Classes)
	}
	if err != nil {
		return nil, &component.InputError{Summary: "reading predictions: " + err.Error()}
	}
	return s, nil
}

func (s *Set) readValues(f *frame.Frame) error {
	c := f.Column("predicted")
	if c == nil {
		c = f.Column("score")
	}
	if c == nil {
		return fmt.Errorf("the table has neither a column predicted nor score (it has %s)", columnNames(f))
	}
	if err := wholeNumbers(c); err != nil {
		return err
	}
	s.Predicted = c.Num
	return nil
}

// wholeNumbers checks that every row has a finite number.
func wholeNumbers(c *frame.Column) error {
	if c.Text() {
		return fmt.Errorf("column %q is text, expected numbers", c.Name)
	}
	for i, x := range c.Num {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("row %d of column %q is null, NaN or infinite", i+1, c.Name)
		}
	}
	return nil
}

func probabilities(c *frame.Column) error {
	if err := wholeNumbers(c); err != nil {
		return err
	}
	for i, x := range c.Num {
		if x < 0 || x > 1 {
			return fmt.Errorf("row %d of column %q is %v, which is no probability", i+1, c.Name, x)
		}
	}
	return nil
}

func (s *Set) readBinary(f *frame.Frame, target *frame.Column, positive string) error {
	predicted, score := f.Column("predicted"), f.Column("score")
	if score == nil && predicted == nil {
		return fmt.Errorf("the table has neither a column predicted nor score (it has %s)", columnNames(f))
	}
	from := target
	if from == nil {
		from = predicted
	}
	var err error
	if s.Classes, err = binaryClasses(from, positive); err != nil {
		return err
	}
	if score != nil {
		if err := probabilities(score); err != nil {
			return err
		}
		s.Score = score.Num
	}
	if predicted != nil {
		s.Predicted, err = ClassIndex(predicted, s.Classes)
		return err
	}
	s.Threshold = model.DefaultThreshold
	s.Predicted = make([]float64, s.Rows)
	for i, p := range s.Score {
		if p >= s.Threshold {
			s.Predicted[i] = 1
		}
	}
	return nil
}

// binaryClasses are the negative and the positive class of a column's values. Without a name for it the positive class
// is true, 1, or the last in order.
func binaryClasses(c *frame.Column, positive string) ([]string, error) {
	if c == nil {
		return namedClasses(positive), nil
	}
	classes := []string{"0", "1"}
	switch {
	case c.Type == "boolean":
		classes = []string{"false", "true"}
	default:
		if values := distinct(c); c.Text() || !subset(values, classes) {
			classes = values
		}
	}
	if len(classes) == 1 && positive != "" && classes[0] == positive {
		// No row is negative, so there is no name for that.
		return []string{"not " + positive, positive}, nil
	}
	if len(classes) == 1 && positive != "" {
		return []string{classes[0], positive}, nil
	}
	switch {
	case len(classes) != 2:
		return nil, fmt.Errorf("column %q has %d distinct values, expected the two classes", c.Name, len(classes))
	case positive == classes[0]:
		return []string{classes[1], classes[0]}, nil
	case positive != "" && positive != classes[1]:
		return nil, fmt.Errorf("column %q has no value %q, which is named as the positive class", c.Name, positive)
	}
	return classes, nil
}

// namedClasses are the two classes where only the positive one's name is known.
func namedClasses(positive string) []string {
	switch positive {
	case "", "1":
		return []string{"0", "1"}
	case "0":
		return []string{"1", "0"}
	case "true":
		return []string{"false", "true"}
	case "false":
		return []string{"true", "false"}
	}
	return []string{"not " + positive, positive}
}

func subset(values, of []string) bool {
	for _, v := range values {
		if !slices.Contains(of, v) {
			return false
		}
	}
	return true
}

func (s *Set) readClasses(f *frame.Frame, target *frame.Column, classes []string) error {
	for i := range f.Columns {
		if class, ok := strings.CutPrefix(f.Columns[i].Name, scorePrefix); ok {
			if err := probabilities(&f.Columns[i]); err != nil {
				return err
			}
			s.Classes, s.Scores = append(s.Classes, class), append(s.Scores, f.Columns[i].Num)
		}
	}
	predicted := f.Column("predicted")
	if s.Scores == nil && predicted == nil {
		return fmt.Errorf("the table has neither a column predicted nor one score_<class> for each class (it has %s)", columnNames(f))
	}
	if s.Scores == nil {
		if s.Classes = classes; classes == nil {
			s.Classes = distinct(predicted, target)
		}
	}
	if predicted != nil {
		var err error
		s.Predicted, err = ClassIndex(predicted, s.Classes)
		return err
	}
	s.Predicted = make([]float64, s.Rows)
	for r := range s.Predicted {
		best := 0
		for c := range s.Scores {
			if s.Scores[c][r] > s.Scores[best][r] {
				best = c
			}
		}
		s.Predicted[r] = float64(best)
	}
	return nil
}

// distinct are the values of the columns as text, sorted.
func distinct(columns ...*frame.Column) []string {
	var out []string
	for _, c := range columns {
		if c == nil {
			continue
		}
		out = append(out, c.Levels...)
		for _, x := range c.Num {
			if !math.IsNaN(x) {
				out = append(out, number(c, x))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func number(c *frame.Column, x float64) string {
	if c.Type == "boolean" {
		return strconv.FormatBool(x != 0)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// ClassIndex turns a column's values into indices of classes; null is NaN. A value that is none of the classes is an
// error that names it.
func ClassIndex(c *frame.Column, classes []string) ([]float64, error) {
	if c.Text() {
		return textIndex(c, classes)
	}
	byValue := map[float64]float64{}
	for i, class := range classes {
		if x, err := classValue(c, class); err == nil {
			byValue[x] = float64(i)
		}
	}
	out := make([]float64, len(c.Num))
	for r, x := range c.Num {
		index, known := byValue[x]
		switch {
		case math.IsNaN(x):
			out[r] = x
		case !known:
			return nil, unknownClass(c.Name, r, number(c, x), classes)
		default:
			out[r] = index
		}
	}
	return out, nil
}

func classValue(c *frame.Column, class string) (float64, error) {
	if b, err := strconv.ParseBool(class); c.Type == "boolean" && err == nil {
		if b {
			return 1, nil
		}
		return 0, nil
	}
	return strconv.ParseFloat(class, 64)
}

func textIndex(c *frame.Column, classes []string) ([]float64, error) {
	out := make([]float64, len(c.Codes))
	for r, code := range c.Codes {
		if code < 0 {
			out[r] = math.NaN()
			continue
		}
		i := slices.Index(classes, c.Levels[code])
		if i < 0 {
			return nil, unknownClass(c.Name, r, c.Levels[code], classes)
		}
		out[r] = float64(i)
	}
	return out, nil
}

func unknownClass(column string, row int, value string, classes []string) error {
	return fmt.Errorf("row %d of column %q is %q, which is none of the model's classes (%s)", row+1, column, value, strings.Join(classes, ", "))
}

func columnNames(f *frame.Frame) string {
	out := make([]string, len(f.Columns))
	for i, c := range f.Columns {
		out[i] = c.Name
	}
	return strings.Join(out, ", ")
}
