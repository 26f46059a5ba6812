package evaluation

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// TestEntities: which rows are drawn together in resamples, and that what is left out with a model's missing predictions leaves no gap
// in their numbers.
func TestEntities(t *testing.T) {
	none := math.NaN()
	for _, tc := range []struct {
		rows      string // of the columns id, y, a, b
		entity    []string
		predicted []float64
		want      string
	}{
		{"(1, 1, 'B', 0), (2, 1, 'A', 0), (3, 1, 'B', 0)", nil, nil, "[] of 0"},
		{"(1, 1, 'B', 0), (2, 1, 'A', 0), (3, 1, 'B', 0), (4, 1, null, 0), (5, 1, null, 0)", []string{"A"}, nil, "[0 1 0 2 3] of 4"},
		{"(1, 1, 'B', 7), (2, 1, 'B', 8), (3, 1, 'C', 7), (4, 1, 'B', 7), (5, 1, 'B', null), (6, 1, null, 7)", []string{"a", "b"}, nil, "[0 1 2 0 3 4] of 5"},
		{"(1, null, 'A', 0), (2, 1, 'B', 0), (3, 1, 'A', 0)", []string{"a"}, nil, "[0 1] of 2"}, // row 1 does not count
		// Numbers that a double cannot tell apart are different entities.
		{"(1, 1, 'A', 9007199254740992), (2, 1, 'A', 9007199254740993), (3, 1, 'A', 9007199254740992)", []string{"b"}, nil, "[0 1 0] of 2"},
		{"(1, 1, 'A', 0), (2, 1, 'B', 0), (3, 1, 'C', 0), (4, 1, 'B', 0)", []string{"a"}, []float64{none, 1, 1, 1}, "[0 1 0] of 2"},
		{"(1, 1, 'A', 0), (2, 1, 'B', 0)", []string{"a"}, []float64{none, none}, "[] of 0"},
	} {
		path := filepath.Join(t.TempDir(), "data.parquet")
		sql := fmt.Sprintf("select id, y, a, b::bigint as b from (values %s) t(id, y, a, b)", tc.rows)
		if _, err := table.Run(t.Context(), table.Query{SQL: sql, OrderBy: []string{"id"}, Out: path}); err != nil {
			t.Fatal(err)
		}
		r, err := readRows(t.Context(), &Config{}, &schema.Table{Entity: tc.entity}, path, "y")
		if err != nil {
			t.Fatal(err)
		}
		if tc.predicted != nil {
			r.keepScored(tc.predicted)
		}
		if got := fmt.Sprintf("%v of %d", r.clusters, r.clusterN); got != tc.want {
			t.Errorf("%s by %v: got %s, want %s", tc.rows, tc.entity, got, tc.want)
		}
	}
}
