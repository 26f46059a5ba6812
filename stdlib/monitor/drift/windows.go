package drift

import (
	"context"
	"math"
	"slices"
	"sort"
	"time"

	document "github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/runtime/component"
	method "github.com/mlp-lang/mlp/stdlib/drift"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

const (
	mostWindows  = 8
	windowRows   = 100    // of a window at least
	windowSample = 20_000 // rows of the reference, and of a window, that are looked at
	exchanges    = 199    // of a window's permutation test, which asks of few columns
	mostTimes    = 10     // times its limit that are drawn
	day          = 24 * 60 * 60
)

// windows are the current table in parts by time, each compared with the reference: since when a column drifts.
type windows struct {
	columns []string    // those that drifted in the whole, the strongest first, at most mostPlots
	starts  []float64   // seconds since 1970 of the first row of each
	times   [][]float64 // by window and column: how many times its limit a score is, at the sizes of the window
	drifted [][]bool
	perDay  bool
}

// newWindows parts the rows by time into windows of about as many rows, such of one time in one window, and compares each, where there is a season with rows of its own phases. Nil
// where that gives fewer than two, or the current table has no time.
func newWindows(ctx context.Context, drifted []method.Result, t *compared, o method.Options) (*windows, error) {
	if t.at[1] == nil {
		return nil, nil
	}
	w, at := &windows{}, t.at[1]
	byMethod := map[string][]string{}
	for _, x := range drifted[:min(len(drifted), mostPlots)] {
		w.columns = append(w.columns, x.Column)
		byMethod[x.Method] = append(byMethod[x.Method], x.Column)
	}
	parts := partsOf(at, max(windowRows, o.MinRows))
	if len(parts) < 2 || len(w.columns) == 0 {
		return nil, nil
	}
	reference, err := t.reference.Select(w.columns)
	if err != nil {
		return nil, err
	}
	current, err := t.current.Select(w.columns)
	if err != nil {
		return nil, err
	}
	o.Permutations = exchanges
	var whole *frame.Frame
	if t.season == 0 {
		whole = reference.Take(spread(countTo(reference.Rows)))
	}
	step := component.Steps(ctx, len(parts))
	for _, rows := range parts {
		w.starts = append(w.starts, at[rows[0]])
		times, over := make([]float64, len(w.columns)), make([]bool, len(w.columns))
		against, part := whole, current.Take(spread(rows))
		if whole == nil {
			against, part, o.Strata = t.ofPhases(reference, current, spread(rows))
		}
		for _, m := range method.Methods() {
			o.Method = m
			found, err := method.Compare(ctx, against, part, byMethod[m], o)
			if err != nil {
				return nil, err
			}
			for _, x := range found {
				i := slices.Index(w.columns, x.Column)
				times[i], over[i] = strength(x), x.Drifted
			}
		}
		w.times, w.drifted = append(w.times, times), append(w.drifted, over)
		step(1)
	}
	w.perDay = w.starts[len(w.starts)-1]-w.starts[0] >= day*float64(len(w.starts))
	return w, nil
}

// countTo are the rows 0 to n-1.
func countTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// spread are rows at equal distances, windowSample at most.
func spread(rows []int) []int {
	if len(rows) <= windowSample {
		return rows
	}
	out := make([]int, windowSample)
	for i := range out {
		out[i] = rows[int(int64(i)*int64(len(rows))/windowSample)]
	}
	return out
}

// partsOf are the rows with a time, in its order, in up to mostWindows parts of at least so many rows.
func partsOf(at []float64, least int) [][]int {
	var rows []int
	for i, t := range at {
		if !math.IsNaN(t) {
			rows = append(rows, i)
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return at[rows[i]] < at[rows[j]] })
	n := min(mostWindows, len(rows)/least)
	var out [][]int
	from := 0
	for k := range n {
		to := max((k+1)*len(rows)/n, from)
		for to > 0 && to < len(rows) && at[rows[to]] == at[rows[to-1]] {
			to++
		}
		if to-from >= least {
			out, from = append(out, rows[from:to]), to
		}
	}
	if len(out) > 0 && from < len(rows) { // the last ones are too few for a window of their own
		last := len(out) - 1
		out[last] = rows[from-len(out[last]):]
	}
	return out
}

// name is when a window begins.
func (w *windows) name(i int) string {
	t := time.Unix(int64(math.Floor(w.starts[i])), 0).UTC()
	if w.perDay {
		return t.Format("2006-01-02")
	}
	return t.Format("2006-01-02 15:04")
}

// since is the first of the windows from which on a column drifted to the end.
func (w *windows) since(column string) string {
	c := slices.Index(w.columns, column)
	if c < 0 {
		return "not looked at"
	}
	first := len(w.drifted)
	for first > 0 && w.drifted[first-1][c] {
		first--
	}
	ever := slices.ContainsFunc(w.drifted, func(x []bool) bool { return x[c] })
	switch {
	case first == len(w.drifted) && ever:
		return "not in the last"
	case first == len(w.drifted):
		return "in no one alone"
	case first == 0:
		return "the first rows"
	}
	return w.name(first)
}

// items are a note and a picture.
func (w *windows) items() []document.Item {
	p := &document.Plot{Title: "Drift over time", Alt: "How many times its limit the score of each of the strongest columns is, window by window; a column drifts from 1 on.",
		X: document.Axis{Label: "window from"}, Y: document.Axis{Label: "times its limit", Min: document.At(0)}}
	limit := document.Series{Name: "limit", Mark: document.Line, Dim: true}
	for i := range w.starts {
		p.X.Categories = append(p.X.Categories, w.name(i))
		limit.X, limit.Y = append(limit.X, float64(i)), append(limit.Y, 1)
	}
	p.Series = append(p.Series, limit)
	for c, name := range w.columns[:min(len(w.columns), mostLines)] {
		s := document.Series{Name: name, Mark: document.Line}
		for i := range w.starts {
			s.X, s.Y = append(s.X, float64(i)), append(s.Y, min(w.times[i][c], mostTimes))
		}
		p.Series = append(p.Series, s)
	}
	return []document.Item{document.Note("The current table in %d parts by time, each against the reference, with limits for its own size: of fewer rows less is seen. More than %d times is drawn as that.",
		len(w.starts), mostTimes), {Plot: p}}
}
