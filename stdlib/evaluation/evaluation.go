// Package evaluation computes the figures of predictions on rows whose truth is known: metrics with intervals,
// by slice, between groups, and of two models on the same rows. The block that evaluates a model and the one that
// monitors it share it, so that a figure means the same before a release and after it.
//
// # What a figure rests on
//
// Open reads the target and what else figures need (weights, entities, slices, groups), Take lays a model's predictions beside it,
// and Figures or Compare computes. A row counts if its target is known, mature where the target is a label, and predicted:
//
//	row  churned  mature  predicted  counts
//	0    true     true    true       yes
//	1    false    true    null       no: the model has no prediction
//	2    null     true    false      no: nothing is known yet
//	3    true     false   true       no: the label may still change
//
// Here coverage is 1/4, and no metric has a value: "1 positives, fewer than min_positives = 10". Whatever is kept by row (weights,
// masks of slices, groups, the sample that metrics are computed on) is of the rows that count, in the order of the table.
//
// A figure that cannot be computed is null, and undefined says why under its path, such as "slices.eu.auc". All intervals of a
// block are found with one seed: metrics, groups and both models of a comparison see the same resamples.
package evaluation

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/prediction"
)

// Config is what a block says of its figures.
type Config struct {
	Metrics      []json.RawMessage `json:"metrics"`  // definitions, as metric.New reads them
	DecidedBy    []string          `json:"-"`        // columns that the model's thresholds are by; empty: it has one
	Weight       string            `json:"weight"`   // column of the rows' weights, not negative; empty: all 1
	MinRows      int               `json:"min_rows"` // with fewer rows that count all figures are undefined
	MinPositives *int              `json:"min_positives"`
	Seed         int64             `json:"seed"`
	Intervals    *Intervals        `json:"intervals"`
	Slices       []Slice           `json:"slice"`
	Fairness     []Fairness        `json:"fairness"`
}

// IntervalsDoc says how they are found, metric by metric; package metric says why so.
const IntervalsDoc = "**Intervals.** Rows are taken to be independent; where the data has entities, entities are. Simulations in the tests show that an interval of 95 % holds " +
	"the true value in 93 % of data sets or more, down to 20 positives, 20 entities and skewed errors, or that it is undefined, with the reason: then a rule on it is an error, never a pass.\n\n" +
	"| metric | interval |\n|---|---|\n" +
	"| shares of rows: `accuracy`, `recall`, `precision`, `f1` (by the share it is a function of), the rates, micro averages | exact (Clopper and Pearson 1934), so 20 hits of 20 are 0.83 to 1; " +
	"of weighted rows and of entities with the effective number of rows, and Student's quantile by the number of entities (Korn and Graubard 1998) |\n" +
	"| other metrics of decisions: `balanced_accuracy`, averages over classes, `matthews_corrcoef`, `cohen_kappa` | linearised variance, with one row more decided otherwise, as of a share (Agresti and Coull 1998) |\n" +
	"| `roc_auc`, `roc_auc_ovr` | variance by DeLong et al. (1988), drawn towards Hanley and McNeil's (1982) where the rarer class has few rows, as of a share |\n" +
	"| `average_precision` | variance by resamples, drawn towards that of a share of the positives (Boyd et al. 2013) |\n" +
	"| means of errors: `log_loss`, `brier_score`, `mean_absolute_error`, `mean_squared_error`, `root_mean_squared_error`, `mean_absolute_percentage_error`, `weighted_absolute_percentage_error`; `r2` by 1 - r2 | bootstrap-t of the logarithm " +
	"(Efron and Tibshirani 1993), lengthened where errors are skewed by the rule of three (Hanley and Lippman-Hand 1983); undefined where few rows make most of the figure (skewness of 0.4 or more), since nothing " +
	"tells then how far off it is (Bahadur and Savage 1956) |\n" +
	"| `mean_prediction` | bootstrap-t |\n" +
	"| `median_absolute_error` | percentiles, widened for few rows (Hesterberg 2015) |\n" +
	"| `max_error` | none: the greatest error seen tells nothing of a greater one |\n" +
	"| SQL | bias-corrected accelerated percentiles of the resamples (Efron 1987), lengthened and undefined where these are skewed, undefined where they are all alike: a share is better asked for by name |\n\n" +
	"`delta` is found from what each row adds to the difference: Student's interval (of shares with one more row for either model, Bonett and Price 2012; of `roc_auc` by the rows of the rarer class), bootstrap-t for means of errors, " +
	"resamples for the rest. Two models that say the same of every row differ by exactly 0. Fairness takes one simultaneous interval over all groups from the resamples, with what these leave out where all rows of a group were decided alike.\n\n"

// Intervals says how the intervals of figures are found.
type Intervals struct {
	Resamples  int     `json:"resamples"`  // of the bootstrap, from 20 to 100000; 0: no figure has an interval
	Confidence float64 `json:"confidence"` // 0.95
}

// IntervalsBlock is the nested block intervals, for types of blocks that evaluate.
func IntervalsBlock() schema.Block {
	return schema.Block{Name: "intervals", Doc: "How intervals are found.", Body: schema.Body{Attrs: []schema.Attr{
		{Name: "resamples", Type: schema.Integer, Default: 500.0, Doc: "How many resamples to draw, for intervals that are found by them; 0: no intervals at all."},
		{Name: "confidence", Type: schema.Number, Default: 0.95, Doc: "Chance of the interval to hold the true value, where it is defined."},
	}}}
}

// Slice is a part of the rows with figures of its own: slices["eu"].auc.
type Slice struct {
	Name  string `json:"name"`
	Where string `json:"where"` // an SQL condition over the data's columns: region = 'EU'
}

// Defaults fills in nested blocks that are not written: intervals of 500 resamples at a confidence of 0.95.
func (c *Config) Defaults() {
	if c.Intervals == nil {
		c.Intervals = &Intervals{Resamples: 500, Confidence: 0.95}
	}
}

// Parts is how many parts of a bar Figures takes.
func (c *Config) Parts() int {
	if c.Intervals.Resamples == 0 {
		return 0
	}
	return 1 + c.inSQL() + len(c.Fairness)
}

// ComparedParts is how many parts of a bar Compare takes.
func (c *Config) ComparedParts() int {
	if c.Intervals.Resamples == 0 {
		return 0
	}
	return 1 + 2*c.inSQL()
}

// DecidedParts is how many parts of a bar Decided takes.
func (c *Config) DecidedParts() int {
	if c.Intervals.Resamples == 0 {
		return 0
	}
	return 3
}

// inSQL is 1 where any metric is SQL, whose resamples are queries of their own.
func (c *Config) inSQL() int {
	for _, def := range c.Metrics {
		if m, err := metric.New(def); err == nil && m.SQL != "" {
			return 1
		}
	}
	return 0
}

// Data is the table of the rows.
type Data struct {
	Path   string        // a Parquet file
	Table  *schema.Table // its schema; label and entity say which rows count, and which go together
	Target string        // the column that holds the truth
}

// Evaluation of one model on one table: Open, then Take, then Figures or Compare. It is not safe for concurrent use.
type Evaluation struct {
	*Config
	Bar       *component.Bar // whose next parts are what takes resamples; nil: nobody is told
	data      Data
	threads   int
	warnf     func(format string, args ...any)
	metrics   []*metric.Metric
	layout    prediction.Layout
	set       *prediction.Set
	rows      *rows
	sample    *metric.Sample
	undefined map[string]string // by path of the figure
}

// Open reads what is needed of the data besides predictions: target, weights, entities, slices, groups. Warnings go to warnf.
// threads changes no figure.
func Open(ctx context.Context, c *Config, d Data, threads int, warnf func(format string, args ...any)) (*Evaluation, error) {
	e := &Evaluation{Config: c, data: d, threads: threads, warnf: warnf, undefined: map[string]string{}}
	for _, def := range c.Metrics {
		m, err := metric.New(def)
		if err != nil {
			return nil, err
		}
		e.metrics = append(e.metrics, m)
	}
	var err error
	e.rows, err = readRows(ctx, c, d.Table, d.Path, d.Target)
	return e, err
}

// Total is how many rows the data has, those that do not count included.
func (e *Evaluation) Total() int { return e.rows.total }

// Counted is how many rows count: their label is known and mature, and there is a prediction.
func (e *Evaluation) Counted() int { return len(e.rows.counted) }

// Target is the column that holds the truth.
func (e *Evaluation) Target() *frame.Column { return e.rows.target }

// Take takes the predictions of the data's rows, in their order. Rows without one count for no figure but coverage, and
// are told of.
func (e *Evaluation) Take(s *prediction.Set, l prediction.Layout) (err error) {
	e.set, e.layout = s, l
	if told := s.Told(); told != "" {
		e.warnf("%s; the figures leave them out", told)
	}
	e.rows.keepScored(s.Predicted)
	if s.One == nil { // by group, lower scores may well be decided positive
		if err := e.consistent(s); err != nil {
			return err
		}
	}
	unseen, count := e.unseen(s)
	if count > 0 {
		e.warnf("%d of %d rows are of %s, which the model does not know: they count as wrong, and metrics of scores are undefined", count, len(e.rows.counted), named(unseen))
	}
	if e.sample, err = e.rows.sample(s, unseen); err != nil {
		return err
	}
	return e.ranked(s)
}

// ranked tells of scores that are clearly lower where the positive class is. Only of two classes is there a Score.
func (e *Evaluation) ranked(s *prediction.Set) error {
	if s.Score == nil {
		return nil
	}
	auc, err := metric.New([]byte(`{"name": "roc_auc", "type": "roc_auc"}`))
	if err != nil {
		return err
	}
	found, err := metric.Bootstrap{Confidence: 0.999}.Intervals(context.Background(), []*metric.Metric{auc}, e.sample, e.rows.clusters, e.rows.clusterN)
	if err == nil && found[0].Undefined == "" && found[0].High < 0.5 {
		e.warnf("scores are lower where the class is %q, the positive one (AUC below %.2g): is positive the right class, and score the right column?", s.Classes[1], found[0].High)
	}
	return err
}

// unseen are the classes of several that only the data has.
func (e *Evaluation) unseen(s *prediction.Set) ([]string, int) {
	if s.Task != schema.Multiclass {
		return nil, 0
	}
	return prediction.Unseen(e.rows.target, s.Classes, e.rows.counted)
}

// named lists classes for a message, not too many.
func named(classes []string) string {
	const most = 8
	out := make([]string, 0, most)
	for _, c := range classes[:min(len(classes), most)] {
		out = append(out, fmt.Sprintf("%q", c))
	}
	if len(classes) > most {
		out = append(out, fmt.Sprintf("%d more", len(classes)-most))
	}
	word := "class "
	if len(classes) > 1 {
		word = "the classes "
	}
	return word + strings.Join(out, ", ")
}

// consistent refuses scores that go down where the decision is for the positive class: they are of the other class.
func (e *Evaluation) consistent(s *prediction.Set) error {
	if s.Score == nil {
		return nil
	}
	// By decision: 0 of the negative class, 1 of the positive one. That every score is on the wrong side is an error; that
	// the mean is, a warning, since a decision may be for other reasons than the score.
	var n, sum [2]float64
	least, most := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, i := range e.rows.counted {
		k, x := int(s.Predicted[i]), s.Score[i]
		n[k], sum[k] = n[k]+1, sum[k]+x
		least[k], most[k] = min(least[k], x), max(most[k], x)
	}
	switch {
	case n[0] == 0 || n[1] == 0:
	case most[1] < least[0]:
		return &component.InputError{Summary: fmt.Sprintf("every row that is predicted %q, the positive class, has a lower score than every other row", s.Classes[1]),
			Detail: fmt.Sprintf("A score is the probability of the positive class. These look like those of %q: is positive the right class, and score the right column?", s.Classes[0])}
	case sum[1]/n[1] < sum[0]/n[0]:
		e.warnf("rows that are predicted %q, the positive class, have lower scores (%.3g on average) than the others (%.3g): is positive the right class, and score the right column?",
			s.Classes[1], sum[1]/n[1], sum[0]/n[0])
	}
	return nil
}

// Figures computes all but the comparison with another model.
func (e *Evaluation) Figures(ctx context.Context) (map[string]any, error) {
	sql, err := e.openSQL(ctx, e.set)
	if err != nil {
		return nil, err
	}
	defer sql.Close()
	// rows are those with a label that counts; coverage is their share of all rows. few is why no metric is told, empty if
	// there are rows enough.
	figures := map[string]any{"rows": len(e.rows.counted), "coverage": e.number("coverage", share(len(e.rows.counted), e.rows.total), "no rows")}
	if e.set.Task == schema.Binary {
		figures["positives"] = e.positives(nil)
		if !math.IsNaN(e.set.Threshold) {
			figures["threshold"] = e.set.Threshold
		}
	}
	few := e.tooFew(len(e.rows.counted), e.positives(nil))
	if figures["metrics"], err = e.values(ctx, "metrics.", e.sample.Weights(), sql, -1, few); err != nil {
		return nil, err
	}
	if figures["intervals"], err = e.intervals(ctx, sql, few); err != nil {
		return nil, err
	}
	if figures["slices"], err = e.slices(ctx, sql); err != nil {
		return nil, err
	}
	if len(e.Fairness) > 0 {
		if figures["fairness"], err = e.fairness(ctx, few); err != nil {
			return nil, err
		}
	}
	figures["undefined"] = e.undefined
	return figures, nil
}

// openSQL joins data and predictions if any metric is SQL; else there is nothing to read, and nothing is written.
func (e *Evaluation) openSQL(ctx context.Context, set *prediction.Set) (*scored, error) {
	for _, m := range e.metrics {
		if m.SQL != "" {
			return newScored(ctx, e.layout, set, e.rows, e.data.Path)
		}
	}
	return &scored{rows: e.rows}, nil
}

// share is undefined, not 0, of no rows: 0/0 is NaN.
func share(part, whole int) float64 { return float64(part) / float64(whole) }

// positives counts rows of the positive class that have weight, of all that count or of those that a mask marks. Of a task
// without two classes the number says nothing.
func (e *Evaluation) positives(mask []bool) int {
	n := 0
	for i, a := range e.sample.Actual {
		if a == 1 && e.sample.Weights()[i] > 0 && (mask == nil || mask[i]) {
			n++
		}
	}
	return n
}

// leastPositives are as many as a figure of two classes must rest on; a handful says nothing that a rule could go by.
func (c *Config) leastPositives() int {
	if c.MinPositives == nil {
		return schema.LeastPositives
	}
	return *c.MinPositives
}

// MinPositivesAttr is the attribute that says so.
func MinPositivesAttr() schema.Attr {
	return schema.Attr{Name: "min_positives", Type: schema.Integer,
		Doc: "With fewer positive rows all figures are undefined; of a slice likewise. Default: 10. 0 asks for none. Binary tasks only."}
}

// tooFew says why figures of so many rows are not given; empty: they are.
func (e *Evaluation) tooFew(rows, positives int) string {
	switch {
	case rows < max(e.MinRows, 1):
		return fmt.Sprintf("%d rows, fewer than min_rows = %d", rows, max(e.MinRows, 1))
	case e.set.Task == schema.Binary && positives < e.leastPositives():
		return fmt.Sprintf("%d positives, fewer than min_positives = %d", positives, e.leastPositives())
	}
	return ""
}

// number is a figure: x, or null with a reason where x is not finite.
func (e *Evaluation) number(path string, x float64, reason string) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		e.undefined[path] = reason
		return nil
	}
	return x
}

// values computes every metric with the given weights; of SQL metrics over the slice.
func (e *Evaluation) values(ctx context.Context, prefix string, w []float64, sql *scored, slice int, few string) (map[string]any, error) {
	// A figure that is undefined is null, and why stands in undefined under its path: "metrics.auc".
	out := map[string]any{}
	for _, m := range e.metrics {
		if few != "" {
			out[m.Name], e.undefined[prefix+m.Name] = nil, few
			continue
		}
		x, reason, err := e.value(ctx, m, w, sql, slice)
		if err != nil {
			return nil, err
		}
		if reason != "" {
			x = math.NaN()
		} else {
			reason = "its value is not finite"
		}
		out[m.Name] = e.number(prefix+m.Name, x, reason)
	}
	return out, nil
}

// value is a metric on the sample with weights w, or, of a metric in SQL, on a slice (-1: all rows). Why it is undefined is
// empty if it is not.
func (e *Evaluation) value(ctx context.Context, m *metric.Metric, w []float64, sql *scored, slice int) (x float64, undefined string, err error) {
	if m.SQL == "" {
		x, undefined = m.On(e.sample, w)
		return x, undefined, nil
	}
	x, err = sql.value(ctx, m, slice)
	if math.IsNaN(x) {
		undefined = "its SQL gives null"
	}
	return x, undefined, err
}

// slices are the metrics of each slice: rows outside have the weight 0. A slice has no figures where its own rows or
// positives are too few.
func (e *Evaluation) slices(ctx context.Context, sql *scored) (map[string]any, error) {
	out := map[string]any{}
	for i, s := range e.Slices {
		mask := e.rows.masks[i]
		w, count := make([]float64, len(mask)), 0
		for k, in := range mask {
			if in {
				w[k], count = e.sample.Weights()[k], count+1
			}
		}
		positives := e.positives(mask)
		figures, err := e.values(ctx, "slices."+s.Name+".", w, sql, i, e.tooFew(count, positives))
		if err != nil {
			return nil, err
		}
		figures["count"] = count
		if e.set.Task == schema.Binary {
			figures["positives"] = positives
		}
		out[s.Name] = figures
	}
	return out, nil
}
