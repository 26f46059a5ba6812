package prediction

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Layout is which columns a table of predictions has: key, entity and time of the data, or a column row where the data
// has no key; actual where asked for; predicted; score, the probability of the positive class or, of several classes,
// of the predicted one; scores, with several classes all probabilities as a JSON object. Of three classes, data with the key id
// and Actual and Score set:
//
//	id  actual  predicted  score  scores
//	7   dog     cat        0.7    {"bird":0.1,"cat":0.7,"dog":0.2}
//	8   bird    null       null   null       no prediction: a feature is infinite
//
// A Layout is a value; its methods read no file but Write and Read.
type Layout struct {
	Task   schema.Task
	Target string
	Data   *schema.Table
	Actual bool // with a column of the target
	Score  bool // with a column of scores
}

// RowColumn numbers the rows, from 0, where the data has no key.
const RowColumn = schema.RowColumn

// Columns returns the columns of a table of predictions in their order. With the key customer, the target churned of two
// classes, Actual and Score: customer, actual, predicted, score.
func (l Layout) Columns() []schema.Column {
	var out []schema.Column
	for _, name := range l.carried() {
		out = append(out, *l.Data.Column(name))
	}
	if len(l.Data.Key) == 0 {
		out = append([]schema.Column{{Name: RowColumn, Type: "bigint"}}, out...)
	}
	if l.Actual {
		actual := *l.Data.Column(l.Target)
		actual.Name = "actual"
		out = append(out, actual)
	}
	out = append(out, schema.Column{Name: "predicted", Type: l.predictedType()})
	if l.Score && l.Task != schema.Regression {
		out = append(out, schema.Column{Name: "score", Type: "double"})
		if l.Task == schema.Multiclass {
			out = append(out, schema.Column{Name: "scores", Type: "varchar"})
		}
	}
	return out
}

// Table returns the schema of a table of predictions. Its key is that of the data, or row.
func (l Layout) Table() *schema.Table {
	key := l.Data.Key
	if len(key) == 0 {
		key = []string{RowColumn}
	}
	return &schema.Table{Columns: l.Columns(), Key: key, Entity: l.Data.Entity, Time: l.Data.Time, Rows: l.Data.Rows}
}

// Clash returns the name of a column that would be carried over from the data and is called like one that predictions add, such as a
// key named "score"; empty if there is none. Names are compared without regard to case.
func (l Layout) Clash() string {
	own := map[string]bool{"actual": true, "predicted": true, "score": true, "scores": true, RowColumn: len(l.Data.Key) == 0}
	for _, name := range l.carried() {
		if own[strings.ToLower(name)] {
			return name
		}
	}
	return ""
}

// carried are the columns taken over from the data: key, entity, time; each once.
func (l Layout) carried() []string {
	var out []string
	seen := map[string]bool{}
	all := append(append([]string{}, l.Data.Key...), l.Data.Entity...)
	if l.Data.Time != "" {
		all = append(all, l.Data.Time)
	}
	for _, name := range all {
		c := l.Data.Column(name)
		if c != nil && !seen[c.Name] {
			seen[c.Name] = true
			out = append(out, c.Name)
		}
	}
	return out
}

// predictedType is the target's type where the data has it, so that actual = predicted compares like with like; else varchar,
// which takes the name of any class. A regression predicts doubles, also of a target of whole numbers.
func (l Layout) predictedType() string {
	if l.Task == schema.Regression {
		return "double"
	}
	if c := l.Data.Column(l.Target); c != nil {
		return c.Type
	}
	return "varchar"
}

// Write writes the predictions of the data's rows to the Parquet file out, ordered by the data's key; without one in the order of the
// data's rows. s has a prediction, or none, for each of these in that order.
func (l Layout) Write(ctx context.Context, s *Set, data, out string) error {
	dir, err := os.MkdirTemp("", "predictions")
	if err != nil {
		return fmt.Errorf("writing predictions: %w", err)
	}
	defer os.RemoveAll(dir)
	scored := filepath.Join(dir, "scored.parquet")
	if err := table.WriteFrame(ctx, scored, l.Frame(s), nil); err != nil {
		return fmt.Errorf("writing predictions: %w", err)
	}
	// The table is in the order of its key; without one, of the data's rows (RowColumn).
	order := l.Data.Key
	if len(order) == 0 {
		order = []string{RowColumn}
	}
	_, err = table.Run(ctx, table.Query{SQL: l.query(), Tables: map[string]string{"data": data, "scored": scored},
		OrderBy: order, Columns: plain(l.Columns()), Out: out})
	if err != nil {
		return fmt.Errorf("writing predictions: %w", err)
	}
	return nil
}

// plain leaves names and types: a query yields no marks and no lineage to compare.
func plain(columns []schema.Column) []schema.Column {
	out := make([]schema.Column, len(columns))
	for i, c := range columns {
		out[i] = schema.Column{Name: c.Name, Type: c.Type}
	}
	return out
}

// query puts the rows of both tables side by side.
// They are joined by position, which holds as both files have the rows in one order and the engine keeps it.
func (l Layout) query() string {
	var terms []string
	for _, c := range l.Columns() {
		from := "data." + table.Quote(c.Name)
		switch c.Name {
		case "actual":
			from = "data." + table.Quote(l.Target)
		case RowColumn, "predicted", "score", "scores":
			if !slices.Contains(l.carried(), c.Name) { // as a key named row is
				from = "scored." + table.Quote(c.Name)
			}
		}
		terms = append(terms, fmt.Sprintf("%s::%s as %s", from, c.Type, table.Quote(c.Name)))
	}
	return "select " + strings.Join(terms, ", ") + " from data positional join scored"
}

// Frame returns the columns that predictions add (predicted, score, scores; row where the data has no key), rows in the data's order.
// Predicted classes are text, null where there is none. The slices of s are shared, not copied.
func (l Layout) Frame(s *Set) *frame.Frame {
	f := &frame.Frame{Rows: s.Rows}
	if l.Data == nil || len(l.Data.Key) == 0 {
		row := frame.Column{Name: RowColumn, Type: "bigint", Num: make([]float64, s.Rows)}
		for i := range row.Num {
			row.Num[i] = float64(i)
		}
		f.Columns = append(f.Columns, row)
	}
	if s.Task == schema.Regression {
		f.Columns = append(f.Columns, frame.Column{Name: "predicted", Type: "double", Num: s.Predicted})
		return f
	}
	// Classes are written by their names, not by their indexes: readers need no model to tell them.
	codes := make([]int32, s.Rows)
	for i, c := range s.Predicted {
		codes[i] = int32(c)
		if math.IsNaN(c) {
			codes[i] = -1
		}
	}
	f.Columns = append(f.Columns, frame.Column{Name: "predicted", Type: "varchar", Codes: codes, Levels: s.Classes})
	switch {
	case l.Score && s.Score != nil:
		f.Columns = append(f.Columns, frame.Column{Name: "score", Type: "double", Num: s.Score})
	case l.Score && s.Scores != nil:
		f.Columns = append(f.Columns, s.classScores()...)
	}
	return f
}

// classScores are the probability of the predicted class and those of all classes, as score and scores. Each row has a level of its
// own, unsorted: the column is written and never compared by levels.
func (s *Set) classScores() []frame.Column {
	score := make([]float64, s.Rows)
	all := frame.Column{Name: "scores", Type: "varchar", Codes: make([]int32, s.Rows)}
	for r := range s.Rows {
		if math.IsNaN(s.Predicted[r]) {
			score[r], all.Codes[r] = math.NaN(), -1
			continue
		}
		score[r] = s.Scores[int(s.Predicted[r])][r]
		byClass := map[string]float64{}
		for c, class := range s.Classes {
			byClass[class] = s.Scores[c][r]
		}
		// Maps are written with their keys sorted; numbers so that they read back as they were.
		text, err := json.Marshal(byClass)
		if err != nil {
			text = []byte("{}")
		}
		all.Codes[r] = int32(len(all.Levels))
		all.Levels = append(all.Levels, string(text))
	}
	return []frame.Column{{Name: "score", Type: "double", Num: score}, all}
}

// Read reads back a table of predictions, with the given classes.
// path is a file that Write wrote; a class that is not among the given ones is an error. The threshold is not in it (NaN), nor why a
// row has no prediction (Unscored is nil).
func (l Layout) Read(ctx context.Context, path string, classes []string) (*Set, error) {
	names := l.written()
	scores := slices.Index(names, "scores")
	if scores >= 0 {
		names = slices.Delete(names, scores, scores+1)
	}
	f, err := table.ReadFrame(ctx, path, names)
	if err != nil {
		return nil, fmt.Errorf("reading predictions: %w", err)
	}
	s, err := l.set(f, classes)
	if err == nil && scores >= 0 { // texts that are many times as long as the probabilities in them
		err = table.ReadParts(ctx, path, []string{"scores"}, func(p table.Part) (err error) {
			s.Scores, err = parseScores(&p.Columns[0], classes, s.Scores, p.Before, p.Total)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("reading predictions: %w", err)
	}
	return s, nil
}

// ReadParts reads the same some rows at a time, each part with the number of rows before it.
func (l Layout) ReadParts(ctx context.Context, path string, classes []string, take func(before int, s *Set) error) error {
	err := table.ReadParts(ctx, path, l.written(), func(p table.Part) error {
		s, err := l.set(&p.Frame, classes)
		if err != nil {
			return err
		}
		return take(p.Before, s)
	})
	if err != nil {
		return fmt.Errorf("reading predictions: %w", err)
	}
	return nil
}

// written are the columns that predictions are read from.
func (l Layout) written() []string {
	names := []string{"predicted"}
	t := schema.Table{Columns: l.Columns()}
	for _, n := range []string{"score", "scores"} {
		if t.Column(n) != nil {
			names = append(names, n)
		}
	}
	return names
}

// set makes predictions of the columns that hold them.
func (l Layout) set(f *frame.Frame, classes []string) (s *Set, err error) {
	s = &Set{Rows: f.Rows, Task: l.Task, Target: l.Target, Classes: classes, Threshold: math.NaN()}
	predicted := f.Column("predicted")
	if l.Task == schema.Regression {
		s.Predicted = predicted.Num
		return s, nil
	}
	if s.Predicted, err = ClassIndex(predicted, classes); err != nil {
		return nil, err
	}
	if c := f.Column("score"); c != nil && l.Task == schema.Binary {
		s.Score = c.Num
	}
	if c := f.Column("scores"); c != nil {
		s.Scores, err = parseScores(c, classes, nil, 0, f.Rows)
	}
	return s, err
}

// parseScores reads a column of JSON objects, {"cat": 0.7, "dog": 0.3}, into [class][row]. Each must have a probability of all classes
// and no other; where there is no object, that is NaN for each. The column has some of so many rows, with some before them: out is what came of those, nil
// of the first that have an object.
func parseScores(c *frame.Column, classes []string, out [][]float64, before, rows int) ([][]float64, error) {
	if out == nil {
		out = make([][]float64, len(classes))
		for i := range out {
			out[i] = slices.Repeat([]float64{math.NaN()}, rows)
		}
	}
	for k, code := range c.Codes {
		r := before + k
		if code < 0 {
			continue
		}
		var byClass map[string]*float64
		if err := json.Unmarshal([]byte(c.Levels[code]), &byClass); err != nil {
			return nil, fmt.Errorf("row %d: scores %q: %w", r+1, c.Levels[code], err)
		}
		if len(byClass) != len(classes) {
			return nil, fmt.Errorf("row %d has scores of %d classes, expected %d", r+1, len(byClass), len(classes))
		}
		for i, class := range classes {
			x := byClass[class]
			if x == nil { // or null
				return nil, fmt.Errorf("row %d has no score of class %q", r+1, class)
			}
			if *x < 0 || *x > 1 {
				return nil, fmt.Errorf("row %d has the score %v of class %q, which is no probability", r+1, *x, class)
			}
			out[i][r] = *x
		}
	}
	return out, nil
}

// HasScore reports whether predictions that come in as a table have scores; a nil table is a model that is scored here.
func HasScore(predictions *schema.Table, task schema.Task) bool {
	if predictions == nil || predictions.Columns == nil {
		return true
	}
	return slices.ContainsFunc(predictions.Columns, func(c schema.Column) bool {
		if task == schema.Multiclass {
			return c.Name == "scores" || strings.HasPrefix(c.Name, scorePrefix)
		}
		return c.Name == "score"
	})
}
