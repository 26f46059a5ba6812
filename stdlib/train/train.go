// Package train is what the types of the kind train have in common: the attributes that every trainer has, what is
// checked of them before anything runs, rows and labels as numbers, the decision threshold, and the figures.
//
// A trainer is a folder below: it lists its parameters, fits an estimator on a Training, and hands it to Finish.
//
//	err := tunable.Run(ctx, s, fit)                              // calls fit with the parameters that tune chose; in it
//	t, err := train.Load(ctx, s, &c.Config)                      // rows and labels as numbers
//	m, err := fit(ctx, t, …)                                     // a model.Estimator
//	training, validation, err := t.Losses(ctx, m)
//	err = t.Finish(ctx, model.Linear, m, train.Figures{…})       // threshold, model and figures are written
//
// What is wrong with the data is a *component.InputError of Load, with what to do about it; what can be lived with is a warning of
// the stage. The same table, configuration and seed give the same bytes of a model on any number of threads, for which every trainer
// adds numbers up in a fixed order.
package train

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/ngrams"
)

// Ports of a trainer.
const (
	DataPort       = "data"
	ValidationPort = "validation"
	SelectionPort  = "selection" // of trainers that tune
	// CalibrationPort is of trainers that calibrate.
	CalibrationPort = "calibration"
	ModelPort       = "model"
	// InitModelPort is of trainers that fit a model further.
	InitModelPort = "init_model"
)

// Config holds the attributes that every trainer has. Trainers embed it.
type Config struct {
	Target              string          `json:"target"`               // a column of the table
	Features            []string        `json:"features"`             // columns of the table
	Task                schema.Task     `json:"task"`                 // empty: the one that fits the target's type (TaskOf)
	Positive            string          `json:"positive"`             // name of the positive class of a binary task; empty: true, or 1 of 0 and 1
	Weight              string          `json:"weight"`               // column of the rows' weights; empty: all 1
	Seed                int64           `json:"seed"`                 // of what the trainer draws at random
	AllowProtected      []string        `json:"allow_protected"`      // features that may be protected attributes, or made of them
	AllowPII            []string        `json:"allow_pii"`            // features that may be personal data, or made of them
	KnownBefore         []string        `json:"known_before"`         // features whose values, their author vouches, stand before the target's
	Decision            *Decision       `json:"decision"`             // nil: a binary model decides at model.DefaultThreshold
	CategoricalFeatures []string        `json:"categorical_features"` // of numbers, those that are taken as categories
	ClassWeight         json.RawMessage `json:"class_weight"`         // "balanced" or weights by name of the class; empty: all 1
	// CalibrationMethod is empty where it is not said, or nothing is calibrated.
	CalibrationMethod model.CalibrationMethod `json:"calibration_method"`
	// CalibrationBy are columns whose groups have curves of their own; CalibrationOtherwise is what rows of no group have.
	CalibrationBy        []string          `json:"calibration_by"`
	CalibrationOtherwise string            `json:"calibration_otherwise"`
	Tune                 *Tuning           `json:"tune"`  // nil: parameters are as they are written
	Trial                *Trial            `json:"trial"` // of a stage that is one of a block's trials
	Tuned                *Tuned            `json:"tuned"` // set by Tunable.Run, of a block with tune
	IsolationForests     []IsolationForest `json:"isolation_forest"`
	KMeans               []KMeans          `json:"k_means"`
	OutOfFold            *Folds            `json:"out_of_fold"` // nil: rows of data are not predicted
	Fold                 *Fold             `json:"-"`           // that is left out of this fit: of a trial with folds, and of predictions out of fold
	ManyLevels           []string          `json:"-"`           // text columns of which maxManyLevels categories are kept
	MostLevels           int               `json:"-"`           // of other columns of text, how many categories are kept; 0: MaxLevels
	Encodings            []Encoding        `json:"-"`           // of categories by the target, before an estimator gets them
	// NGrams are the text columns that are read by their n-grams, with how.
	NGrams map[string]ngrams.Settings `json:"-"`
	// Of is the signature that the model has because it is made of others, with its classes and levels; nil: the data say it.
	Of *model.Signature `json:"-"`
	// Continues: the model of Of is fitted further, so that its features are looked at as those of a fit are.
	Continues bool `json:"-"`
}

// Decision says how the threshold of a binary model is fitted on the validation table.
type Decision struct {
	Maximize json.RawMessage `json:"maximize"` // a metric's definition
	Where    []Limit         `json:"where"`
	// By are columns whose groups have thresholds of their own; empty: all rows have one.
	By        []string `json:"by"`
	Equalize  string   `json:"equalize"`  // the rate that these make alike
	Tolerance *float64 `json:"tolerance"` // how far rates may lie apart; nil: as near as the curves of groups come
	Otherwise string   `json:"otherwise"` // "overall": rows of no group go by the one threshold; empty: they have no prediction
}

// Limit is a bound that a metric must keep at the threshold: recall >= 0.8.
type Limit struct {
	Metric json.RawMessage `json:"metric"` // a metric's definition
	Op     string          `json:"op"`     // "<", ">", "<=" or ">="
	Limit  float64         `json:"limit"`
}

// holds reports whether x keeps the limit.
func (l *Limit) holds(x float64) bool {
	switch l.Op {
	case "<":
		return x < l.Limit
	case ">":
		return x > l.Limit
	case ">=":
		return x >= l.Limit
	}
	return x <= l.Limit
}

// tasks in the order in which messages name them.
var tasks = []schema.Task{schema.Binary, schema.Multiclass, schema.Regression}

// taskNames are tasks as the configuration has them.
func taskNames(of []schema.Task) []string {
	out := make([]string, len(of))
	for i, t := range of {
		out[i] = string(t)
	}
	return out
}

// Attrs are the attributes that every trainer has. Features may be left out where a trainer needs none.
func Attrs(supported []schema.Task, features bool) []schema.Attr {
	table := []schema.PortType{schema.TablePort}
	attrs := []schema.Attr{
		{Name: DataPort, Type: schema.Ref, Required: true, Ports: table, Rows: schema.FittedRows,
			Doc: "The table to train on. Rows whose target is null are left out; of a labelled table also those whose label is not mature."},
		{Name: ValidationPort, Type: schema.Ref, Ports: table, Rows: schema.ChosenRows,
			Doc: "A table with the same columns and other rows: for early stopping and for `decision`. Not trained on."},
		{Name: "target", Type: schema.String, Required: true, ColumnOf: DataPort,
			Doc: "The column to predict."},
		{Name: "task", Type: schema.String, Posed: true, OneOf: taskNames(supported),
			Doc: "What is predicted. Left out: the task of the module's only `problem`; else by the target's type: a boolean is " +
				"`binary_classification`, text is `multiclass_classification` (with `positive` set: binary), a fraction is `regression`. Of whole " +
				"numbers, which can be classes or amounts, it must be said where the trainer has more tasks than one."},
		{Name: "positive", Type: schema.String,
			Doc: "The class whose probability is the score of a binary task. Left out: `true`, or `1` of 0 and 1."},
		{Name: "weight", Type: schema.String, ColumnOf: DataPort,
			Doc: "A column of weights, at least 0: how many times each row counts."},
		{Name: "allow_protected", Type: schema.StringList, ColumnOf: DataPort, Treats: true,
			Doc: "Columns computed from protected ones that may be features all the same. Without being named here they are refused."},
		{Name: "allow_pii", Type: schema.StringList, ColumnOf: DataPort,
			Doc: "Columns computed from personal ones (`pii`) that may be features all the same. Without being named here they are refused."},
		{Name: "known_before", Type: schema.StringList, ColumnOf: DataPort,
			Doc: "Features that use the target of other rows, its values or which rows have which, of which you vouch that they hold only what is " +
				"known when a row is decided upon. A feature's window with `known_at` needs no such word."},
	}
	if !slices.Contains(supported, schema.Binary) {
		attrs = slices.DeleteFunc(attrs, func(a schema.Attr) bool { return a.Name == "positive" })
	}
	if features {
		attrs = slices.Insert(attrs, 3, schema.Attr{Name: "features", Type: schema.StringList, Required: true, ColumnOf: DataPort,
			Doc: "The columns to predict from: numbers, booleans and text. No other column is read, so that a new one upstream never " +
				"becomes a feature by itself."})
	}
	return attrs
}

// SeedAttr is the attribute of trainers that draw at random.
func SeedAttr() schema.Attr {
	return schema.Attr{Name: "seed", Type: schema.Integer, Default: 0.0,
		Doc: "Another seed draws other rows and columns. The same seed gives the same model."}
}

// DecisionBlock is the block that fits the threshold of a binary task.
func DecisionBlock() schema.Block {
	return schema.Block{Name: "decision",
		Doc: "Fits the threshold from which on a row is predicted positive, on the `validation` table, and freezes it in the model: what " +
			"is evaluated is what is deployed. Without it the threshold is 0.5. Every score seen there is tried.\n\n" + byGroupDoc,
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "maximize", Type: schema.Ref, Required: true, Edge: schema.DefinitionEdge, Ports: []schema.PortType{schema.MetricPort},
				Doc: "The metric to bring to its best (its least, where less is better). One of decisions: recall, precision, f1, …"},
			{Name: "where", Type: schema.Limits,
				Doc: "What must hold besides, on the validation table: `fpr <= 0.01 && recall >= 0.2`. If no threshold keeps it, training fails and says how near it came."},
			{Name: "by", Type: schema.StringList, ColumnOf: DataPort, Treats: true,
				Doc: "Columns of text, booleans or whole numbers, whose values together are groups, each with a threshold of its own. They need not be features; whoever scores a row gives them."},
			{Name: "equalize", Type: schema.String, OneOf: equalizable(),
				Doc: "The rate that thresholds by group make alike on the validation rows; `equalized_odds` is the true and the false positive rate."},
			{Name: "tolerance", Type: schema.Number,
				Doc: "How far the rates of groups may lie apart on the validation rows. `equalized_odds` needs it. Left out: as near as a common rate brings them, a row of the smallest group at most where no two rows of a group have one score."},
			{Name: "otherwise", Type: schema.String, OneOf: []string{overall}, Doc: fmt.Sprintf(otherwiseDoc, "goes by the one threshold that all rows would have without `by`")},
		}}}
}

// byGroupDoc tells of thresholds by group.
const byGroupDoc = "With `by`, each group has a threshold of its own, by which a rate is made alike: `by = [\"sex\"]` with `equalize = \"true_positive_rate\"` finds as many of the positive women as of the positive men. Of the combinations that do " +
	"so the one is taken that brings `maximize` to its best on all validation rows together, within `where`. The constraints are those of Fairlearn's ThresholdOptimizer (Hardt, Price and Srebro 2016). That one draws lots between two thresholds, by which rates become " +
	"alike exactly; here a row is decided the same way each time, so that they are alike up to a row of the smallest group, and `equalized_odds` up to `tolerance`. Metrics are of counts after all rows are decided, where Fairlearn's objectives are five that it names. " +
	"The columns become inputs of the model: of requests, batch predictions and evaluations. The one threshold that all rows would have is kept in the model, and evaluations compare both. A group needs 20 rows. Protected columns may be named unless the pipeline says " +
	"`protected_in_decisions = \"refuse\"`."

// Out are the ports of every trainer.
func Out() []schema.Port {
	return []schema.Port{{Name: ModelPort, Type: schema.ModelPort, Doc: "The trained model, with its threshold."}}
}

// metrics of a decision by name, and of its limits in their order.
func (d *Decision) metrics() (best *metric.Metric, limits []*metric.Metric, err error) {
	if best, err = metric.New(d.Maximize); err != nil {
		return nil, nil, err
	}
	for _, l := range d.Where {
		m, err := metric.New(l.Metric)
		if err != nil {
			return nil, nil, err
		}
		limits = append(limits, m)
	}
	return best, limits, nil
}
