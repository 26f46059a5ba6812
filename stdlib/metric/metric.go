// Package metric computes the figures that models are judged by, under scikit-learn's names and definitions, with
// seeded bootstrap intervals.
//
// A Metric is made of the definition that a metric block gives (New). It is computed on a Sample: actual values,
// predictions, scores and weights, sorted once so that a resample, which only changes the weights, costs one pass.
// What is not defined (a ratio with nothing below the line, one class only, no rows) has no value but a reason.
package metric

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Metric is one metric as a block defines it. It is not changed once made, and safe for concurrent use.
type Metric struct {
	Name    string // of the block: what figures are called
	Type    string // "roc_auc", …; empty for an SQL metric
	Greater bool   // greater is better
	Average string // binary, macro, micro or weighted, where the type knows averages; may be empty: by the task
	// NeedsScore says that the metric reads probabilities (roc_auc, log_loss), not only decisions or values.
	NeedsScore bool
	// SQL is the aggregate expression of a metric that is defined by one, such as "sum(amount) filter (where predicted)". Value
	// and On leave such a metric undefined; it is computed on the table of predictions.
	SQL string

	zeroDivision *float64
	def          *definition
}

// definition is what a type of metric is.
type definition struct {
	name     string
	summary  string
	greater  bool
	scores   bool
	share    bool // between 0 and 1
	signed   bool // may be negative
	tasks    []schema.Task
	averages []string // that may be asked for; the first that fits the task is the default
	// counts computes it from a confusion matrix [actual][predicted] of weights; nil where that is not enough.
	counts func(m *Metric, c matrix) (float64, string)
	value  func(m *Metric, s *Sample, w []float64) (float64, string)
	// ratio and ranked choose the method of the interval. ratio is set where the metric is a function of one quotient of
	// weighted sums (mean_absolute_error is Σw·|error| / Σw); ranked is true where the metric is an area under a ROC curve,
	// or a mean of such areas over classes.
	ratio  func(s *Sample) ratio
	ranked bool
}

// config is the definition as it stands in a stage's configuration.
type config struct {
	Name         string   `json:"name"`
	Type         string   `json:"type"`
	SQL          string   `json:"sql"`
	Goal         string   `json:"goal"`
	Average      string   `json:"average"`
	ZeroDivision *float64 `json:"zero_division"`
}

// New reads a metric's definition: the configuration of a metric block and its name.
func New(def json.RawMessage) (*Metric, error) {
	var c config
	if err := json.Unmarshal(def, &c); err != nil {
		return nil, fmt.Errorf("reading the definition of a metric: %w", err)
	}
	if p := c.check(); len(p) > 0 {
		return nil, fmt.Errorf("metric %q: %s", c.Name, p[0].Summary)
	}
	m := &Metric{Name: c.Name, Type: c.Type, Average: c.Average, SQL: c.SQL, zeroDivision: c.ZeroDivision}
	if c.SQL != "" {
		m.Greater = c.Goal == "maximize"
		return m, nil
	}
	m.def = find(c.Type)
	m.Greater, m.NeedsScore = m.def.greater, m.def.scores
	return m, nil
}

// Figure is the type of the metric's figure, with the bounds that its definition has.
func (m *Metric) Figure() *schema.FigureType {
	switch low, high := m.bounds(); {
	case low == nil && high == nil:
		return schema.Double
	default:
		return &schema.FigureType{Kind: schema.DoubleFigure, Low: low, High: high}
	}
}

// Bounds are the types of the two ends of the metric's interval. An interval can go beyond what the metric can be, but has
// the metric's value in it.
func (m *Metric) Bounds() (low, high *schema.FigureType) {
	least, most := m.bounds()
	return &schema.FigureType{Kind: schema.DoubleFigure, High: most}, &schema.FigureType{Kind: schema.DoubleFigure, Low: least}
}

// bounds are the least and the greatest value that the metric can have, nil where there is none: rules that compare with
// something beyond them are mistakes.
func (m *Metric) bounds() (low, high *float64) {
	zero, one, minus := 0.0, 1.0, -1.0
	switch {
	case m.def == nil || m.zeroDivision != nil && (*m.zeroDivision < 0 || *m.zeroDivision > 1):
		return nil, nil
	case m.def.share:
		return &zero, &one
	case m.def.name == "matthews_corrcoef" || m.def.name == "cohen_kappa":
		return &minus, &one
	case m.def.name == "r2":
		return nil, &one
	case m.def.signed:
		return nil, nil
	}
	return &zero, nil
}

// Names of the types of metrics, sorted.
func Names() []string {
	out := make([]string, 0, len(definitions()))
	for _, d := range definitions() {
		out = append(out, d.name)
	}
	sort.Strings(out)
	return out
}

// Fits reports whether the metric can be computed for a task; the error says why not and what to use instead.
func (m *Metric) Fits(task schema.Task) error {
	if m.def == nil {
		return nil
	}
	if !slices.Contains(m.def.tasks, task) {
		hint := ""
		if task == schema.Multiclass && m.Type == "roc_auc" {
			hint = `; use type = "roc_auc_ovr"`
		}
		return fmt.Errorf("metric %q (%s) is for %s, and the model's task is %s%s", m.Name, m.Type, taskList(m.def.tasks), task, hint)
	}
	if len(m.def.averages) > 0 && task == schema.Multiclass && (m.Average == "" || m.Average == "binary") && m.def.averages[0] == "binary" {
		return fmt.Errorf(`metric %q (%s) of several classes needs average = "macro", "micro" or "weighted"`, m.Name, m.Type)
	}
	return nil
}

// Value computes the metric on data that need not be prepared. undefined is empty, or says why there is no value, for example
// that no row is predicted positive, of a precision; x means nothing then. Mistakes in the data (NewSample) are a reason too.
func (m *Metric) Value(d *Data) (x float64, undefined string) {
	s, err := NewSample(d)
	if err != nil {
		return 0, err.Error()
	}
	return m.On(s, s.Weights())
}

// On computes the metric on a prepared sample with a weight for each row, in place of the sample's own weights; rows of
// weight 0 do not count, so that a resample is a vector of weights. undefined is as Value returns it.
func (m *Metric) On(s *Sample, w []float64) (x float64, undefined string) {
	if m.def == nil {
		return 0, "an SQL metric is computed on a table"
	}
	if err := m.Fits(s.Task); err != nil {
		return 0, err.Error()
	}
	if sum(w) <= 0 {
		return 0, "no rows"
	}
	if m.def.scores && s.Task != schema.Regression && s.Score == nil && s.Scores == nil {
		return 0, "the model gives no scores"
	}
	if m.def.scores {
		if class := s.unscored(w); class >= 0 {
			return 0, "the model knows no " + name(s.Names, class) + ", and has no scores of it"
		}
	}
	if m.def.counts != nil {
		return m.def.counts(m, s.confusion(w))
	}
	return m.def.value(m, s, w)
}

// OfCounts computes a metric of decisions from the four counts (or sums of weights) of a binary task. It is what a
// search over thresholds needs: one sorted pass instead of one pass a threshold. ok is false for metrics that are not
// a function of the counts.
func (m *Metric) OfCounts(tn, fp, fn, tp float64) (x float64, undefined string, ok bool) {
	if m.def == nil || m.def.counts == nil {
		return 0, "", false
	}
	cells := []float64{tn, fp, fn, tp}
	total := sum(cells)
	if total <= 0 {
		return 0, "no rows", true
	}
	for i, x := range cells {
		// What is left of weights that were added and taken away again is rounding.
		if math.Abs(x) < 1e-12*total {
			cells[i] = 0
		}
	}
	x, undefined = m.def.counts(m, matrix{k: 2, cells: cells})
	return x, undefined, true
}

// Better reports whether a is a better value of the metric than b: greater for roc_auc, smaller for log_loss. A value is not
// better than an equal one, and NaN neither better nor worse than any.
func (m *Metric) Better(a, b float64) bool {
	if m.Greater {
		return a > b
	}
	return a < b
}

// ratio is a quotient that is undefined, or what zero_division says, where there is nothing below the line.
func (m *Metric) ratio(num, den float64, reason string) (float64, string) {
	if den != 0 {
		return num / den, ""
	}
	if m.zeroDivision != nil {
		return *m.zeroDivision, ""
	}
	return 0, reason
}

func find(name string) *definition {
	all := definitions()
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

func taskList(tasks []schema.Task) string {
	out := make([]string, len(tasks))
	for i, t := range tasks {
		out[i] = string(t)
	}
	return strings.Join(out, " and ")
}

func sum(xs []float64) float64 {
	var s float64
	for _, x := range xs {
		s += x
	}
	return s
}
