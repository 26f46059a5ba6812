package evaluation

// How metrics in SQL are computed.
//
// Predictions are joined with the data once, as a file, and each figure is a query on that. A metric
//
//	sql = "sum(amount) filter (where predicted and not actual)"
//
// sees the data's columns, actual, predicted, score and weight, and two kinds of columns that it does not know of: the row's place
// among those that count, which is null of other rows, and a mark for each slice. So the value of the slice numbered 2 is
//
//	select (sum(amount) filter (where predicted and not actual)
//	)::double as value from scored where mlp_position is not null and mlp_slice_2
//
// with a line break, since the user's text may end in a comment. Intervals come of resamples that are tables too: the draws 2, 0, 2
// of resample 7 are three rows (7, 2), (7, 0), (7, 2), and joined with the file by place they give all metrics by resample in one
// query. The draws are those that metrics in Go get, so that a difference or an interval does not hang on how a metric is written.

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// positionColumn is the place of a row among those that count; sliceColumn begins the names of the slices' marks.
const (
	positionColumn = "mlp_position"
	sliceColumn    = "mlp_slice_"
	drawsPerQuery  = 2_000_000 // rows of a table of draws
)

// scored is the data joined with predictions, as a file, for metrics that are SQL. One that was not written (dir "") answers no
// query and need not: there is no metric in SQL then.
type scored struct {
	dir string
	*rows
}

// newScored writes the table. Close removes it.
func newScored(ctx context.Context, l prediction.Layout, s *prediction.Set, r *rows, data string) (*scored, error) {
	dir, err := os.MkdirTemp("", "scored")
	if err != nil {
		return nil, err
	}
	out := &scored{dir: dir, rows: r}
	if err := out.write(ctx, l, s, data); err != nil {
		out.Close()
		return nil, fmt.Errorf("joining predictions with the data: %w", err)
	}
	return out, nil
}

// Close removes the file; of one that was not written nothing.
func (t *scored) Close() { os.RemoveAll(t.dir) }

func (t *scored) path() string { return filepath.Join(t.dir, "scored.parquet") }

// write makes the table that metrics in SQL see: the data's columns, actual, the predictions, weight, the row's place among
// the counted ones and a column for each slice. Rows that do not count have a null place.
func (t *scored) write(ctx context.Context, l prediction.Layout, s *prediction.Set, data string) error {
	f := l.Frame(s)
	position := frame.Column{Name: positionColumn, Type: "bigint", Num: nulls(t.total)}
	weight := frame.Column{Name: "weight", Type: "double", Num: nulls(t.total)}
	for k, i := range t.counted {
		position.Num[i], weight.Num[i] = float64(k), 1
		if t.weight != nil {
			weight.Num[i] = t.weight[k]
		}
	}
	f.Columns = append(f.Columns, position, weight)
	for s, mask := range t.masks {
		c := frame.Column{Name: fmt.Sprint(sliceColumn, s), Type: "boolean", Num: make([]float64, t.total)}
		for k, i := range t.counted {
			if mask[k] {
				c.Num[i] = 1
			}
		}
		f.Columns = append(f.Columns, c)
	}
	own := filepath.Join(t.dir, "own.parquet")
	if err := table.WriteFrame(ctx, own, f, nil); err != nil {
		return err
	}
	terms := []string{"data.*", "data." + table.Quote(l.Target) + " as actual"}
	for _, c := range f.Columns {
		switch c.Name {
		case prediction.RowColumn:
		case "predicted":
			terms = append(terms, "own.predicted::"+predictedType(l)+" as predicted")
		default:
			terms = append(terms, "own."+table.Quote(c.Name))
		}
	}
	_, err := table.Run(ctx, table.Query{SQL: "select " + strings.Join(terms, ", ") + " from data positional join own",
		Tables: map[string]string{"data": data, "own": own}, OrderBy: []string{positionColumn}, Out: t.path()})
	return err
}

// predictedType is the type that the target has, so that `actual = predicted` compares like with like.
func predictedType(l prediction.Layout) string {
	for _, c := range l.Columns() {
		if c.Name == "predicted" {
			return c.Type
		}
	}
	return "varchar"
}

// nulls are n values that tables hold as null.
func nulls(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}

// value computes a metric over the counted rows, or those of a slice; slice -1 is all. NaN is null.
// What is infinite stays so, and is told to be no finite figure by whoever writes it.
func (t *scored) value(ctx context.Context, m *metric.Metric, slice int) (float64, error) {
	where := positionColumn + " is not null"
	if slice >= 0 {
		where += fmt.Sprintf(" and %s%d", sliceColumn, slice)
	}
	f, err := queryFrame(ctx, table.Query{SQL: fmt.Sprintf("select (%s\n)::double as value from scored where %s", m.SQL, where),
		Tables: map[string]string{"scored": t.path()}, OrderBy: []string{"value"}})
	if err != nil {
		return 0, sqlError(m, err)
	}
	return f.Columns[0].Num[0], nil
}

// sqlError tells mistakes in the metric's own SQL from troubles of the engine.
func sqlError(m *metric.Metric, err error) error {
	var e *table.Error
	if errors.As(err, &e) && e.DataError() {
		return &component.InputError{Summary: fmt.Sprintf("metric %q: %s", m.Name, e.Message)}
	}
	return fmt.Errorf("metric %q: %w", m.Name, err)
}

// replicates computes the metrics on every resample; NaN is null. The resamples are those of the other metrics. There is a
// metric, and a row that counts.
func (t *scored) replicates(ctx context.Context, metrics []*metric.Metric, b metric.Bootstrap) ([][]float64, error) {
	out := make([][]float64, len(metrics))
	for m := range out {
		out[m] = nulls(b.Resamples)
	}
	// A query takes as many resamples as make about drawsPerQuery rows: few queries, and bounded memory.
	size, step := max(1, drawsPerQuery/len(t.counted)), component.Steps(ctx, b.Resamples)
	for from := 0; from < b.Resamples; from += size {
		to := min(from+size, b.Resamples)
		draws := t.draws(b, from, to)
		f, err := t.drawn(ctx, metrics, draws)
		if err != nil {
			return nil, t.whose(ctx, metrics, draws, err)
		}
		for i, resample := range f.Columns[0].Num {
			for m := range metrics {
				out[m][int(resample)] = f.Columns[1+m].Num[i]
			}
		}
		step(to - from)
	}
	return out, nil
}

// drawn are the resamples of a table of draws, in their order, and the metrics on each.
func (t *scored) drawn(ctx context.Context, metrics []*metric.Metric, draws *frame.Frame) (*frame.Frame, error) {
	values := make([]string, len(metrics))
	for i, m := range metrics {
		values[i] = fmt.Sprintf(", (%s\n)::double as mlp_value_%d", m.SQL, i)
	}
	sql := fmt.Sprintf("select mlp_resample%s from (select scored.*, draws.mlp_resample from scored, draws where scored.%s = draws.mlp_drawn) group by mlp_resample",
		strings.Join(values, ""), positionColumn)
	return queryFrame(ctx, table.Query{SQL: sql, Tables: map[string]string{"scored": t.path()}, Frames: map[string]*frame.Frame{"draws": draws}, OrderBy: []string{"mlp_resample"}})
}

// whose is the error of the first metric that cannot be computed by itself.
func (t *scored) whose(ctx context.Context, metrics []*metric.Metric, draws *frame.Frame, err error) error {
	for _, m := range metrics {
		if _, own := t.drawn(ctx, []*metric.Metric{m}, draws); own != nil {
			return sqlError(m, own)
		}
	}
	return fmt.Errorf("metrics on resamples: %w", err)
}

// draws are resamples as a table with a row for each draw: a row of the data that is drawn twice stands there twice.
func (t *scored) draws(b metric.Bootstrap, from, to int) *frame.Frame {
	about := (to - from) * len(t.counted) // exact where rows are drawn, and not clusters
	resample := frame.Column{Name: "mlp_resample", Type: "integer", Num: make([]float64, 0, about)}
	drawn := frame.Column{Name: "mlp_drawn", Type: "bigint", Num: make([]float64, 0, about)}
	for r := from; r < to; r++ {
		for i, n := range b.Counts(r, len(t.counted), t.clusters, t.clusterN) {
			for range int(n) {
				resample.Num, drawn.Num = append(resample.Num, float64(r)), append(drawn.Num, float64(i))
			}
		}
	}
	return &frame.Frame{Rows: len(drawn.Num), Columns: []frame.Column{resample, drawn}}
}
