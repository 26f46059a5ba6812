// Package performance is the monitor that measures what a live model has predicted by the labels that came later.
//
// It is an evaluation whose predictions are read and not made. Each prediction is joined with its label by the columns on; what the
// label block knows of maturity decides which of the pairs count:
//
//	predictions            labels                             counts
//	A12  true   0.83       A12  true   mature                 yes
//	B07  false  0.10       B07  null   not mature             no: nothing is known yet
//	C33  true   0.61                                          no: there is no label
//
// Here coverage is 1/3. The figures are those of stdlib/evaluation, under other names: metrics.auc with intervals.auc.low and high
// become performance.auc.value, low and high. With a baseline, the figures of the evaluation that the model was released on, delta
// says by how much each metric has changed.
package performance

import (
	"cmp"
	"encoding/json"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/evaluation"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the monitor of performance.
var Component = component.Component{
	Kind: "monitor",
	Type: schema.Type{
		Name:    "performance",
		Version: 3,
		Engine:  table.Engine,
		Summary: "How good predictions were, by the labels that came later",
		Doc:     doc,
		Body: schema.Body{
			Attrs: append([]schema.Attr{
				{Name: "predictions", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Rows: schema.MeasuredRows,
					Doc: "What the model said, one row a prediction: `predictions` of a batch deployment, or any table with such columns."},
				{Name: "labels", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort},
					Doc: "What turned out: a `label`, or a table that was made of one row by row."},
				{Name: "on", Type: schema.StringList, Required: true, ColumnOf: "predictions",
					Doc: "The columns by which a prediction finds its label. Both tables have them; none has two rows with the same values."},
				{Name: "metrics", Type: schema.RefList, Unordered: true, Required: true, Ports: []schema.PortType{schema.MetricPort}, Edge: schema.DefinitionEdge,
					Doc: "What to compute; figures bear the names of the metric blocks."},
				{Name: "baseline", Type: schema.Ref, Ports: []schema.PortType{schema.FiguresPort}, Kinds: []string{"evaluate"},
					Doc: "The evaluation that the model was released on. `delta` is about the metrics that both have."},
				{Name: "task", Type: schema.String, Posed: true, OneOf: []string{string(schema.Binary), string(schema.Multiclass), string(schema.Regression)},
					Doc: "What is predicted. Left out: the task of the module's only `problem`; else by the label's type, as a trainer does."},
				{Name: "positive", Type: schema.String, Doc: "The class whose probability is the score of a binary task. Left out: `true`, or `1` of 0 and 1."},
				{Name: "predicted", Type: schema.String, ColumnOf: "predictions", Doc: "The column of the class or value predicted. Default: `predicted`, if there is one; with `model_predicted` and `propensity` beside it `model_predicted`."},
				{Name: "score", Type: schema.String, ColumnOf: "predictions",
					Doc: "The column of the probability of the positive class. Default: `score`, if there is one. Binary tasks only."},
				{Name: "estimate", Type: schema.Bool,
					Doc: "Whether `estimate` says what metrics are to be expected of all predictions, before labels are there. It takes scores for probabilities."},
				{Name: "propensity", Type: schema.String, ColumnOf: "predictions",
					Doc: "The column of the probability with which the row was decided so that its label can come: 1 where that is sure, 0.03 of those that were let through in spite of their score, as a control share. Rows count by its inverse. Default: `propensity`, beside `model_predicted`, as in a log of a deployment that explores."},
				{Name: "decided", Type: schema.String, ColumnOf: "predictions",
					Doc: "The column of what was decided, where that is not always what the model decides. Default: `predicted`, beside `model_predicted` and `propensity`, and `model_predicted` is what is measured then."},
				{Name: "censored_by", Type: schema.String,
					Doc: "The decision that keeps labels from coming, a class: `true` of payments that are blocked, the class of who does not repay of loans. With `decided` rows that were decided so have no label, whatever the labels say. Default: the positive class."},
				{Name: "min_rows", Type: schema.Integer, Default: 100.0, Doc: "With fewer rows of mature labels all figures are undefined."},
				evaluation.MinPositivesAttr(),
				{Name: "seed", Type: schema.Integer, Default: 0.0, Doc: "Seed of the resamples."},
			}, schema.ScheduleAttrs(false, "When `mlp watch` looks,")...),
			Blocks: []schema.Block{evaluation.IntervalsBlock()},
		},
		Out: []schema.Port{
			{Name: "figures", Type: schema.FiguresPort, Doc: "`performance.<m>`, `delta.<m>`, `rows`, `coverage`, `positives`."},
		},
		Examples: []schema.Example{{Title: "Last month's scores and what became of them", Code: example}},
	},
	Shape: shape,
	Run:   run,
}

const doc = "Each prediction finds its label by `on`. Labels that are unknown or not mature yet do not count, nor do predictions without a label; " +
	"`coverage` is the share of predictions that count, `rows` how many. `performance.<m>.value|low|high` is a metric with its interval, found as " +
	"`evaluate` does: over rows, over whole entities where the predictions or else the labels have any. What is undefined, or " +
	"rests on fewer rows or positives than asked, has no value but a reason, and a rule on it is an error.\n\n" +
	"Predictions have a column `predicted`, the class or the value that was decided for, or `score`, the probability of the positive class, or both; of several " +
	"classes `predicted`, and `scores` as a batch deployment writes them or a `score_<class>` for each. Without `predicted` a binary " +
	"decision is at 0.5, and of several classes the likeliest. Where every row that is predicted positive has a lower score than every other, the score is that of the other class, which is an error; where scores only lean that way, or are clearly lower where the label is positive, it is told. Metrics that are SQL see these and the columns of the labels.\n\n" +
	"`delta.<m>.value` is the metric now less that of the `baseline`. Its interval joins those of both sides (Zou and Donner 2008), which holds for rows of " +
	"their own; rows that both sides share make it wider than need be. Its confidence is that of the two, so give both the same. Of figures " +
	"without intervals, as those of a file, there is the value alone.\n\n" +
	"`estimate.<m>.value|low|high` is the metric to be expected of all predictions by their scores, of those without a label too: a row with the score 0.8 counts as 0.8 of a positive and 0.2 of a negative. **It assumes that scores are probabilities**, as those of a model with `calibration`, and still are: it sees that the rows have become harder, and not that the same rows " +
	"now turn out otherwise. Where labels are there, `performance` says how far off it was. Metrics in SQL have none. The interval is of the metric once labels are there, if the assumption holds.\n\n" +
	"**Where a decision keeps labels from coming**, since a blocked payment is never charged back, the rows with labels are those that were let through, and figures of them say nothing of the others. With a share of the others let through all the same, by chance, and `propensity` the chance of each row, " +
	"a row stands for one over it: figures are of all rows that were decided, those among them that were rejected too, with intervals that are as wide as the few of the control share make them (Horvitz and Thompson 1952, by Hájek's ratio). Rows that were rejected have no label, and do not count. " +
	"That the chance is as it is said nothing can check: it is to be in the log of what was decided. A chance that is null, 0 or above 1 is an error.\n\n" +
	"A log of a deployment with `exploration` says all of this itself: `model_predicted` is measured, by `propensity`, and rows that were decided as `censored_by` (the positive class, if nothing else is said) have no label, **even if the labels have one**, as by `absent` of a row that nobody complained of. Then there is `rejected`: `count`, the rows that the model rejects; " +
	"`explored`, those let through by chance; `labelled`, those of them with a label that counts; `uncovered`, the share of rows without a label that had no chance of one, within a limit (`never`) say, of which no figure speaks; `precision.value|low|high`, the share of the rejected that turned out as they were rejected for; and `recall.value|low|high`, of all rows " +
	"that turned out so the share that is rejected, so `monitor.live.rejected.recall.low >= 0.6`. The rows let through count for all rejected ones, whose number is known, and the interval joins that of their share (Clopper and Pearson; Korn and Graubard where rows have an entity) with that of what was missed. " +
	"From a share of 3 % recall is known to ±0.05 after some 2,000 rejected rows, half of them rightly; to ±0.12 after 500. With chance drawn by a key, declare it as the entity of the predictions, so that intervals are over keys.\n\n" +
	"Of a log with `rollout`, `rollout_share` and `route` it counts how the decisions of a canary turned out beside those of the live model, for a deployment that is `judged_by` it: `canaries` among the figures, which no other rule reads.\n\n" +
	"That predictions were made before their labels were known is for their table to see to.\n\n" +
	"`mlp report monitor.<name>` shows the differences from the baseline, the furthest from 0 by their intervals first, and all that a report of `evaluate` has of the rows behind the figures."

const example = `pipeline "churn" {}

# What was predicted a month ago.
source "csv" "scores" {
  path = "scores.csv"
  column "customer"  { type = "varchar" }
  column "predicted" { type = "boolean" }
  column "score"     { type = "double" }
}

source "csv" "customers" {
  path = "customers.csv"
  column "customer" { type = "varchar" }
  column "asked_at" { type = "timestamp" }
  column "churned"  { type = "boolean" }
}

label "churn" {
  on            = source.customers
  column        = "churned"
  event_time    = "asked_at"
  matures_after = "30d"
}

metric "recall" { type = "recall" }

monitor "performance" "live" {
  predictions   = source.scores
  labels        = label.churn
  on            = ["customer"]
  metrics       = [metric.recall]
  min_positives = 20
}

gate "health" {
  rule "finds who leaves" { assert = "monitor.live.performance.recall.high >= 0.6" }
}
`

// config is the block. Task, Positive, Predicted and Score are empty where the tables say enough.
type config struct {
	evaluation.Config
	On        []string    `json:"on"`
	Task      schema.Task `json:"task"`
	Positive  string      `json:"positive"`
	Predicted string      `json:"predicted"`
	Score     string      `json:"score"`
	// Estimate asks for what is to be expected of predictions whose labels are not there.
	Estimate bool `json:"estimate"`
	// Propensity is "" where labels come whatever was decided.
	Propensity string `json:"propensity"`
	// Decided is the column of what was decided, and Censoring the decision whose rows have no label; "" where that is not known.
	Decided   string `json:"decided"`
	Censoring string `json:"censored_by"`
}

// decode reads the configuration with the defaults of nested blocks that are not there.
func decode(raw json.RawMessage) (*config, error) {
	c := &config{}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, err
	}
	c.Defaults()
	return c, nil
}

// signature is what is known of the model by its predictions and labels.
// The task is empty where neither the block nor the label's type says it, which shape refuses.
func (c *config) signature(labels *schema.Table) schema.Model {
	m := schema.Model{Target: labels.Label.Column, Positive: c.Positive, Opaque: true, Task: c.Task}
	if target := labels.Column(m.Target); m.Task == "" && target != nil {
		m.Task = model.TaskOf(target.Type, c.Positive)
	}
	return m
}

// columns of the predictions as they are read, by what they are read as.
// Of the table (customer, outcome, p) with predicted = "outcome" and score = "p" these are predicted → outcome, score → p. Of several
// classes one column for each is preferred to one of JSON.
func (c *config) columns(task schema.Task, t *schema.Table) map[string]*schema.Column {
	out := map[string]*schema.Column{}
	take := func(as, name string) {
		if col := t.Column(name); col != nil {
			out[as] = col
		}
	}
	take("predicted", cmp.Or(c.Predicted, "predicted"))
	switch task {
	case schema.Binary:
		take("score", cmp.Or(c.Score, "score"))
	case schema.Multiclass:
		for i := range t.Columns {
			if class, ok := prediction.ScoredClass(t.Columns[i].Name); ok {
				out["score_"+class] = &t.Columns[i]
			}
		}
		if len(out) < 2 {
			take("scores", "scores")
		}
	}
	return out
}
