package performance

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	document "github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Where a decision keeps labels from coming.
//
// Of 5,000 payments that a model blocks 150 are let through by chance, each with the propensity 0.03, and 60 of these turn out to be fraud. Of those that it lets through, 400 are.
//
//	model_predicted  predicted  propensity  rows   with a label  fraud
//	true             true       0.97        4,850  none can come
//	true             false      0.03          150  150           60
//	false            false      1          95,000  95,000        400
//
// Each of the 150 stands for 5,000/150 rows: for 1/0.03 by its propensity (Horvitz and Thompson 1952), and less or more where chance has drawn more or fewer than it should, since how many were rejected
// is known (calibration: Deville and Särndal 1992; of one stratum Hájek's ratio). So of the rejected 60/150 = 40 % are fraud, 2,000 rows, and the model finds 2,000/2,400 = 83 % of it.
//
// The interval of the share among the rejected is that of 60 of 150 (Clopper and Pearson 1934; with unlike propensities, or several rows of an entity, of as many independent rows as tell as much: Korn and Graubard 1998).
// Of the 400 it is that of a count. The recall R/(R+A) joins both: each limit lies as far off as the root of the sum of squares of what either limit alone moves it (Zou and Donner 2008, for a function that is monotone in both).

// completed fills in what the columns of a log say: one of a deployment that explores has what the model decides beside what was decided, with the chance of that.
func (c *config) completed(predictions, labels *schema.Table) {
	if predictions == nil {
		return
	}
	if predictions.Column("model_predicted") != nil && predictions.Column("propensity") != nil {
		c.Propensity, c.Predicted, c.Decided = cmp.Or(c.Propensity, "propensity"), cmp.Or(c.Predicted, "model_predicted"), cmp.Or(c.Decided, "predicted")
	}
	if c.Decided == "" || c.Censoring != "" || labels == nil || labels.Label == nil {
		return
	}
	if target := labels.Column(labels.Label.Column); c.Positive == "" && target != nil && !model.TextType(target.Type) {
		c.Censoring = "1"
		if target.Type == "boolean" {
			c.Censoring = "true"
		}
		return
	}
	c.Censoring = c.Positive
}

// censors reports whether it is known which rows have no label since they were decided so.
func (c *config) censors() bool { return c.Decided != "" && c.Propensity != "" && c.Censoring != "" }

// checkCensored holds a block to what is needed to count what was rejected.
func (k *checker) checkCensored() {
	c := k.config
	problem := func(path, summary, hint string) {
		k.report(schema.Problem{Path: path, Summary: summary, Hint: hint})
	}
	switch {
	case c.Decided == "":
		if c.Censoring != "" {
			problem("censored_by", "Which column has what was decided is not said", `set decided = "…"`)
		}
	case c.Propensity == "":
		problem("decided", "Without the chance of each row what was rejected cannot be counted", `set propensity = "…"`)
	case k.Model.Task != "" && k.Model.Task != schema.Binary:
		problem("decided", "What was rejected is counted of binary classification", fmt.Sprintf("The task is %s.", k.Model.Task))
	case c.Decided == cmp.Or(c.Predicted, "predicted"):
		problem("predicted", fmt.Sprintf("Column %q is both what the model decides and what was decided", c.Decided), `a log of a deployment that explores has what its model decides as model_predicted: predicted = "model_predicted"`)
	}
}

// rejectedFigures is the type of what rules see of the rejected.
func rejectedFigures() *schema.FigureType {
	share := schema.Object(map[string]*schema.FigureType{"value": schema.Share, "low": schema.Share, "high": schema.Share})
	return schema.Object(map[string]*schema.FigureType{"count": schema.Count, "explored": schema.Count, "labelled": schema.Count, "uncovered": schema.Share, "precision": share, "recall": share})
}

// rejected is what is known of the rows that the model rejects.
type rejected struct {
	count, explored, labelled float64
	uncovered                 float64 // the share that no chance lets through
	factor                    float64 // by which 1/propensity of an explored row counts
	precision, recall         bounded
}

// conditions are SQL over the columns of the predictions p: whether the model rejects a row, whether that kept its label from coming, and its chance.
func (c *config) conditions() (rejects, censored, chance string) {
	is := func(column string) string {
		return fmt.Sprintf("coalesce(p.%s::varchar = %s, false)", table.Quote(column), table.Literal(c.Censoring))
	}
	return is(cmp.Or(c.Predicted, "predicted")), is(c.Decided), fmt.Sprintf("p.%s::double", table.Quote(c.Propensity))
}

// weight is how many rows a prediction stands for, in SQL.
func (j *joined) weight() string {
	if j.rejected == nil {
		return fmt.Sprintf("1 / p.%s::double", table.Quote(j.Propensity))
	}
	rejects, censored, chance := j.conditions()
	return fmt.Sprintf("case when %s and not %s and %s < 1 then %v else 1 end / %[3]s", rejects, censored, chance, j.rejected.factor)
}

// label is the column of the labels, null where it could not have come: what a table says of such a row, say false since nothing was heard, is nothing that is known.
func (j *joined) label() string {
	if j.rejected == nil {
		return "l.*"
	}
	_, censored, _ := j.conditions()
	name := table.Quote(j.labels.Label.Column)
	return fmt.Sprintf("l.* replace (case when %s then null else l.%s end as %[2]s)", censored, name)
}

// countRejected counts the rows that the model rejects, and finds by how much those that were let through count.
func (j *joined) countRejected(ctx context.Context) error {
	if !j.censors() {
		return nil
	}
	rejects, censored, chance := j.conditions()
	r, err := table.OpenReader(ctx, j.inputs())
	if err != nil {
		return err
	}
	defer r.Close()
	row, err := r.Row(ctx, fmt.Sprintf(`with rows as (select %s as rejects, %s as censored, %s as chance from predictions p)
		select count_if(rejects)::double, count_if(rejects and not censored)::double, count_if(censored and chance >= 1)::double, count_if(censored)::double,
			count_if(rejects and chance < 1)::double, coalesce(sum(1 / chance) filter (rejects and chance < 1 and not censored), 0)::double from rows`, rejects, censored, chance))
	if err != nil {
		return fmt.Errorf("counting what was rejected: %w", err)
	}
	n := make([]float64, len(row))
	for i, x := range row {
		n[i], _ = x.(float64)
	}
	j.rejected = &rejected{count: n[0], explored: n[1], factor: 1}
	if n[3] > 0 {
		j.rejected.uncovered = n[2] / n[3]
	}
	if n[5] > 0 {
		j.rejected.factor = n[4] / n[5]
	}
	if n[4] > 0 && n[1] == 0 {
		j.stage.Warnf("of %v rejected rows with a chance to be let through none was", n[4])
	}
	if n[2] > 0 {
		j.stage.Warnf("%v of %v rows that have no label since they were decided %s had no chance of one: figures do not say anything of them", n[2], n[3], j.Censoring)
	}
	return nil
}

// measureRejected finds precision and recall of the rejecting decision.
func (j *joined) measureRejected(ctx context.Context) error {
	if j.rejected == nil {
		return nil
	}
	rejects, _, _ := j.conditions()
	label := table.Quote(j.labels.Label.Column)
	unit := j.entity()
	if unit == "" {
		unit = "row_number() over ()"
	}
	rows := fmt.Sprintf(`with rows as (select %s as unit, %s as rejects, %s as weight, (l.%s::varchar = %s)::integer as hit from predictions p join labels l on %s where %s),
		units as (select unit, rejects, sum(weight) as weight, sum(weight * hit) as hits, count(*) as n from rows group by unit, rejects)`,
		unit, rejects, j.weight(), label, table.Literal(j.Censoring), j.matches(), j.known())
	r, err := table.OpenReader(ctx, j.inputs())
	if err != nil {
		return err
	}
	defer r.Close()
	var weights, hits []float64
	err = r.Query(ctx, rows+" select weight::double, hits::double, n::double from units where rejects order by weight, hits", func(row []any) error {
		w, _ := row[0].(float64)
		h, _ := row[1].(float64)
		n, _ := row[2].(float64)
		weights, hits, j.rejected.labelled = append(weights, w), append(hits, h), j.rejected.labelled+n
		return nil
	})
	if err != nil {
		return fmt.Errorf("measuring what was rejected: %w", err)
	}
	let, err := r.Row(ctx, rows+" select coalesce(sum(hits), 0)::double, coalesce(sum(hits * hits), 0)::double from units where not rejects")
	if err != nil {
		return fmt.Errorf("measuring what was rejected: %w", err)
	}
	missed, _ := let[0].(float64)
	squares, _ := let[1].(float64)
	j.rejected.estimate(weights, hits, missed, squares, j.Intervals.Confidence)
	return nil
}

// estimate finds precision and recall by the units among the rejected with a label, their weights and those of them that were rejected rightly, and by those missed: their sum of weights and of squared ones by unit.
func (x *rejected) estimate(weights, hits []float64, missed, squares, confidence float64) {
	none := bounded{math.NaN(), math.NaN(), math.NaN()}
	x.precision, x.recall = none, none
	p, i := metric.ShareOfUnits(weights, hits, confidence)
	if math.IsNaN(p) {
		return
	}
	x.precision = bounded{p, i.Low, i.High}
	total := 0.0
	for _, w := range weights {
		total += w
	}
	z, each := distuv.UnitNormal.Quantile((1+confidence)/2), 1.0
	if missed > 0 {
		each = squares / missed
	}
	middle, half := missed+float64(each*z*z)/2, z*math.Sqrt(squares+float64(each*each*z*z)/4)
	recall := func(p, missed float64) float64 {
		if found := float64(p * total); found+missed > 0 {
			return found / (found + missed)
		}
		return math.NaN()
	}
	value := recall(p, missed)
	if math.IsNaN(value) {
		return
	}
	low, high := max(0, middle-half), middle+half
	down := math.Hypot(value-recall(i.Low, missed), value-recall(p, high))
	most := recall(p, low)
	if math.IsNaN(most) { // nothing was found, and perhaps nothing missed
		most = 1
	}
	up := math.Hypot(recall(max(i.High, 1e-300), missed)-value, most-value)
	x.recall = bounded{value, max(0, value-down), min(1, value+up)}
}

// addRejected adds the figures, with a reason for each that is undefined.
func (r *report) addRejected(x *rejected, resamples int) {
	figures := map[string]any{"count": x.count, "explored": x.explored, "labelled": x.labelled, "uncovered": x.uncovered}
	for name, b := range map[string]bounded{"precision": x.precision, "recall": x.recall} {
		if resamples == 0 {
			b.low, b.high = math.NaN(), math.NaN()
		}
		figure := map[string]any{}
		for end, v := range map[string]float64{"value": b.value, "low": b.low, "high": b.high} {
			if figure[end] = any(v); math.IsNaN(v) {
				figure[end] = nil
				why := "no rejected row that was let through has a label that can be trusted yet"
				if x.labelled > 0 {
					why = "nothing turned out as what is rejected for"
				}
				if resamples == 0 && end != "value" {
					why = "intervals.resamples is 0"
				}
				r.undefined["rejected."+name+"."+end] = why
			}
		}
		figures[name] = figure
	}
	r.figures["rejected"] = figures
}

// rejectedSection tells of the rows that were rejected.
func (r *report) rejectedSection() document.Section {
	x := r.figures["rejected"].(map[string]any)
	t := &document.Table{Columns: []document.Column{{Name: "of the rejected"}, {Name: "figure", Kind: document.Number}}}
	for _, line := range [][2]string{{"count", "rows that the model rejects"}, {"explored", "let through by chance"}, {"labelled", "of these with a label that counts"}, {"uncovered", "share of what has no label that had no chance of one"}} {
		t.Rows = append(t.Rows, []document.Cell{document.Words(line[1]), document.Figure(x[line[0]].(float64))})
	}
	for _, line := range [][2]string{{"precision", "share that is rejected rightly"}, {"recall", "share that is rejected of all that should be"}} {
		t.Rows = append(t.Rows, []document.Cell{document.Words(line[1]), r.cell(between(x[line[0]].(map[string]any)), "rejected."+line[0])})
	}
	return document.Section{Title: "What was rejected", Items: []document.Item{
		document.Note("Rows that were rejected have no label. Those that were let through by chance stand for them."), {Table: t}}}
}

// chanceOf explains an error about chances that cannot be.
func chanceOf(column string, n any) error {
	return &component.InputError{Summary: fmt.Sprintf("in %v rows %s is no chance: it is null, 0 or less, or above 1", n, column),
		Detail: "A row whose label cannot come stands for nobody. Where the chance was 1, write 1. Rows of a log that decided nothing have none, as those of a shadow: leave them out, where route <> 'shadow'."}
}
