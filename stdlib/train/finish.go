package train

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"

	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// Figures of a training, beside those that Finish knows. NaN is undefined. metrics.json of a boosted model with two features has
//
//	{"rows": 4200, "dropped": 3, "validation_rows": 600, "rounds": 74, "trees": 74, "threshold": 0.5,
//	 "training_loss": 0.31, "validation_loss": 0.37, "importance": {"contract": 0.62, "tenure": 0.38}}
type Figures struct {
	// Rounds and Trees are 0 where a model has none.
	Rounds, Trees int
	// Loss is what the losses are, where that is another than the task has: "mean absolute error".
	Loss string
	// TrainingLoss and ValidationLoss are mean log losses, or root mean squared errors, or else what Loss says, of the fit: before a calibration.
	TrainingLoss, ValidationLoss float64
	// ByRound is the validation loss after each round that was fitted; nil where there are none.
	ByRound []float64
	// OutOfBag is of forests the loss on rows that trees were not grown on.
	OutOfBag *float64
	// Members are what a model that is made of others is made of; nil of one that is made of none.
	Members []Member
	// Importance is each input's share in what the model goes by (Training.Inputs); nil if there is no such thing.
	Importance []float64
}

// Member is a model that another is made of. Share is its part in what the other says, of all members together 1.
type Member struct {
	Name  string
	Model *model.Bundle
	Share float64
}

// figures is the type of what Finish writes.
func (s *shaper) figures(features []schema.Column) *schema.FigureType {
	tuning := s.config.Tune
	names := make([]string, len(features))
	for i, f := range features {
		names[i] = f.Name
	}
	names = append(names, s.config.derivedNames()...)
	slices.Sort(names)
	fields := map[string]*schema.FigureType{
		"rows":            schema.Count,
		"dropped":         schema.Count,
		"validation_rows": schema.Count,
		"rounds":          schema.Count,
		"trees":           schema.Count,
		"threshold":       schema.Double,
		"training_loss":   schema.Double,
		"validation_loss": schema.Double,
		"importance":      schema.KeyedMap(schema.Double, names...),
	}
	if tuning != nil {
		fields["tuning"] = schema.Object(map[string]*schema.FigureType{
			"trials": schema.Count,
			"trial":  schema.Count,
			"value":  schema.Double,
			"first":  schema.Double,
			"rounds": schema.Count,
			"params": schema.KeyedMap(schema.Double, slices.Sorted(maps.Keys(tuning.Space))...),
		})
	}
	if s.calibration != nil {
		fields["calibration"] = calibrationType(s.validation != nil, len(s.config.CalibrationBy) > 0)
	}
	if d := s.config.Decision; d != nil && len(d.By) > 0 {
		fields["decision"] = decisionType()
	}
	return schema.Object(fields)
}

// figuresFile is metrics.json. A field that is null has its reason in Undefined, under its path: "validation_loss", "importance.tenure".
type figuresFile struct {
	Rows           int                 `json:"rows"`
	Dropped        int                 `json:"dropped"`
	ValidationRows int                 `json:"validation_rows"`
	Rounds         int                 `json:"rounds"`
	Trees          int                 `json:"trees"`
	Threshold      *float64            `json:"threshold"`
	TrainingLoss   *float64            `json:"training_loss"`
	ValidationLoss *float64            `json:"validation_loss"`
	OutOfBagLoss   any                 `json:"out_of_bag_loss,omitempty"` // a *float64 that may be nil, of forests
	Members        map[string]float64  `json:"members,omitempty"`
	Importance     map[string]*float64 `json:"importance"`
	Tuning         *tuningFigures      `json:"tuning,omitempty"`
	Calibration    *calibrationFigures `json:"calibration,omitempty"`
	Decision       *decisionFigures    `json:"decision,omitempty"` // of thresholds by group
	Undefined      map[string]string   `json:"undefined,omitempty"`
}

// tuningFigures are what came of trials.
type tuningFigures struct {
	Trials int                 `json:"trials"`
	Trial  int                 `json:"trial"` // number of the one that was chosen
	Value  *float64            `json:"value"` // of the metric there
	First  *float64            `json:"first"` // of the metric in the first trial: of the parameters as they are written
	Rounds int                 `json:"rounds"`
	Params map[string]*float64 `json:"params"`
}

// Finish fixes the threshold, and writes the model, the figures and the report. Of a trial it measures the estimator, and writes that alone.
// Of a block with decision the validation rows are scored once more, by the estimator as it will be used: calibrated, where the block says so.
func (t *Training) Finish(ctx context.Context, kind model.Kind, e model.Estimator, f Figures) error {
	calibration, err := t.calibrate(ctx, e)
	if err != nil {
		return err
	}
	if fold := t.config.Fold; fold != nil && fold.out != nil {
		return fold.out.take(ctx, t, e, calibration)
	}
	if t.config.Trial != nil {
		return t.finishTrial(ctx, e, calibration, f)
	}
	decision, compared := &decided{threshold: model.DefaultThreshold}, (*decisionFigures)(nil)
	if t.config.Decision != nil {
		out, err := t.validationScores(ctx, e, calibration)
		if err != nil {
			return err
		}
		if decision, err = t.decideGroups(out[0]); err != nil {
			return err
		}
		if compared, err = t.measureDecision(decision, out[0]); err != nil {
			return err
		}
	}
	// The digest of the training table goes into the model: whoever has both can tell that they belong together.
	from := model.Provenance{Component: t.stage.Component, Version: t.stage.Version, Seed: t.config.Seed, Rows: t.Data.Rows}
	if t.stage.Has(DataPort) {
		if from.Data, err = fileDigest(t.stage.InputTable(DataPort)); err != nil {
			return err
		}
	}
	if t.config.Tuned != nil {
		from.Tuned = t.config.Tuned.Point
	}
	b, err := t.bundle(kind, e, from, calibration, decision)
	if err != nil {
		return err
	}
	figures := t.figures(f, decision.threshold)
	figures.Decision = compared
	if calibration != nil {
		if figures.Calibration, err = t.measureCalibration(ctx, e, calibration); err != nil {
			return err
		}
	}
	dir, err := t.stage.Output(ModelPort)
	if err != nil {
		return fmt.Errorf("writing the model: %w", err)
	}
	if err := b.Write(dir); err != nil {
		return err
	}
	if err := t.stage.WriteReport(t.report(f, figures)); err != nil {
		return err
	}
	return t.stage.WriteFigures(figures)
}

// bundle is the model with all that it scores by. Columns of groups that are no features of the estimator are inputs that it does not read.
func (t *Training) bundle(kind model.Kind, e model.Estimator, from model.Provenance, c *model.Calibration, d *decided) (*model.Bundle, error) {
	b, err := model.New(t.Signature, kind, e, d.threshold, from)
	if err == nil {
		b, err = b.Prepared(t.preparation)
	}
	if err != nil {
		return nil, err
	}
	var groups []*model.Groups
	if c != nil && c.Groups != nil {
		groups = append(groups, c.Groups)
	}
	if d.by != nil {
		groups = append(groups, &d.by.Groups)
	}
	if more := t.needed(groups...); len(more) > 0 {
		if b, err = b.Needs(more); err != nil {
			return nil, err
		}
	}
	if c != nil {
		if b, err = b.Calibrated(c); err != nil {
			return nil, err
		}
	}
	if d.by != nil {
		return b.Decided(d.by)
	}
	return b, nil
}

// scores are those of a set's rows, calibrated where there is a calibration; columns are the features of the set.
func (t *Training) scores(ctx context.Context, e model.Estimator, c *model.Calibration, set *Set, columns [][]float64) ([][]float64, error) {
	out, err := e.Predict(ctx, columns, set.Rows, t.stage.Threads)
	if err == nil {
		c.Apply(out, t.calibrated.on(set))
	}
	return out, err
}

// validationScores are the scores of the validation rows.
func (t *Training) validationScores(ctx context.Context, e model.Estimator, c *model.Calibration) ([][]float64, error) {
	columns, err := t.validationColumns(ctx)
	if err != nil {
		return nil, err
	}
	out, err := t.scores(ctx, e, c, t.Validation, columns)
	if err != nil {
		return nil, fmt.Errorf("scoring the validation rows: %w", err)
	}
	return out, nil
}

// validationColumns are the features of the validation table, a column of values each, read once more where they were not kept: trainers that
// read rows in portions keep none, and a threshold needs all scores at once.
func (t *Training) validationColumns(ctx context.Context) ([][]float64, error) {
	if t.Validation.Columns != nil {
		return t.Validation.Columns, nil
	}
	var once Set
	err := t.again(ctx, func(t *Training, _ *Set, before int, columns [][]float64) error {
		return keep(t, &once, before, columns)
	})
	return once.Columns, err
}

// fileDigest is the digest of a file's bytes, as the store names it.
func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading the data: %w", err)
	}
	defer f.Close()
	d, _, err := digest.Read(f)
	if err != nil {
		return "", fmt.Errorf("reading the data: %w", err)
	}
	return string(d), nil
}

// figures is what is written as metrics.json. What is not defined is null, and why stands in undefined.
func (t *Training) figures(f Figures, threshold float64) *figuresFile {
	out := &figuresFile{
		Rows: t.Data.Rows, Dropped: t.Dropped, Rounds: f.Rounds, Trees: f.Trees,
		Importance: map[string]*float64{}, Undefined: map[string]string{},
	}
	define := func(name string, x float64, why string) *float64 {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			out.Undefined[name] = why
			return nil
		}
		return &x
	}
	noValidation, noTraining := "there is no validation table", "it is not finite"
	if t.Data.Rows == 0 {
		noTraining = "nothing is fitted"
	}
	if t.Validation != nil {
		out.ValidationRows, noValidation = t.Validation.Rows, "it is not finite"
	}
	if t.Signature.Task != schema.Binary {
		threshold = math.NaN()
	}
	out.Threshold = define("threshold", threshold, "only binary tasks have one")
	out.TrainingLoss = define("training_loss", f.TrainingLoss, noTraining)
	out.ValidationLoss = define("validation_loss", f.ValidationLoss, noValidation)
	if f.OutOfBag != nil {
		out.OutOfBagLoss = define("out_of_bag_loss", *f.OutOfBag, "every row was drawn for every tree")
	}
	importance := t.byFeature(f.Importance)
	for _, m := range f.Members {
		if out.Members == nil {
			out.Members = map[string]float64{}
		}
		out.Members[m.Name] = m.Share
	}
	for i, name := range t.important() {
		if f.Importance == nil {
			out.Importance[name] = define("importance."+name, math.NaN(), "the model has no such figure")
		} else {
			out.Importance[name] = define("importance."+name, importance[i], "it is not finite")
		}
	}
	if x := t.config.Tuned; x != nil {
		out.Tuning = &tuningFigures{Trials: len(x.Trials), Trial: x.Trial, Value: x.Trials[x.Trial-1].Value, Params: map[string]*float64{}}
		if out.Tuning.First = x.Trials[0].Value; out.Tuning.First == nil {
			out.Undefined["tuning.first"] = x.Trials[0].Undefined["value"]
		}
		for _, tried := range x.Trials {
			out.Tuning.Rounds += tried.Rounds
		}
		for name := range t.config.Tune.Space {
			value, counts := x.Point[name]
			if !counts {
				value = math.NaN()
			}
			out.Tuning.Params[name] = define("tuning.params."+name, value, "it stays as params has it, since it does not count there")
		}
	}
	return out
}

// Shares divides each of the values, none negative, by their sum: 1, 3 become 0.25, 0.75. If the sum is 0 all shares are 0.
func Shares(values []float64) []float64 {
	var total float64
	for _, x := range values {
		total += x
	}
	out := make([]float64, len(values))
	for i, x := range values {
		if total > 0 {
			out[i] = x / total
		}
	}
	return out
}
