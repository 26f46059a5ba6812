package prediction

// What is read.
//
//	task        columns                            the decision
//	binary      score                              positive from 0.5 on
//	            predicted                          as it says; metrics of scores are then refused where they are listed
//	            score, predicted                   as predicted says
//	multiclass  score_cat, score_dog, …            the class with the greatest score, the first of equals
//	            scores, as {"cat":0.7,"dog":0.3}   the same
//	            predicted, with scores or without  as it says
//	regression  predicted, or else score           the value
//
// Other columns are not looked at. Nothing else tells which row is whose but its place.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// scorePrefix begins the names of the columns that hold the probability of one class each.
const scorePrefix = "score_"

// ScoredClass is the class whose probabilities a column holds by its name: cat of score_cat. False for other names.
func ScoredClass(column string) (class string, ok bool) {
	return strings.CutPrefix(column, scorePrefix)
}

// Read reads predictions that were made elsewhere: a table with the data's rows in their order and the columns
// predicted (class or value), score (binary: probability of the positive class; regression: the value) or
// score_<class> (or scores, as Layout writes them). target is the data's target, from which the classes of a binary task are known; nil if the data has
// none. m says which class is the positive one where it is not plain.
// want is the number of the data's rows; another number of predictions, a probability outside 0 to 1, an infinite value or
// an unknown class is a *component.InputError. A null is a row without a prediction.
func Read(ctx context.Context, path string, want int, m schema.Model, target *frame.Column) (*Set, error) {
	all, err := table.Names(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("reading predictions: %w", err)
	}
	names, inJSON := looked(all, m.Task)
	f, err := table.ReadFrame(ctx, path, names)
	if err != nil {
		return nil, fmt.Errorf("reading predictions: %w", err)
	}
	if f.Rows != want {
		return nil, &component.InputError{Summary: fmt.Sprintf("the predictions have %d rows, the data has %d", f.Rows, want),
			Detail: "One row is expected for each row of the data, in its order."}
	}
	s := &Set{Rows: f.Rows, Task: m.Task, Target: m.Target, Threshold: math.NaN()}
	if inJSON {
		if err := s.readJSON(ctx, path); err != nil {
			return nil, err
		}
	}
	switch {
	case len(names) == 0 && !inJSON && m.Task == schema.Multiclass:
		err = fmt.Errorf("the table has neither a column predicted nor one score_<class> for each class (it has %s)", strings.Join(all, ", "))
	case len(names) == 0 && !inJSON:
		err = fmt.Errorf("the table has neither a column predicted nor score (it has %s)", strings.Join(all, ", "))
	case m.Task == schema.Regression:
		err = s.readValues(&f.Columns[0])
	case m.Task == schema.Binary:
		err = s.readBinary(f, target, m.Positive)
	default:
		err = s.readClasses(f, target, m.Classes)
	}
	if err != nil {
		return nil, &component.InputError{Summary: "reading predictions: " + err.Error()}
	}
	s.unscored()
	return s, nil
}

// looked are those of a table's columns that predictions of a task are in, and whether its column scores is to be read besides. No other column is in memory,
// and scores never as a whole: its texts are many times as long as the probabilities in them.
func looked(all []string, task schema.Task) (names []string, inJSON bool) {
	has := func(name string) bool { return slices.Contains(all, name) }
	switch {
	case task == schema.Multiclass:
		for _, name := range all {
			if _, ok := ScoredClass(name); ok {
				names = append(names, name)
			}
		}
		inJSON = len(names) == 0 && has("scores")
	case has("score") && (task == schema.Binary || !has("predicted")):
		names = []string{"score"}
	}
	if has("predicted") {
		names = append(names, "predicted")
	}
	if names == nil {
		names = []string{} // none, and not all
	}
	return names, inJSON
}

// unscored finds the rows without a prediction: what there is of one is null.
func (s *Set) unscored() {
	for r := range s.Predicted {
		none := math.IsNaN(s.Predicted[r]) || s.Score != nil && math.IsNaN(s.Score[r])
		for _, scores := range s.Scores {
			none = none || math.IsNaN(scores[r])
		}
		if none {
			s.Predicted[r] = math.NaN()
			s.Unscored = append(s.Unscored, model.Unscored{Row: r, Reason: "it is null"})
		}
	}
}

// readValues reads a regression's predictions.
func (s *Set) readValues(c *frame.Column) error {
	if err := finiteNumbers(c); err != nil {
		return err
	}
	s.Predicted = c.Num
	return nil
}

// finiteNumbers checks that a column holds finite numbers, or none where there is no prediction.
func finiteNumbers(c *frame.Column) error {
	if c.Text() {
		return fmt.Errorf("column %q is text, expected numbers", c.Name)
	}
	for i, x := range c.Num {
		if math.IsInf(x, 0) {
			return fmt.Errorf("row %d of column %q is infinite", i+1, c.Name)
		}
	}
	return nil
}

// probabilities holds a column to numbers from 0 to 1; nulls are rows without a prediction.
func probabilities(c *frame.Column) error {
	if err := finiteNumbers(c); err != nil {
		return err
	}
	for i, x := range c.Num {
		if x < 0 || x > 1 {
			return fmt.Errorf("row %d of column %q is %v, which is no probability", i+1, c.Name, x)
		}
	}
	return nil
}

// readBinary reads score, predicted, or both. With scores alone a row is positive from the default threshold on.
// With both, predicted is what was decided and the threshold is not known (NaN): it need not have gone by the score alone.
func (s *Set) readBinary(f *frame.Frame, target *frame.Column, positive string) error {
	predicted, score := f.Column("predicted"), f.Column("score")
	from := target
	if from == nil {
		from = predicted
	}
	var err error
	if s.Classes, err = binaryClasses(from, predicted, positive); err != nil {
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

// readClasses reads the scores of several classes, from columns score_<class> unless they came as JSON, and the class. With scores alone
// it is the first of the greatest.
// With classes alone, those that the model declares count, else those that occur in the predictions or the data.
func (s *Set) readClasses(f *frame.Frame, target *frame.Column, classes []string) error {
	for i := range f.Columns {
		if class, ok := ScoredClass(f.Columns[i].Name); ok {
			if err := probabilities(&f.Columns[i]); err != nil {
				return err
			}
			s.Classes, s.Scores = append(s.Classes, class), append(s.Scores, f.Columns[i].Num)
		}
	}
	predicted := f.Column("predicted")
	if s.Scores == nil && predicted == nil {
		return errors.New("no row has a value in the column scores")
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

// readJSON reads the probabilities of all classes from the column scores; the first row with one says which classes there are.
func (s *Set) readJSON(ctx context.Context, path string) error {
	err := table.ReadParts(ctx, path, []string{"scores"}, func(p table.Part) error {
		c := &p.Columns[0]
		var err error
		if s.Classes == nil {
			s.Classes, err = firstClasses(c, p.Before)
		}
		if err == nil && s.Classes != nil {
			s.Scores, err = parseScores(c, s.Classes, s.Scores, p.Before, p.Total)
		}
		if err != nil {
			return &component.InputError{Summary: "reading predictions: " + err.Error()}
		}
		return nil
	})
	var input *component.InputError
	if err != nil && !errors.As(err, &input) {
		return fmt.Errorf("reading predictions: %w", err)
	}
	return err
}

// firstClasses are those of the first row of a column of JSON objects that has one, of rows that come after others; nil: there is none.
func firstClasses(c *frame.Column, before int) ([]string, error) {
	if !c.Text() {
		return nil, fmt.Errorf("column %q is no text, expected JSON objects of probabilities by class", c.Name)
	}
	at := slices.IndexFunc(c.Codes, func(code int32) bool { return code >= 0 })
	if at < 0 {
		return nil, nil
	}
	var first map[string]float64
	if err := json.Unmarshal([]byte(c.Levels[c.Codes[at]]), &first); err != nil {
		return nil, fmt.Errorf("row %d: scores %q: %w", before+at+1, c.Levels[c.Codes[at]], err)
	}
	return slices.Sorted(maps.Keys(first)), nil
}
