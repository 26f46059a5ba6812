package baseline

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/seasonal"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// seasonalBlock makes the baseline a seasonal naive forecast.
var seasonalBlock = schema.Block{Name: "seasonal",
	Doc: "The seasonal naive forecast, for regression: what was last observed of the same series a whole number of seasons before the row, among the " +
		"training rows. A row with nothing a season before gets the mean of its series, one of a new series the overall mean. A row of the training table " +
		"is forecast from those before it, never from itself. Weights count in means alone.",
	Body: schema.Body{Attrs: []schema.Attr{
		{Name: "time", Type: schema.String, Required: true, ColumnOf: train.DataPort,
			Doc: "A column of whole numbers that counts steps: days, hours. Of a date a dataset makes it: `date_diff('day', date '2000-01-01', day)`."},
		{Name: "season", Type: schema.Integer, Required: true,
			Doc: "How many steps a season has: 7 of days, 24 of hours; 1 forecasts the last value."},
		{Name: "keys", Type: schema.StringList, ColumnOf: train.DataPort,
			Doc: "Columns that tell series apart, such as the shop. Left out: all rows are one series."},
	}}}

// seasonalConfig is the block.
type seasonalConfig struct {
	Time   string   `json:"time"`
	Season int64    `json:"season"`
	Keys   []string `json:"keys"`
}

// features are the columns that the model reads, the time last.
func (c *seasonalConfig) features() []string { return append(slices.Clone(c.Keys), c.Time) }

// path is where a feature is written.
func (c *seasonalConfig) path(feature int) string {
	if feature < len(c.Keys) {
		return fmt.Sprintf("seasonal.keys[%d]", feature)
	}
	return "seasonal.time"
}

// problems are what is wrong with the block itself; data may be nil.
func (c *seasonalConfig) problems(b *config, task schema.Task, data *schema.Table) (out []schema.Problem) {
	if b.Column != "" {
		out = append(out, schema.Problem{Path: "column", Summary: "A baseline goes by a column or by seasons, not by both",
			Hint: "Take out column or the block seasonal."})
	}
	if c.Season < 1 {
		out = append(out, schema.Problem{Path: "seasonal.season", Summary: fmt.Sprintf("season is %d", c.Season), Detail: "It must be at least 1."})
	}
	if task != "" && task != schema.Regression {
		out = append(out, schema.Problem{Path: "seasonal", Summary: "A seasonal forecast is one of numbers", Detail: fmt.Sprintf("The task is %s.", task)})
	}
	if data == nil {
		return out
	}
	if t := data.Column(c.Time); t != nil && !model.NumberType(t.Type) {
		p := schema.Problem{Path: "seasonal.time", Summary: fmt.Sprintf("The time %q is of type %s, not a number of steps", t.Name, t.Type),
			Detail: "A season counts in steps, which are whole numbers."}
		if t.Type == "date" || strings.HasPrefix(t.Type, "timestamp") {
			p.Hint = fmt.Sprintf("Make them in a dataset, of days: date_diff('day', date '2000-01-01', %s) as step.", t.Name)
		}
		out = append(out, p)
	}
	return out
}

// moved are the problems that all trainers find in features, at where these are written here. That a time is no number is told by
// problems; that it may be the key of the table is as it should be.
func (c *seasonalConfig) moved(problems []schema.Problem, data *schema.Table) []schema.Problem {
	var out []schema.Problem
	for _, p := range problems {
		for i := range c.features() {
			if p.Path != fmt.Sprintf("features[%d]", i) {
				continue
			}
			p.Path = c.path(i)
			if t := data.Column(c.Time); p.Path == "seasonal.time" && t != nil && (p.Warning || !model.FeatureType(t.Type)) {
				p.Path = "" // not told
			}
			break
		}
		if p.Path != "" {
			out = append(out, p)
		}
	}
	return out
}

// observed makes the series. Rows without a key or a time are in none of them, which is warned of.
func observed(t *train.Training, c *seasonalConfig, overall float64) (*seasonal.Model, error) {
	keys, steps := t.Data.Columns[:len(t.Data.Columns)-1], t.Data.Columns[len(t.Data.Columns)-1]
	rows, fractions := make([]int, 0, t.Data.Rows), 0
	for r, step := range steps {
		missing := step != step
		for _, k := range keys {
			missing = missing || k[r] != k[r]
		}
		switch {
		case missing:
		case step != math.Trunc(step):
			fractions++
		default:
			rows = append(rows, r)
		}
	}
	if fractions > 0 {
		return nil, &component.InputError{Summary: fmt.Sprintf("the time %q is no whole number in %d rows", c.Time, fractions),
			Detail: "A season counts in steps, which are whole numbers. Round them in a dataset."}
	}
	if n := t.Data.Rows - len(rows); n > 0 {
		t.Warnf("%d of %d rows have no time or no key, and are in no series", n, t.Data.Rows)
	}
	order := func(a, b int) int {
		for _, k := range keys {
			if d := cmp.Compare(k[a], k[b]); d != 0 {
				return d
			}
		}
		return 0
	}
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Or(order(a, b), cmp.Compare(steps[a], steps[b])) })
	m := &seasonal.Model{Season: c.Season, Mean: overall}
	twice := 0
	for i, end := 0, 0; i < len(rows); i = end {
		for end = i + 1; end < len(rows) && order(rows[i], rows[end]) == 0; end++ {
			if steps[rows[end]] == steps[rows[end-1]] {
				twice++
			}
		}
		m.Series = append(m.Series, series(t.Data, rows[i:end]))
	}
	if twice > 0 {
		return nil, &component.InputError{Summary: fmt.Sprintf("%d rows have the keys and the time of another", twice),
			Detail: "A series has one value a step. Name what tells the rows apart in keys, or add them up in a dataset."}
	}
	return m, nil
}

// series is what was observed in rows of one key, which ascend in time. Of rows without weight the mean is that of all.
func series(s *train.Set, rows []int) seasonal.Series {
	keys, steps := s.Columns[:len(s.Columns)-1], s.Columns[len(s.Columns)-1]
	out := seasonal.Series{Key: make([]float64, len(keys))}
	for k := range keys {
		out.Key[k] = keys[k][rows[0]]
	}
	var total, weight, plain float64
	for _, r := range rows {
		out.Times, out.Values = append(out.Times, int64(steps[r])), append(out.Values, s.Target[r])
		total += float64(s.WeightOf(r) * s.Target[r])
		weight += s.WeightOf(r)
		plain += s.Target[r]
	}
	if out.Mean = plain / float64(len(rows)); weight > 0 {
		out.Mean = total / weight
	}
	return out
}
