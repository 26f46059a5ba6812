package evaluation

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// BenchmarkSQLIntervals resamples one SQL metric 500 times over 4,500 rows.
func BenchmarkSQLIntervals(b *testing.B) {
	const n = 4500
	data := filepath.Join(b.TempDir(), "data.parquet")
	if _, err := table.Run(b.Context(), table.Query{SQL: fmt.Sprintf("select i as id, i::double as y, i %% 7 as amount from range(%d) t(i)", n), Out: data}); err != nil {
		b.Fatal(err)
	}
	r := &rows{total: n}
	set := &prediction.Set{Rows: n, Task: schema.Regression, Target: "y", Predicted: make([]float64, n)}
	for i := range n {
		r.counted = append(r.counted, i)
	}
	l := prediction.Layout{Task: schema.Regression, Target: "y", Actual: true, Data: &schema.Table{Key: []string{"id"},
		Columns: []schema.Column{{Name: "id", Type: "bigint"}, {Name: "y", Type: "double"}, {Name: "amount", Type: "bigint"}}}}
	m, err := metric.New([]byte(`{"name": "m", "goal": "minimize", "sql": "sum(case when actual > 10 then amount end) / sum(amount)"}`))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		t, err := newScored(b.Context(), l, set, r, data)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := t.replicates(b.Context(), []*metric.Metric{m}, metric.Bootstrap{Resamples: 500, Confidence: 0.95}); err != nil {
			b.Fatal(err)
		}
		t.Close()
	}
}
