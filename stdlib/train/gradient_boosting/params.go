package gradient_boosting

import (
	"encoding/json"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/trees/histogram"
)

var paramsBlock = schema.Block{Name: "params",
	Doc: "How trees are grown. Names and meanings are XGBoost's.",
	Body: schema.Body{Attrs: []schema.Attr{
		{Name: "trees", Type: schema.Integer, Default: float64(defaults.Trees), Scales: true,
			Doc: "Rounds; with several classes a round has a tree for each. With `init_model` those that are added to its own."},
		{Name: "learning_rate", Type: schema.Number, Default: defaults.LearningRate,
			Doc: "By how much each tree is shrunk, above 0 and up to 1. Less needs more trees."},
		{Name: "max_depth", Type: schema.Integer, Default: float64(defaults.MaxDepth),
			Doc: "Splits from the root to a leaf at most; 0: no limit, which needs `max_leaves`."},
		{Name: "max_leaves", Type: schema.Integer, Default: float64(defaults.MaxLeaves),
			Doc: "Leaves of a tree at most, the best split first; 0: no limit, level by level."},
		{Name: "min_child_weight", Type: schema.Number, Default: defaults.MinChildWeight,
			Doc: "The sum of second derivatives that each side of a split must have: in regression the number of rows."},
		{Name: "objective", Type: schema.String, OneOf: objectiveNames(),
			Doc: "Of amounts, the loss that is brought down. `squared_error` aims at the mean; `absolute_error` at the median; `quantile` at the quantile `quantile_alpha`; `huber` at the mean without the pull of " +
				"errors beyond `huber_slope`; `poisson` (counts), `gamma` (amounts above 0) and `tweedie` (amounts with many 0) at the mean by the logarithm of what is predicted, so that no prediction is negative. " +
				"Left out: `squared_error`. Of classes it is the log loss, and nothing is to be said. Leaves of `absolute_error` and `quantile` are set to the median or quantile of their rows' residuals, as XGBoost does, those of `huber` as scikit-learn does."},
		{Name: "quantile_alpha", Type: schema.Number, Doc: "With `objective = \"quantile\"`: which quantile, above 0 and below 1."},
		{Name: "huber_slope", Type: schema.Number, Doc: "With `objective = \"huber\"`: from which error on the loss grows in a straight line, in the target's unit. Left out: 1."},
		{Name: "tweedie_variance_power", Type: schema.Number, Doc: "With `objective = \"tweedie\"`: above 1 (near Poisson) and below 2 (near gamma). Left out: 1.5."},
		{Name: "alpha", Type: schema.Number, Doc: "L1 regularisation of the leaves. Left out: 0."},
		{Name: "lambda", Type: schema.Number, Default: defaults.Lambda, Doc: "L2 regularisation of the leaves."},
		{Name: "gamma", Type: schema.Number, Default: defaults.Gamma, Doc: "What a split must gain at least."},
		{Name: "max_delta_step", Type: schema.Number,
			Doc: "What a leaf weighs at most, before `learning_rate`; 0: no limit. Left out: 0, and 0.7 with `objective = \"poisson\"`, as in XGBoost."},
		{Name: "monotone_constraints", Type: schema.Any,
			Doc: "`{ income = 1, age = -1 }`: with these features of numbers the score may only rise (1), or only fall (-1), all others as they are. Missing values have no place in that order."},
		{Name: "interaction_constraints", Type: schema.Any,
			Doc: "`[[\"age\", \"sex\"], [\"income\"]]`: groups of features that may be on one path of a tree together; a feature may be in several. One that is in none is on no path with another."},
		{Name: "max_cat_to_onehot", Type: schema.Integer, Default: float64(defaults.MaxCatToOneHot),
			Doc: "The categories of a text column with fewer of them are split off one by one; those of others are parted into two " +
				"groups. A large number splits all of them one by one, which is steadier where many categories are rare."},
		{Name: "max_cat_threshold", Type: schema.Integer, Default: float64(defaults.MaxCatThreshold),
			Doc: "Where categories are parted into two groups, fewer than this many make up one of the two."},
		{Name: "subsample", Type: schema.Number, Default: defaults.Subsample,
			Doc: "The share of rows drawn for each round, above 0 and up to 1."},
		{Name: "column_sample", Type: schema.Number, Default: defaults.ColumnSample,
			Doc: "The share of features drawn for each tree (XGBoost's `colsample_bytree`), above 0 and up to 1."},
		{Name: "colsample_bylevel", Type: schema.Number, Doc: "The share of a tree's features drawn for each level of depth, above 0 and up to 1. Left out: 1."},
		{Name: "colsample_bynode", Type: schema.Number, Doc: "The share of a level's features drawn for each node, above 0 and up to 1. Left out: 1."},
		{Name: "early_stopping_rounds", Type: schema.Integer,
			Doc: "Stop after so many rounds in which the loss on `validation` does not fall, and keep the trees up to the best round; 0: " +
				"never. Left out: 50 with a validation table, else 0."},
	}},
}

// params as the block has them; those of a block that is not there are the defaults.
// EarlyStoppingRounds is nil where the block does not say: then it depends on whether there is a validation table.
type params struct {
	Trees               int     `json:"trees"`
	LearningRate        float64 `json:"learning_rate"`
	MaxDepth            int     `json:"max_depth"`
	MaxLeaves           int     `json:"max_leaves"`
	MinChildWeight      float64 `json:"min_child_weight"`
	Lambda              float64 `json:"lambda"`
	Gamma               float64 `json:"gamma"`
	MaxCatToOneHot      int     `json:"max_cat_to_onehot"`
	MaxCatThreshold     int     `json:"max_cat_threshold"`
	Subsample           float64 `json:"subsample"`
	ColumnSample        float64 `json:"column_sample"`
	EarlyStoppingRounds *int    `json:"early_stopping_rounds"`

	Objective              string          `json:"objective"` // of objectives; empty: that of the task
	QuantileAlpha          *float64        `json:"quantile_alpha"`
	HuberSlope             *float64        `json:"huber_slope"`
	TweediePower           *float64        `json:"tweedie_variance_power"`
	Alpha                  float64         `json:"alpha"`
	MaxDeltaStep           *float64        `json:"max_delta_step"` // nil: that of the objective
	ColsampleByLevel       float64         `json:"colsample_bylevel"`
	ColsampleByNode        float64         `json:"colsample_bynode"`
	MonotoneConstraints    json.RawMessage `json:"monotone_constraints"`    // see monotone
	InteractionConstraints json.RawMessage `json:"interaction_constraints"` // see interactions
}

// absent are parameters that can be tuned and have no default in the schema, and what they are where they are left out.
var absent = map[string]float64{"alpha": 0, "colsample_bylevel": 1, "colsample_bynode": 1}

// defaults are XGBoost's, but for a learning rate of 0.1 instead of 0.3, which needs more trees and is less apt to overfit.
var defaults = params{
	Trees: 100, LearningRate: 0.1, MaxDepth: 6, MinChildWeight: 1, Lambda: 1, MaxCatToOneHot: 4, MaxCatThreshold: 64,
	Subsample: 1, ColumnSample: 1, ColsampleByLevel: 1, ColsampleByNode: 1,
}

// defaultEarlyStopping is after how many rounds without a better validation loss the fit stops, where the block does not say.
const defaultEarlyStopping = 50

// check finds parameters out of range.
// Bounds above are those of memory and time, such as 100,000 trees; each problem says what it must be. validated: there is a table
// to stop by.
func (p *params) check(validated bool) []schema.Problem {
	var out []schema.Problem
	refuse := func(bad bool, name string, value any, want string) {
		if bad {
			out = append(out, schema.Problem{Path: "params." + name, Summary: fmt.Sprintf("%s is %v", name, value), Detail: "It must be " + want + "."})
		}
	}
	share := func(x float64) bool { return !(x > 0 && x <= 1) }
	refuse(p.Trees < 1 || p.Trees > 100_000, "trees", p.Trees, "from 1 to 100000")
	refuse(share(p.LearningRate), "learning_rate", p.LearningRate, "above 0 and up to 1")
	refuse(p.MaxDepth < 0 || p.MaxDepth > 64, "max_depth", p.MaxDepth, "from 0 to 64")
	refuse(p.MaxDepth == 0 && p.MaxLeaves == 0, "max_depth", p.MaxDepth, "above 0 unless max_leaves is")
	refuse(p.MaxLeaves < 0 || p.MaxLeaves == 1, "max_leaves", p.MaxLeaves, "0 or at least 2")
	refuse(!(p.MinChildWeight >= 0), "min_child_weight", p.MinChildWeight, "at least 0")
	refuse(!(p.Lambda >= 0), "lambda", p.Lambda, "at least 0")
	refuse(!(p.Alpha >= 0), "alpha", p.Alpha, "at least 0")
	refuse(!(p.Gamma >= 0), "gamma", p.Gamma, "at least 0")
	refuse(p.MaxCatToOneHot < 1, "max_cat_to_onehot", p.MaxCatToOneHot, "at least 1")
	refuse(p.MaxCatThreshold < 2, "max_cat_threshold", p.MaxCatThreshold, "at least 2")
	refuse(share(p.Subsample), "subsample", p.Subsample, "above 0 and up to 1")
	refuse(share(p.ColumnSample), "column_sample", p.ColumnSample, "above 0 and up to 1")
	refuse(share(p.ColsampleByLevel), "colsample_bylevel", p.ColsampleByLevel, "above 0 and up to 1")
	refuse(share(p.ColsampleByNode), "colsample_bynode", p.ColsampleByNode, "above 0 and up to 1")
	if x := p.MaxDeltaStep; x != nil {
		refuse(!(*x >= 0), "max_delta_step", *x, "at least 0")
	}
	out = append(out, p.checkObjective()...)
	if r := p.EarlyStoppingRounds; r != nil {
		refuse(*r < 0, "early_stopping_rounds", *r, "at least 0")
		if *r > 0 && !validated {
			out = append(out, schema.Problem{Path: "params.early_stopping_rounds", Summary: "Early stopping needs a validation table",
				Hint: "Set validation, for example to split.<name>.validation."})
		}
	}
	return out
}

// histogram are the parameters of the fit. The objective follows the task; early stopping is on where there are validation
// rows, unless it is set.
func (c *config) histogram(t *train.Training, s *component.Stage) histogram.Params {
	p := c.Params
	out := histogram.Params{
		Objective: xgboost.SquaredError, Trees: p.Trees, LearningRate: p.LearningRate,
		MaxDepth: p.MaxDepth, MaxLeaves: p.MaxLeaves, MinChildWeight: p.MinChildWeight, Lambda: p.Lambda, Gamma: p.Gamma,
		MaxCatToOneHot: p.MaxCatToOneHot, MaxCatThreshold: p.MaxCatThreshold,
		Alpha: p.Alpha, Subsample: p.Subsample, ColumnSample: p.ColumnSample, LevelSample: p.ColsampleByLevel, NodeSample: p.ColsampleByNode, Seed: c.Seed, Threads: s.Threads,
	}
	switch t.Signature.Task {
	case schema.Binary:
		out.Objective = xgboost.Logistic
	case schema.Multiclass:
		out.Objective, out.Classes = xgboost.Softmax, len(t.Signature.Classes)
	default:
		p.aim(&out)
	}
	if p.MaxDeltaStep != nil {
		out.MaxDeltaStep = *p.MaxDeltaStep
	}
	out.Monotone, out.Interactions = p.constraints(t)
	if t.Validation != nil {
		out.EarlyStoppingRounds = defaultEarlyStopping
	}
	if p.EarlyStoppingRounds != nil {
		out.EarlyStoppingRounds = *p.EarlyStoppingRounds
	}
	return out
}
