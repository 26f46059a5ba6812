// Package drift is the monitor that compares the columns of two tables.
//
// It reads the columns of both, asks stdlib/drift of each whether chance explains the difference, and writes figures and a report.
// Drift fails nothing by itself; a rule says what is too much, such as monitor.customers.drift.share <= 0.1.
//
// What is compared is said in three steps, each of which may be left out:
//
//	window, baseline   the newest rows of the current table, and of the reference those before them    (compared.go)
//	season             of these, rows of equal phase, as of the same weekdays                        (stdlib/drift)
//	slice              parts of both, each by itself, besides the whole                              (slices.go)
//
// Columns are found before anything runs, so that drift.columns.<c> of a misspelt column is an error of the file. Keys, entities,
// times and labels are left out unless they are listed: a key differs by nature, a time only grows, and of labels the newest are
// not known yet.
package drift

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	method "github.com/mlp-lang/mlp/stdlib/drift"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the monitor of drift.
var Component = component.Component{
	Kind: "monitor",
	Type: schema.Type{
		Name:    "drift",
		Version: 2,
		Engine:  table.Engine,
		Summary: "Whether the columns of two tables come from the same distribution",
		Doc:     doc,
		Body: schema.Body{
			Attrs: append([]schema.Attr{
				{Name: "reference", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Doc: "How the data was: usually what the model was trained on."},
				{Name: "current", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Doc: "How the data is."},
				{Name: "columns", Type: schema.StringList, ColumnOf: "reference",
					Doc: "What to compare. Default: the columns that both tables have, without keys, entities, times and labels."},
				{Name: "time", Type: schema.String, ColumnOf: "current", Doc: "When a row happened, a date or timestamp of both tables, for `window`, `baseline`, `season` and the report. Default: what each table has as its time."},
				{Name: "window", Type: schema.Duration, Doc: "Of the current table only rows within this time before its newest one: `7d`. Default: all."},
				{Name: "baseline", Type: schema.Duration, Doc: "Of the reference only rows within this time before the current ones begin: `8w`. Default: all; with a `season`, all before the current ones."},
				{Name: "season", Type: schema.Duration, Doc: "What comes again, such as `1w`, or `52w`: rows are compared with rows of the same phase, whole seasons before."},
				{Name: "every", Type: schema.Duration, Doc: "How often it looks, for `false_alarms_per_year`. Default: `1d`. A look is an apply with new rows, or one of `mlp watch` by `schedule`."},
				{Name: "false_alarms_per_year", Type: schema.Number, Doc: "How many alarms a year are borne where nothing moves, over all columns: `1` or `0.5`. With it there is `drift.alarm`, and somebody is told of that alone."},
				{Name: "seed", Type: schema.Integer, Default: 0.0, Doc: "Seed of the exchanges."},
			}, schema.ScheduleAttrs(false, "When `mlp watch` looks,")...),
			Blocks: []schema.Block{sliceBlock(), {Name: "drift", Doc: "How drift is found.", Body: schema.Body{Attrs: []schema.Attr{
				{Name: "min_rows", Type: schema.Integer, Default: 100.0, Doc: "With fewer rows on either side the figures are undefined."},
				{Name: "method", Type: schema.String, OneOf: method.Methods(), Doc: "One method for all columns. Default: chosen by column."},
				{Name: "calibrate", Type: schema.String, Default: method.ByPermutation, OneOf: []string{method.ByPermutation, method.NotCalibrated},
					Doc: "Whether chance at the size at hand counts."},
				{Name: "limit", Type: schema.Number, Doc: "The least distance that is drift, or the greatest p-value without calibration. Default: 0.1, or 0.05."},
			}}}},
		},
		Out: []schema.Port{
			{Name: "figures", Type: schema.FiguresPort, Doc: "`drift.share`, `drift.drifted`, `drift.undefined`, `drift.columns.<c>`, `rows`; of slices the same under `drift.slices.<s>`."},
			{Name: "report", Type: schema.FilesPort, Doc: "The same as drift.json, columns in their order."},
		},
		Examples: []schema.Example{{Title: "This month against the training data", Code: example}, {Title: "The last quarter against the same weekdays of the year before it, and monthly contracts apart", Code: seasonExample}},
	},
	Shape: shape,
	Run:   run,
}

const doc = "Without a `method` it is Evidently's choice. With at most 1000 reference rows: `ks` for numbers with more than five values, else `chisquare`, " +
	"or `z` for two values; with more: `wasserstein` for such numbers, else `jensenshannon`. Nulls are a value of their own.\n\n" +
	"The customary limits (p < 0.05, distance >= 0.1) alarm far too often on small tables. So a distance must also be more than what exchanging " +
	"rows at random gives at these sizes, at a rate of false discoveries of 5 % over all columns (Benjamini and Hochberg); the tests go by that alone. " +
	"999 exchanges are drawn, and more for the columns that hardly any scores as high as, so that drift is seen among any number of columns (Besag and Clifford 1991). " +
	"`calibrate = \"none\"` leaves it at the bare limits. Tables over 20,000 rows are sampled, for the score too.\n\n" +
	"`drift.columns.<c>` has `score`, `limit`, `p_value`, `q_value`, `drifted` and `method`. `drifted` is `score >= limit`: `limit` is the least score that would be drift at these sizes, among these columns, beside those that drifted; " +
	"so it is also the least that can be seen. A `limit` above the customary one says that there are too few rows to see less: of `wasserstein`, a shift of so many standard deviations. Where nearly all exchanges score higher, it is " +
	"extrapolated from the highest tenth of them. `q_value` is `p_value` adjusted for the number of columns: at most 0.05 where chance does not explain the column. (Without calibration the limit of a test is that of `p_value`, and there is no `q_value`.)\n\n" +
	"`drift.share` is the share of columns that drifted, `drift.drifted` how many. A column with an infinite value has no figures, is counted in `drift.undefined`, and is told; the others have theirs. A reference whose standard deviation few rows make is told too: in units of it shifts of the others hide.\n\n" +
	"Where nothing drifts, one run in twenty has a false alarm, however many columns there are: of twelve monthly runs, 46 % of years have one. `false_alarms_per_year` says how many are borne: then `drift.alarm` is whether the strongest column is further out than exchanging whole rows ever puts any, at the level that so many alarms leave for each look (Westfall and Young 1993): correlated columns and many of them do not change how often that is. " +
	"It holds where rows are independent; of rows that come in series, as many of one customer, look at one each. A rule that fires only if drift lasts reads two monitors, of this window and of the one before; no run looks at earlier runs.\n\n" +
	"**A season is no drift.** `window` and `baseline` say which rows are compared: the newest, and those before them, so that one growing table can be both `reference` and `current`. With `season = \"1w\"` Saturdays are compared with Saturdays: " +
	"the reference's rows that lie whole seasons before the current ones, of each phase (an hour of a day, a day of a week, a week of a longer season) in the share that it has now, and rows are exchanged within their phase alone, so that the alarm keeps its number. " +
	"Current rows of a phase that the reference has too few rows of are left out, and counted in `rows.unmatched`. A year is best `52w`: then weekdays lie on weekdays. Of a season of a year the reference must reach a year back, and what changed since the last one is drift; " +
	"where it does not, a `baseline` of some weeks moves along with a season.\n\n" +
	"A `slice` is compared by itself, in `drift.slices.<s>`: drift of few rows hides in the whole. False discoveries are held over all slices and columns, and alarms of the whole and of the slices share `false_alarms_per_year`, half each. That a slice has more rows than it had is no drift of it, but of the whole.\n\n" +
	"`mlp report monitor.<name>` shows the columns by how many times its limit a score is, what changed in them, their values then and now, and what to look at. Where the current table has a time, " +
	"its rows are parted into up to eight windows, each compared by itself: `since` is the first from which on a column drifts to the end. Of personal columns no value is told, of others those that 20 rows have."

const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
}

source "csv" "this_month" {
  path = "this_month.csv"
  column "customer" { type = "varchar" }
  column "tenure"   { type = "integer" }
}

monitor "live" {
  reference = source.customers
  current   = source.this_month
  columns   = ["tenure"]
  drift { min_rows = 500 }
}
`

const seasonExample = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "asked"    { type = "date" }
  column "contract" { type = "varchar" }
  column "tenure"   { type = "integer" }
}

monitor "drift" "live" {
  reference = source.customers
  current   = source.customers
  time      = "asked"
  columns   = ["contract", "tenure"]
  window    = "13w"
  baseline  = "52w"
  season    = "1w"

  every                 = "13w"
  false_alarms_per_year = 0.5

  drift           { min_rows = 25 }
  slice "monthly" { where = "contract = 'month'" }
}
`

// config is the block. Columns is nil where the tables say which are compared; Drift is never nil after decode.
// # What is decided where
//
//	here             which columns are compared, what is wrong with the block, what is told and how it is written
//	stdlib/drift     the methods, their limits, and whether chance explains a distance
//	the gate's rule  how much drift is too much
//
// Both tables are read whole for the columns compared, and no others. The methods sample what is larger than 20,000
// rows, with the block's seed, so that the same tables give the same figures.
type config struct {
	Every       string    `json:"every"`
	FalseAlarms *float64  `json:"false_alarms_per_year"`
	Columns     []string  `json:"columns"`
	Seed        int64     `json:"seed"`
	Drift       *settings `json:"drift"`
	Time        string    `json:"time"`
	Window      string    `json:"window"`
	Baseline    string    `json:"baseline"`
	Season      string    `json:"season"`
	Slices      []slice   `json:"slice"`
}

// settings are the nested block drift, with its defaults filled in; Limit is 0 where the method's own holds.
type settings struct {
	MinRows   int     `json:"min_rows"`
	Method    string  `json:"method"`
	Calibrate string  `json:"calibrate"`
	Limit     float64 `json:"limit"`
}

// decode reads the configuration; without a drift block its defaults hold.
// Defaults of the attributes are filled in by the compiler; a nested block that is not written is absent, and is filled
// in here.
func decode(raw json.RawMessage) (*config, error) {
	c := &config{}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, err
	}
	if c.Drift == nil {
		c.Drift = &settings{MinRows: 100, Calibrate: method.ByPermutation}
	}
	return c, nil
}

// shape types the figures by the columns that will be compared. Nothing is said where one of the tables has mistakes.
func shape(ctx context.Context, b component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	c, err := decode(req.Config)
	if err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "The configuration cannot be read: " + err.Error()}}}
	}
	out := schema.ShapeResult{Out: map[string]schema.Shape{"report": {Type: schema.FilesPort}}}
	reference, current := req.In["reference"].Table, req.In["current"].Table
	if reference == nil || current == nil {
		return out
	}
	columns := c.columns(reference, current)
	out.Figures = c.figures(columns)
	out.Out[""] = schema.Shape{Type: schema.FiguresPort, Figures: out.Figures}
	out.Problems = append(c.checkColumns(reference, current, columns), c.Drift.check()...)
	if _, problem := c.level(); problem != nil {
		out.Problems = append(out.Problems, *problem)
	}
	out.Problems = append(out.Problems, c.checkTimes(reference, current)...)
	out.Problems = append(out.Problems, c.checkSlices(ctx, b, reference, current)...)
	return out
}

// level is that of one look's alarm; 0 where the block declares none. Where there are slices it is shared: half for the whole, half for the slices.
func (c *config) level() (float64, *schema.Problem) {
	at := func(path, summary, hint string) (float64, *schema.Problem) {
		return 0, &schema.Problem{Path: path, Summary: summary, Hint: hint}
	}
	if c.FalseAlarms == nil && c.Every != "" {
		return at("every", "How often it looks counts for alarms alone", "Say false_alarms_per_year, or leave it out.")
	}
	if c.FalseAlarms == nil {
		return 0, nil
	}
	every, err := schema.ParseDuration(cmp.Or(c.Every, "1d"))
	switch {
	case err != nil:
		return at("every", err.Error(), "")
	case every < time.Minute:
		return at("every", "Nobody looks more often than once a minute", "")
	case c.Drift.Calibrate == method.NotCalibrated:
		return at("false_alarms_per_year", "Bare limits have no rate of false alarms", `Leave out calibrate = "none".`)
	}
	level := *c.FalseAlarms * every.Hours() / (365.25 * 24)
	least := method.LeastLevel
	if len(c.Slices) > 0 {
		least *= 2
	}
	switch {
	case !(level > 0):
		return at("false_alarms_per_year", "There is no alarm without a false one now and then", "For example 1, or 0.5.")
	case level > 0.5:
		return at("false_alarms_per_year", fmt.Sprintf("%v false alarms a year are more than every second of its looks", *c.FalseAlarms), "Look more often (every), or ask for fewer.")
	case level < least:
		return at("false_alarms_per_year", fmt.Sprintf("One false alarm in %.0f looks is less than chance can be told apart by", 1/level), "Look less often (every), or bear more.")
	}
	return level, nil
}

// figures is the type of what rules see. The columns and slices are known when files are checked, so that a misspelt one is an error.
func (c *config) figures(columns []string) *schema.FigureType {
	column := schema.Object(map[string]*schema.FigureType{"score": schema.Double, "p_value": schema.Share, "q_value": schema.Share, "limit": schema.Double,
		"drifted": schema.Flag, "method": schema.Word})
	keys := append([]string{}, columns...)
	sort.Strings(keys)
	rows := map[string]*schema.FigureType{"reference": schema.Count, "current": schema.Count}
	of := func() map[string]*schema.FigureType {
		out := map[string]*schema.FigureType{"share": schema.Share, "drifted": schema.Count, "undefined": schema.Count, "columns": schema.KeyedMap(column, keys...)}
		if c.FalseAlarms != nil {
			out["alarm"] = schema.Flag
		}
		return out
	}
	drift := of()
	if c.FalseAlarms != nil {
		drift["alarm_p_value"] = schema.Share
	}
	if len(c.Slices) > 0 {
		part := of()
		part["rows"] = schema.Object(rows)
		drift["slices"] = schema.KeyedMap(schema.Object(part), c.sliceNames()...)
	}
	all := rows
	if c.Season != "" {
		all = map[string]*schema.FigureType{"reference": schema.Count, "current": schema.Count, "unmatched": schema.Count}
	}
	return schema.Object(map[string]*schema.FigureType{"drift": schema.Object(drift), "rows": schema.Object(all)})
}

// run compares the current table with the reference, column by column. Drift is no failure of the stage: what comes of it is
// for rules to say.
// A column without figures (an infinite value) is warned of only where others have some: where none has, the share is
// undefined with the same reason, and a rule on it says so.
func run(ctx context.Context, s *component.Stage) error {
	c, err := decode(s.Config)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", s.Address, err)
	}
	reference, current := s.In["reference"].Table, s.In["current"].Table
	if reference == nil || current == nil {
		return fmt.Errorf("%s: the ports reference and current need schemas", s.Address)
	}
	level, problem := c.level()
	if problem != nil {
		return &component.InputError{Summary: problem.Summary}
	}
	columns := c.columns(reference, current)
	t, err := c.read(ctx, s, columns)
	if err != nil {
		return err
	}
	options := method.Options{Method: c.Drift.Method, Calibrate: c.Drift.Calibrate, Limit: c.Drift.Limit, MinRows: c.Drift.MinRows, Seed: c.Seed, Threads: s.Threads, Strata: t.strata, Level: level}
	steps := 2 // the columns, and those that drifted by time
	if len(c.Slices) > 0 {
		options.Level, steps = level/2, 3
	}
	bar := s.Bar(steps)
	results, alarm, err := method.CompareAll(bar.Next(ctx), t.reference, t.current, columns, options)
	parts := &sliced{}
	if err == nil && len(c.Slices) > 0 {
		parts, err = c.compareSlices(bar.Next(ctx), t, columns, options)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &component.InputError{Summary: "the tables cannot be compared: " + err.Error()}
	}
	for _, x := range results {
		if x.Warning != "" {
			s.Warnf("%s", x.Warning)
		}
	}
	few := tooFew(results, c.Drift.Limit)
	if few != "" {
		s.Logf("%s", few)
	}
	r := newReport(results, t.reference.Rows, t.current.Rows)
	parts.report(r)
	if c.Season != "" {
		r.figures["rows"].(map[string]any)["unmatched"] = t.unmatched
	}
	if options.Level = 0; level > 0 {
		r.alarm(alarm, parts, level)
	}
	if r.some() {
		for _, x := range results {
			if x.Undefined != "" {
				s.Warnf("%s: it has no figures, and no part in drift.share", x.Undefined)
			}
		}
	}
	if err := r.write(s); err != nil {
		return err
	}
	p := newPage(results, t.reference, t.current, personal(columns, reference, current))
	p.few, p.verdict, p.slices = few, r.verdict, parts
	if p.windows, err = newWindows(bar.Next(ctx), p.drifted(), t, options); err != nil {
		return err
	}
	if err := s.WriteReport(p.report()); err != nil {
		return err
	}
	return s.WriteFigures(r.figures)
}

// personal are the columns that one of the tables has as personal data.
func personal(columns []string, tables ...*schema.Table) map[string]bool {
	out := map[string]bool{}
	for _, name := range columns {
		for _, t := range tables {
			if c := t.Column(name); c != nil && c.PII {
				out[name] = true
			}
		}
	}
	return out
}

// tooFew warns of columns whose tables are so small that chance alone reaches a distance above the limit: with 50 rows each a
// Jensen-Shannon distance of 0.15 may be nothing, so that a drift between 0.1 and that goes unseen. Empty if there is none.
// It is logged and no warning, since a small table is no mistake; whoever writes a rule on drift.share should know of it.
func tooFew(results []method.Result, limit float64) string {
	if limit == 0 {
		limit = method.DistanceLimit
	}
	var least, most method.Result
	n := 0
	for _, x := range results {
		if x.Undefined != "" || method.IsTest(x.Method) || !(x.Limit > limit) {
			continue
		}
		if n == 0 || x.Limit < least.Limit {
			least = x
		}
		if n == 0 || x.Limit > most.Limit {
			most = x
		}
		n++
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("too few rows to see all drift from the limit of %v on: in %d of %d columns the least distance that chance does not explain is %.3g (%s of %s) to %.3g (%s of %s)",
		limit, n, len(results), least.Limit, least.Method, least.Column, most.Limit, most.Method, most.Column)
}
