package table

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model/isolation"
	"github.com/mlp-lang/mlp/stdlib/model/kmeans"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// isolated is the block isolation_forest.
type isolated struct {
	Columns   []string `json:"columns"` // nil: all that relate
	Trees     int      `json:"trees"`
	Samples   int      `json:"samples"`
	Seed      int64    `json:"seed"`
	Threshold float64  `json:"threshold"`
}

// clustered is the block k_means.
type clustered struct {
	Columns  []string `json:"columns"` // nil: all that relate
	Clusters int      `json:"clusters"`
	Starts   int      `json:"starts"`
	Seed     int64    `json:"seed"`
}

// mostLooked is of how many rows the silhouette is at most: each is compared with all others.
const mostLooked = 2000

// mostPoints bounds the numbers of points, which take 8 bytes each.
const mostPoints = 100_000_000

func columnsAttr() schema.Attr {
	return schema.Attr{Name: "columns", Type: schema.StringList, ColumnOf: "on", Doc: "Of which columns: numbers, booleans and text, none marked pii. Left out: all of them, but text of more than 100 values."}
}

func isolationBlock() schema.Block {
	return schema.Block{Name: "isolation_forest",
		Doc: "How far rows are apart from others (isolation forest, Liu et al. 2008): quantiles of the score, near 1 for rows that are apart and 0.5 and less for most, and the share of rows above a threshold. The report tells in which columns these differ. As an input of a model it is a block of the trainer.",
		Body: schema.Body{Attrs: []schema.Attr{columnsAttr(),
			{Name: "trees", Type: schema.Integer, Default: 100.0, Doc: "How many trees."},
			{Name: "samples", Type: schema.Integer, Default: 256.0, Doc: "How many rows each tree is grown on, at most all."},
			{Name: "seed", Type: schema.Integer, Default: 0.0, Doc: "Another seed grows other trees."},
			{Name: "threshold", Type: schema.Number, Default: 0.6, Doc: "From which score on a row counts as `above`."},
		}}}
}

func clustersBlock() schema.Block {
	return schema.Block{Name: "k_means",
		Doc: "Which rows are alike (k-means): into how many rows the clusters part the table, their inertia and silhouette. The report has what each cluster is like. As inputs of a model it is a block of the trainer.",
		Body: schema.Body{Attrs: []schema.Attr{columnsAttr(),
			{Name: "clusters", Type: schema.Integer, Default: 8.0, Doc: "How many clusters, from 2 to 255."},
			{Name: "starts", Type: schema.Integer, Default: 10.0, Doc: "How many times it is begun; the clusters with the least inertia are kept."},
			{Name: "seed", Type: schema.Integer, Default: 0.0, Doc: "Another seed begins with other centres."},
		}}}
}

// pointFigures are the types of what the blocks yield.
func (c *config) pointFigures(fields map[string]*schema.FigureType) {
	if c.IsolationForest != nil {
		fields["isolation_forest"] = schema.Object(map[string]*schema.FigureType{"median": schema.Share, "q95": schema.Share, "q99": schema.Share, "max": schema.Share, "above": schema.Share})
	}
	if c.KMeans != nil {
		fields["k_means"] = schema.Object(map[string]*schema.FigureType{"inertia": schema.AtLeast(0), "silhouette": schema.Double, "largest": schema.Share, "smallest": schema.Share})
	}
}

// pointProblems are those of the blocks.
func (c *config) pointProblems(in *schema.Table) (out []schema.Problem) {
	refuse := func(bad bool, path string, value any, want string) {
		if bad {
			out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("%s is %v", path[strings.LastIndex(path, ".")+1:], value), Detail: "It must be " + want + "."})
		}
	}
	columns := func(block string, names []string) {
		for i, name := range names {
			if o := in.Column(name); o != nil && (o.PII || !relates(*o)) {
				out = append(out, schema.Problem{Path: fmt.Sprintf("%s.columns[%d]", block, i), Summary: fmt.Sprintf("%q tells rows apart by no value", o.Name), Detail: "It takes numbers, booleans and text, and none that is personal."})
			}
		}
		if names != nil && len(names) == 0 {
			out = append(out, schema.Problem{Path: block + ".columns", Summary: "There are no columns to look at", Hint: "Leave columns out for all."})
		}
	}
	if f := c.IsolationForest; f != nil {
		columns("isolation_forest", f.Columns)
		refuse(f.Trees < 1 || f.Trees > 10_000, "isolation_forest.trees", f.Trees, "from 1 to 10000")
		refuse(f.Samples < 2 || f.Samples > 1<<20, "isolation_forest.samples", f.Samples, "from 2 to 1048576")
		refuse(!(f.Threshold > 0 && f.Threshold < 1), "isolation_forest.threshold", f.Threshold, "between 0 and 1")
	}
	if k := c.KMeans; k != nil {
		columns("k_means", k.Columns)
		refuse(k.Clusters < 2 || k.Clusters > 255, "k_means.clusters", k.Clusters, "from 2 to 255")
		refuse(k.Starts < 1 || k.Starts > 1000, "k_means.starts", k.Starts, "from 1 to 1000")
	}
	return out
}

// points are rows as numbers: of each column centred and scaled, or one-hot coded, as trainers have them.
type points struct {
	columns []*frame.Column
	inputs  []linear.Input // of columns by their place
	rows    []float64      // one after the other, a number for each input
	count   int
}

func (p *points) width() int { return len(p.inputs) }

func (p *points) row(r int) []float64 { return p.rows[r*len(p.inputs) : (r+1)*len(p.inputs)] }

// pointsOf makes them of the columns that are named, or of all that relate. One with infinite values, and text that is no class, is left out where all are asked for.
func pointsOf(f *frame.Frame, in *schema.Table, names []string) (*points, error) {
	p := &points{count: f.Rows}
	var values [][]float64
	for _, name := range relatable(in) {
		c := f.Column(name)
		named := slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
		if c == nil || names != nil && !named {
			continue
		}
		if v := newVariable(c); v.unfit != "" {
			if named {
				return nil, &component.InputError{Summary: fmt.Sprintf("%q tells rows apart by no value: %s", name, v.unfit), Detail: "Take it out of columns."}
			}
			continue
		}
		column := c.Num
		if c.Text() {
			column = make([]float64, len(c.Codes))
			for r, code := range c.Codes {
				if column[r] = float64(code); code < 0 {
					column[r] = math.NaN()
				}
			}
		}
		alike, at := func(int) float64 { return 1 }, len(values)
		if c.Text() {
			p.inputs = append(p.inputs, linear.LevelInputs(at, column, len(c.Levels), alike, false)...)
		} else {
			p.inputs = append(p.inputs, linear.NumberInputs(at, column, alike)...)
		}
		p.columns, values = append(p.columns, c), append(values, column)
	}
	if p.count*p.width() > mostPoints {
		return nil, &component.InputError{Summary: fmt.Sprintf("%d rows of %d inputs are more than %d numbers", p.count, p.width(), mostPoints), Detail: "Name fewer columns: of text each value is an input."}
	}
	p.rows = make([]float64, p.count*p.width())
	for j := range p.inputs {
		in := &p.inputs[j]
		for r, x := range values[in.Feature] {
			p.rows[r*p.width()+j] = in.At(x)
		}
	}
	return p, nil
}

// apart is what the isolation forest found.
type apart struct {
	*points
	scores    []float64 // by row
	threshold float64
	above     []int // rows
	why       string
}

// isolate grows the forest and scores all rows.
func (p *profile) isolate(ctx context.Context, s *component.Stage, f *frame.Frame) (err error) {
	c := p.IsolationForest
	p.apart = &apart{threshold: c.Threshold}
	if p.apart.points, err = pointsOf(f, s.In["on"].Table, c.Columns); err != nil {
		return err
	}
	if p.apart.width() == 0 || p.apart.count < 2 {
		p.apart.why = "there are fewer than two rows, or no column in which they differ"
		return nil
	}
	forest, err := isolation.Fit(ctx, p.apart.rows, p.apart.width(), isolation.Params{Trees: c.Trees, Samples: c.Samples, Seed: c.Seed, Threads: s.Threads})
	if err != nil {
		return err
	}
	p.apart.scores = make([]float64, p.apart.count)
	for r := range p.apart.scores {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.apart.scores[r] = forest.Score(p.apart.row(r)); p.apart.scores[r] >= c.Threshold {
			p.apart.above = append(p.apart.above, r)
		}
	}
	return nil
}

// alike is what k-means found.
type alike struct {
	*points
	*kmeans.Result
	silhouette float64
	looked     int
	why        string
}

// cluster finds the clusters.
func (p *profile) cluster(ctx context.Context, s *component.Stage, f *frame.Frame) (err error) {
	c := p.KMeans
	p.alike = &alike{}
	if p.alike.points, err = pointsOf(f, s.In["on"].Table, c.Columns); err != nil {
		return err
	}
	p.alike.Result, err = kmeans.Fit(ctx, p.alike.rows, p.alike.width(), kmeans.Params{Clusters: c.Clusters, Starts: c.Starts, Seed: c.Seed, Threads: s.Threads})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		p.alike.why = err.Error()
		return nil
	}
	some := make([]int, min(p.alike.count, mostLooked))
	for i := range some {
		some[i] = i * p.alike.count / len(some)
	}
	p.alike.looked = len(some)
	p.alike.silhouette, err = kmeans.Silhouette(ctx, p.alike.rows, p.alike.width(), p.alike.Cluster, some, s.Threads)
	return err
}

// pointValues are the figures of what was found.
func (p *profile) pointValues(out map[string]any) {
	if a := p.apart; a != nil {
		sorted := slices.Sorted(slices.Values(a.scores))
		of := map[string]any{}
		for name, q := range map[string]float64{"median": 0.5, "q95": 0.95, "q99": 0.99, "max": 1} {
			of[name] = p.figure("isolation_forest."+name, quantile(sorted, q), a.why == "", a.why)
		}
		of["above"] = p.figure("isolation_forest.above", float64(len(a.above))/float64(max(a.count, 1)), a.why == "", a.why)
		out["isolation_forest"] = of
	}
	if k := p.alike; k != nil {
		of := map[string]any{}
		set := func(name string, x float64, why string) {
			of[name] = p.figure("k_means."+name, x, k.why == "" && why == "", k.why+why)
		}
		if k.Result == nil {
			k.Result = &kmeans.Result{Rows: []int{0}}
		}
		set("inertia", k.Inertia, "")
		why := ""
		if k.why == "" && math.IsNaN(k.silhouette) {
			why = "all rows that were compared are in one cluster"
		}
		set("silhouette", k.silhouette, why)
		set("largest", float64(k.Rows[0])/float64(max(k.count, 1)), "")
		set("smallest", float64(k.Rows[len(k.Rows)-1])/float64(max(k.count, 1)), "")
		out["k_means"] = of
	}
}
