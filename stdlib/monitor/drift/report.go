package drift

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/runtime/component"
	method "github.com/mlp-lang/mlp/stdlib/drift"
)

// report is what was found, as figures and in the order of the columns.
// A figure stands in three places with one value: under drift.columns.<c>, which rules read; in results, which
// drift.json has in the order of the table; and, where there is none, its reason in undefined under its path, as in
// every other figure (plan.md).
type report struct {
	figures   map[string]any
	undefined map[string]string
	results   []map[string]any
	without   int              // columns that have no figures
	slices    []map[string]any // in their order; nil: the block has none

	verdict string // over all columns, for people; "" where none is asked for
}

// newReport makes the figures. drift.share is of the columns that have a result; with none it is undefined.
// Of ten columns of which two drifted and one is infinite, the share is 2/9, and undefined is 1.
func newReport(results []method.Result, reference, current int) *report {
	r := &report{undefined: map[string]string{}}
	all, listed, without := r.columns("drift", results)
	r.results, r.without = listed, without
	r.figures = map[string]any{"drift": all, "rows": map[string]any{"reference": reference, "current": current}, "undefined": r.undefined}
	return r
}

// columns are the figures of a comparison, of the whole or a slice, whose path is given; the same in the order of the columns; and how many have none.
func (r *report) columns(path string, results []method.Result) (all map[string]any, listed []map[string]any, without int) {
	columns := map[string]any{}
	drifted, reason := 0, ""
	for _, x := range results {
		c := r.column(path, x)
		columns[x.Column] = c
		line := map[string]any{"column": x.Column}
		for k, v := range c {
			line[k] = v
		}
		listed = append(listed, line)
		if x.Drifted {
			drifted++
		}
		if x.Undefined != "" {
			reason = x.Undefined
			without++
		}
	}
	all = map[string]any{"columns": columns, "share": float64(drifted) / float64(max(len(results)-without, 1)), "drifted": drifted, "undefined": without}
	if without > 0 && without == len(results) {
		all["share"], all["drifted"] = nil, nil
		r.undefined[path+".share"], r.undefined[path+".drifted"] = reason, reason
	}
	return all, listed, without
}

// alarm adds the verdict over all columns, and over the slices where there are some. Both have half of the level then, so that the p-value of both is twice the lesser one.
func (r *report) alarm(a method.Alarm, parts *sliced, level float64) {
	all := r.figures["drift"].(map[string]any)
	p, raised := a.PValue, slices.Clone(a.Columns)
	if len(parts.slices) > 0 {
		of, names := parts.alarms(r)
		if p = 2 * p; math.IsNaN(p) || 2*of < p {
			p = 2 * of
		}
		p, raised = min(p, 1), append(raised, names...)
	}
	all["alarm"] = any(len(raised) > 0)
	all["alarm_p_value"] = r.number("drift.alarm_p_value", p, "nothing could be compared")
	if math.IsNaN(p) {
		all["alarm"] = nil
		r.undefined["drift.alarm"] = "nothing could be compared"
	}
	switch {
	case math.IsNaN(p):
	case len(raised) > 0:
		r.verdict = fmt.Sprintf("Alarm: %s. Where nothing moves, one look in %.0f raises it.", strings.Join(raised, ", "), 1/level)
	default:
		r.verdict = fmt.Sprintf("No alarm: what differs is what more than one look in %.0f shows where nothing moves.", 1/level)
	}
}

// some reports whether some columns have figures and some have none.
func (r *report) some() bool { return 0 < r.without && r.without < len(r.results) }

// column is one column's figures.
// A score may be infinite without being undefined: chisquare of a value that the reference never has. JSON has no such number, so
// the figure is null with that reason, and drifted says what it means.
func (r *report) column(of string, x method.Result) map[string]any {
	path := of + ".columns." + x.Column
	reason := func(of string) string {
		if x.Undefined != "" {
			return x.Undefined
		}
		return of
	}
	out := map[string]any{
		"score":   r.number(path+".score", x.Score, reason("it is not finite: a value that the reference never has")),
		"p_value": r.number(path+".p_value", x.PValue, reason(x.Method+" is a distance; without calibration it has no p-value")),
		"q_value": r.number(path+".q_value", x.QValue, reason("without calibration p-values are not adjusted")),
		"limit":   r.number(path+".limit", x.Limit, reason("it is not finite: a value that the reference never has")),
		"drifted": any(x.Drifted), "method": any(x.Method),
	}
	if x.Undefined != "" {
		out["drifted"], out["method"] = nil, nil
		r.undefined[path+".drifted"], r.undefined[path+".method"] = x.Undefined, x.Undefined
	}
	return out
}

// number is a figure; null with its reason if it is not finite, as JSON has no such number.
// The path is that of the figure as a rule writes it, behind the monitor's address: drift.columns.tenure.q_value.
func (r *report) number(path string, x float64, reason string) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		r.undefined[path] = reason
		return nil
	}
	return x
}

// write writes drift.json: the columns in their order, which an object of figures by name does not keep.
// A line of its columns is {"column": "tenure", "score": 0.31, "limit": 0.12, "p_value": 0.001, "q_value": 0.002, "drifted": true,
// "method": "wasserstein"}, with the same values as drift.columns.tenure.
func (r *report) write(s *component.Stage) error {
	dir, err := s.Output("report")
	if err != nil {
		return err
	}
	all := map[string]any{"rows": r.figures["rows"], "columns": r.results, "undefined": r.undefined}
	if r.slices != nil {
		all["slices"] = r.slices
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "drift.json"), append(data, '\n'), 0o644)
}
