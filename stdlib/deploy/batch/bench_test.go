package batch

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	trained "github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// BenchmarkBatch scores 200,000 rows of 30 features, 4 of them texts, with 300 trees of depth 6, from a Parquet file to a Parquet file. Rows a minute are
// those for which one core is busy that long, by the processor time of all threads.
func BenchmarkBatch(b *testing.B) {
	const rows, features, texts, trees, depth = 200_000, 30, 4, 300, 6
	random := rand.New(rand.NewPCG(1, 2))
	var list []trained.Feature
	var columns []schema.Column
	var terms []string
	for i := range features {
		f := trained.Feature{Name: fmt.Sprintf("f%d", i), Type: "double"}
		term := fmt.Sprintf("(hash(i * %d + %d) %% 1000000) / 10000.0", features, i)
		if i < texts {
			f.Type, f.Levels = "varchar", []string{"north", "east", "south", "west"}
			term = fmt.Sprintf("(['north', 'east', 'south', 'west'])[(1 + hash(i * %d + %d) %% 4)::bigint]", features, i)
		}
		list, columns = append(list, f), append(columns, schema.Column{Name: f.Name, Type: f.Type})
		terms = append(terms, fmt.Sprintf("(%s)::%s as %s", term, f.Type, f.Name))
	}
	m := &xgboost.Model{Objective: xgboost.Logistic, BaseScore: []float32{0.5}, NumFeature: features, TreeClass: make([]int32, trees)}
	for range trees {
		var tree xgboost.Tree
		inner := int32(1)<<depth - 1
		for i := range 2*inner + 1 {
			n := xgboost.Node{Left: xgboost.NoChild, Right: xgboost.NoChild, Parent: (i - 1) / 2, Value: random.Float32() - 0.5}
			if i == 0 {
				n.Parent = -1
			}
			if i < inner {
				n.Left, n.Right, n.Feature, n.Value = 2*i+1, 2*i+2, random.Int32N(features), random.Float32()*100
				if n.Feature < texts {
					n.Value, n.Categories = 0, []int32{random.Int32N(2), 2 + random.Int32N(2)}
				}
			}
			tree.Nodes = append(tree.Nodes, n)
		}
		m.Trees = append(m.Trees, tree)
	}
	signature := trained.Signature{Task: schema.Binary, Target: "y", Classes: []string{"false", "true"}, Features: list}
	estimator, err := trained.NewTrees(m, &signature)
	if err != nil {
		b.Fatal(err)
	}
	forest, err := trained.New(signature, trained.Trees, estimator, 0.5, trained.Provenance{})
	if err != nil {
		b.Fatal(err)
	}
	d := deployment{config: "{}", bundle: forest, model: &schema.Model{Task: schema.Binary, Target: "y", Features: columns},
		data: stagetest.Table{SQL: fmt.Sprintf("select i as id, %s from range(%d) r(i)", strings.Join(terms, ", "), rows), Schema: schema.Table{Key: []string{"id"}}}}
	root, res := d.prepare(b)
	if len(res.Problems) > 0 {
		b.Fatal(res.Problems)
	}
	var before, after unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := component.Open(root, 2, io.Discard)
		if err == nil {
			err = Component.Run(b.Context(), s)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := unix.Getrusage(unix.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	cpu := float64(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano()) / 1e9
	b.ReportMetric(rows*float64(b.N)/cpu*60/1e6, "M-rows/core-minute")
}
