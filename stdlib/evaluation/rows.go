package evaluation

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// rows is what is known of the data's rows apart from predictions.
type rows struct {
	total    int
	target   *frame.Column
	counted  []int     // the rows that count: their label is known, and mature where that is said
	weight   []float64 // of the counted rows; nil: 1 each
	clusters []int32   // of the counted rows; nil: each its own
	clusterN int
	masks    [][]bool // by slice, of the counted rows
	groups   []groups // by fairness block; behind them those that the model's thresholds are by
}

// readRows reads what is needed of the data besides the features.
// A row counts if its target is not null and, where the target is the label of the table, the label is mature. Features are
// not read: who scores the model reads those.
func readRows(ctx context.Context, c *Config, t *schema.Table, path, target string) (*rows, error) {
	// Target, weight, whether a label is mature, the entity and the columns of fairness blocks; each once.
	columns := []string{target}
	if c.Weight != "" {
		columns = append(columns, c.Weight)
	}
	mature := ""
	if t.Label != nil && t.Column(t.Label.Mature) != nil && strings.EqualFold(t.Label.Column, target) {
		mature = t.Label.Mature
		columns = append(columns, mature)
	}
	columns = append(columns, t.Entity...)
	for _, f := range c.groupings() {
		columns = append(columns, f.columns()...)
	}
	slices.Sort(columns)
	f, err := table.ReadFrame(ctx, path, slices.Compact(columns))
	if err != nil {
		return nil, fmt.Errorf("reading the data: %w", err)
	}
	of := *column(f, target) // and not all columns that were read with it
	r := &rows{total: f.Rows, target: &of}
	for i := range f.Rows {
		known := r.target.Text() && r.target.Codes[i] >= 0 || !r.target.Text() && !math.IsNaN(r.target.Num[i])
		if known && (mature == "" || column(f, mature).Num[i] == 1) {
			r.counted = append(r.counted, i)
		}
	}
	if c.Weight != "" {
		if r.weight, err = r.readWeight(column(f, c.Weight)); err != nil {
			return nil, err
		}
	}
	r.readClusters(f, t.Entity)
	if err := r.readGroups(f, c.groupings()); err != nil {
		return nil, err
	}
	r.masks, err = readMasks(ctx, c.Slices, path, r.counted)
	return r, err
}

// groupings are the fairness blocks, and behind them what thresholds are by, where a model has some by group.
func (c *Config) groupings() []Fairness {
	if len(c.DecidedBy) == 0 {
		return c.Fairness
	}
	return append(slices.Clone(c.Fairness), Fairness{Name: "decision", By: c.DecidedBy})
}

// column finds a column without regard to case, as SQL does.
func column(f *frame.Frame, name string) *frame.Column {
	for i := range f.Columns {
		if strings.EqualFold(f.Columns[i].Name, name) {
			return &f.Columns[i]
		}
	}
	return nil
}

// readWeight are the weights of the counted rows. A null is refused: a row that counts an unknown number of times has no
// figure.
func (r *rows) readWeight(c *frame.Column) ([]float64, error) {
	out := make([]float64, len(r.counted))
	for k, i := range r.counted {
		x := c.Num[i]
		if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
			return nil, &component.InputError{Summary: fmt.Sprintf("row %d: the weight (column %q) is %v", i+1, c.Name, x), Detail: "Expected a number that is not negative."}
		}
		out[k] = x
	}
	return out, nil
}

// readClusters numbers the entities from 0 in order of appearance, by row: of the patients B, A, B, null they are 0, 1, 0, 2. A
// row without an entity is an entity of its own.
func (r *rows) readClusters(f *frame.Frame, entity []string) {
	if len(entity) == 0 {
		return
	}
	seen := map[string]int32{}
	r.clusters = make([]int32, len(r.counted))
	for k, i := range r.counted {
		key, ok := entityKey(f, entity, i)
		id, known := seen[key]
		if !known { // as a row without an entity never is
			id = int32(r.clusterN)
			r.clusterN++
		}
		if ok {
			seen[key] = id
		}
		r.clusters[k] = id
	}
}

// entityKey is an entity's values as bytes, equal for equal values only; false if one is null. Rows of no entity are
// resampled by themselves.
func entityKey(f *frame.Frame, entity []string, row int) (string, bool) {
	var key []byte
	for _, name := range entity {
		c := column(f, name)
		if c.Null(row) {
			return "", false
		}
		if c.Text() {
			key = binary.BigEndian.AppendUint64(key, uint64(c.Codes[row]))
			continue
		}
		key = binary.BigEndian.AppendUint64(key, math.Float64bits(c.Num[row]))
		if c.Exact != nil {
			key = append(binary.BigEndian.AppendUint64(key, uint64(len(c.Exact[row]))), c.Exact[row]...)
		}
	}
	return string(key), true
}

// readMasks are the rows of each slice: the mask of slice s has one element for each counted row.
func readMasks(ctx context.Context, all []Slice, path string, counted []int) ([][]bool, error) {
	var where []string
	for _, s := range all {
		where = append(where, s.Where)
	}
	out, err := table.Masks(ctx, path, where, append([]int{}, counted...))
	if err != nil {
		return nil, fmt.Errorf("slicing the data: %w", err)
	}
	return out, nil
}

// queried runs a query, and has its result read while there is one.
func queried(ctx context.Context, q table.Query, read func(path string) error) error {
	dir, err := os.MkdirTemp("", "evaluate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	q.Out = filepath.Join(dir, "out.parquet")
	if _, err := table.Run(ctx, q); err != nil {
		return err
	}
	return read(q.Out)
}

// queryFrame runs a query and reads its rows, in its order.
func queryFrame(ctx context.Context, q table.Query) (f *frame.Frame, err error) {
	err = queried(ctx, q, func(path string) error {
		f, err = table.ReadFrame(ctx, path, nil)
		return err
	})
	return f, err
}

// sample joins the counted rows with predictions. Classes that the model does not know come behind those that it knows.
func (r *rows) sample(s *prediction.Set, unseen []string) (*metric.Sample, error) {
	classes := slices.Concat(s.Classes, unseen)
	d := &metric.Data{Task: s.Task, Classes: len(classes), Names: classes, Weight: r.weight, Predicted: pick(s.Predicted, r.counted)}
	if s.Score != nil {
		d.Score = pick(s.Score, r.counted)
	}
	for _, c := range s.Scores {
		d.Scores = append(d.Scores, pick(c, r.counted))
	}
	// Classes are indexes into classes; a value that is in none of them is an error, since the metric would be of other
	// rows.
	actual := r.target.Num
	if s.Task != schema.Regression {
		var err error
		if actual, err = prediction.ClassIndex(r.target, classes); err != nil {
			return nil, &component.InputError{Summary: "the data's target: " + err.Error()}
		}
		if slices.EqualFunc(actual, r.target.Num, func(a, b float64) bool { return a == b || a != a && b != b }) {
			actual = r.target.Num // of booleans, and of classes 0 and 1: one column in memory, and not two
		}
	} else if r.target.Text() {
		return nil, &component.InputError{Summary: fmt.Sprintf("the target %q is text, and the model predicts numbers", r.target.Name)}
	}
	d.Actual = pick(actual, r.counted)
	out, err := metric.NewSample(d)
	if err != nil {
		return nil, &component.InputError{Summary: "the figures cannot be computed: " + err.Error()}
	}
	return out, nil
}

// pick are the elements of some rows, each at most once and ascending; of all rows they are shared.
func pick(xs []float64, rows []int) []float64 {
	if len(rows) == len(xs) {
		return xs
	}
	out := make([]float64, len(rows))
	for k, i := range rows {
		out[k] = xs[i]
	}
	return out
}

// sorted copies, so that the names of a block stay in its order.
func sorted(names []string) []string {
	out := slices.Clone(names)
	slices.Sort(out)
	return out
}
