package train

// How scores become probabilities, on rows that the model was not fitted on.
//
//	sigmoid    1/(1 + exp(-(a·x + b))), of which the log loss is least against the targets (N₊+1)/(N₊+2) and 1/(N₋+2), which are 1 and 0
//	           moved by what one more row of each class would tell (Platt 1999). Newton's method finds it (Lin, Lin and Weng 2007).
//	isotonic   the mean of the class in pools of neighbouring rows, merged until none is below the one before it (pool adjacent violators,
//	           Ayer et al. 1955), with straight lines between pools.
//
// Both are scikit-learn's CalibratedClassifierCV with cv = "prefit". x is the margin, of models that have one (model.ScaleOf). Of the rows (margin,
// positive) = (-2, no), (-1, yes), (0, no), (1, yes) the pools are {-2}, {-1, 0}, {1} with 0, 0.5, 1; a margin of 0.5 becomes 0.75.

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// fewIsotonic is below how many rows an isotonic curve follows single rows (scikit-learn's guide names 1000).
const fewIsotonic = 1000

// CalibrationAttrs are the attributes of trainers whose classes can be calibrated.
func CalibrationAttrs() []schema.Attr {
	return []schema.Attr{
		{Name: CalibrationPort, Type: schema.Ref, Ports: []schema.PortType{schema.TablePort}, Rows: schema.CalibratedRows,
			Doc: "A table with the same columns and other rows: for making probabilities of the scores, of classes. Not trained on, and not a side to test on. The model scores " +
				"calibrated wherever it does, `decision` and trials of `tune` go by that, and explanations are of the margin before it. The validation side of a split serves, or a part of it where it also stops or decides: " +
				"`split \"hash\" \"choice\" { from = split.parts.validation, test = 0.5 }` and `split.choice.train`."},
		{Name: "calibration_method", Type: schema.String, OneOf: []string{string(model.Sigmoid), string(model.Isotonic)},
			Doc: "`sigmoid`: a logistic curve of the margin (Platt 1999). `isotonic`: any rising line, for a thousand rows or more (Zadrozny and Elkan 2002). Left out: `sigmoid`. " +
				"With more than two classes each is calibrated against all others, and the probabilities of a row are divided by their sum."},
		{Name: "calibration_by", Type: schema.StringList, ColumnOf: DataPort, Treats: true,
			Doc: "Columns of text, booleans or whole numbers, whose values together are groups, each with a curve of its own, so that probabilities are as true in each. They need not be features; whoever scores a row gives them."},
		{Name: "calibration_otherwise", Type: schema.String, OneOf: []string{overall}, Doc: fmt.Sprintf(otherwiseDoc, "goes by the curve of all rows")},
	}
}

// calibrated checks what the calibration is asked to do.
func (s *shaper) calibrated(task schema.Task) {
	switch {
	case s.calibration == nil && s.config.CalibrationMethod != "":
		s.report(schema.Problem{Path: "calibration_method", Summary: "A calibration needs a table to be fitted on",
			Detail: "It is fitted on rows that the model was not trained on.", Hint: "Set calibration, or leave calibration_method out."})
	case s.calibration == nil && len(s.config.CalibrationBy) > 0:
		s.report(schema.Problem{Path: "calibration_by", Summary: "A calibration needs a table to be fitted on",
			Detail: "It is fitted on rows that the model was not trained on.", Hint: "Set calibration, or leave calibration_by out."})
	case len(s.config.CalibrationBy) == 0 && s.config.CalibrationOtherwise != "":
		s.report(schema.Problem{Path: "calibration_otherwise", Summary: "calibration_otherwise is of a calibration by group", Hint: `Say which groups there are: calibration_by = ["…"].`})
	case s.calibration != nil && task == schema.Regression:
		s.report(schema.Problem{Path: CalibrationPort, Summary: "A calibration is for classes", Detail: "The task is regression."})
	}
	s.groupsBy("calibration_by", s.config.CalibrationBy)
}

// calibration reads the rows that scores are calibrated on.
func (l *loader) calibration(ctx context.Context, t *Training) error {
	rows, err := l.besides(ctx, CalibrationPort, "Probabilities are made of scores on some.")
	if err != nil {
		return err
	}
	if t.Calibration, err = l.set(rows, &t.Signature, CalibrationPort); err != nil {
		return err
	}
	return l.features(ctx, t, t.Calibration, CalibrationPort, rows.picked, keep)
}

// calibrate fits the calibration of an estimator; nil without rows for it.
func (t *Training) calibrate(ctx context.Context, e model.Estimator) (*model.Calibration, error) {
	set := t.Calibration
	if set == nil {
		return nil, nil
	}
	out := &model.Calibration{Method: t.config.CalibrationMethod, Scale: model.ScaleOf(e), Rows: set.Rows}
	if out.Method == "" {
		out.Method = model.Sigmoid
	}
	var err error
	if out.Data, err = fileDigest(t.stage.InputTable(CalibrationPort)); err != nil {
		return nil, err
	}
	scores, err := e.Predict(ctx, set.Columns, set.Rows, t.stage.Threads)
	if err != nil {
		return nil, fmt.Errorf("scoring the calibration rows: %w", err)
	}
	if out.Curves, err = t.curves(out, scores, nil, ""); err != nil || len(t.config.CalibrationBy) == 0 {
		return out, err
	}
	by := t.config.CalibrationBy
	if t.calibrated, err = t.grouped(set, CalibrationPort, "curves", by, t.config.CalibrationOtherwise, func(rows []int) bool { return t.oneSided(set, rows) }); err != nil {
		return nil, err
	}
	out.Groups = t.calibrated.Groups
	rows := make([][]int, len(out.Groups.Values))
	for r, k := range t.calibrated.of {
		if k >= 0 {
			rows[k] = append(rows[k], r)
		}
	}
	for k := range rows {
		curves, err := t.curves(out, scores, rows[k], " of the group "+out.Groups.Name(k))
		if err != nil {
			return nil, err
		}
		out.GroupCurves = append(out.GroupCurves, curves)
	}
	return out, nil
}

// oneSided reports whether some rows lack a class, as far as they have weight.
func (t *Training) oneSided(set *Set, rows []int) bool {
	of := make([]float64, len(t.Signature.Classes))
	for _, r := range rows {
		of[int(set.Target[r])] += set.WeightOf(r)
	}
	return slices.Contains(of, 0)
}

// curves are fitted on some of the calibration rows, nil: on all, one for each output of the scores. which says in messages which rows these are.
func (t *Training) curves(of *model.Calibration, scores [][]float64, rows []int, which string) (out []model.Curve, err error) {
	set := t.Calibration
	n := set.Rows
	if rows != nil {
		n = len(rows)
	}
	if of.Method == model.Isotonic && n < fewIsotonic {
		t.Warnf("%d rows%s are few for an isotonic calibration, which follows them one by one; sigmoid needs fewer", n, which)
	}
	for o := range scores {
		class := o // of several; of two it is the positive one
		if len(scores) == 1 {
			class = 1
		}
		points := make([]point, 0, n)
		for i := range n {
			r := i
			if rows != nil {
				r = rows[i]
			}
			score := scores[o][r]
			p := point{x: of.Scale.Of(score), w: set.WeightOf(r)}
			if int(set.Target[r]) == class {
				p.y = 1
			}
			if p.w > 0 && score == score {
				points = append(points, p)
			}
		}
		if err := t.bothSides(points, class); err != nil {
			return nil, err
		}
		c := isotonic(points)
		if of.Method == model.Sigmoid {
			c = sigmoid(points)
			if c.Slope <= 0 {
				t.Warnf("on the calibration rows%s class %q is no more frequent where its score is higher: the calibration turns the order of scores around", which, t.Signature.Classes[class])
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// bothSides refuses rows among which a class is missing, or which are all of it.
func (t *Training) bothSides(points []point, class int) error {
	var of, all float64
	for _, p := range points {
		of, all = of+float64(p.w*p.y), all+p.w
	}
	if of > 0 && of < all {
		return nil
	}
	what := "no row"
	if of > 0 {
		what = "no row but those"
	}
	return &component.InputError{Summary: fmt.Sprintf("%s: the calibration table has %s of class %q", t.stage.Address, what, t.Signature.Classes[class]),
		Detail: "A probability is one of both. Take more rows, or leave calibration out."}
}

// point is a row to calibrate on: its score on the scale, 1 or 0 for its class, and its weight.
type point struct{ x, y, w float64 }

// sigmoid finds slope and intercept with the least log loss against Platt's targets, by Newton's method with halved steps. The loss is convex in
// both, and both targets are inside (0, 1), so that there is a least one even where the classes are apart.
func sigmoid(points []point) model.Curve {
	var positive, negative float64
	for _, p := range points {
		positive += float64(p.w * p.y)
		negative += float64(p.w * (1 - p.y))
	}
	high, low := (positive+1)/(positive+2), 1/(negative+2)
	target := func(p point) float64 {
		if p.y == 1 {
			return high
		}
		return low
	}
	loss := func(a, b float64) (sum float64) {
		for _, p := range points {
			m := float64(a*p.x) + b // -t·log q - (1-t)·log(1-q), where q is the logistic of m
			sum += float64(p.w * (max(m, 0) + math.Log1p(math.Exp(-math.Abs(m))) - float64(target(p)*m)))
		}
		return sum
	}
	a, b := 0.0, math.Log((positive+1)/(negative+1))
	now := loss(a, b)
	for range 100 {
		var ga, gb, haa, hab, hbb float64
		for _, p := range points {
			q := 1 / (1 + math.Exp(-(float64(a*p.x) + b)))
			g, h := float64(p.w*(q-target(p))), float64(p.w*float64(q*(1-q)))
			ga, gb = ga+float64(g*p.x), gb+g
			haa, hab, hbb = haa+float64(h*float64(p.x*p.x)), hab+float64(h*p.x), hbb+h
		}
		haa, hbb = haa+1e-12, hbb+1e-12 // of scores that are all the same
		det := float64(haa*hbb) - float64(hab*hab)
		if math.Abs(ga)+math.Abs(gb) <= 1e-11*(positive+negative) || !(det > 0) {
			break
		}
		da, db := (float64(hab*gb)-float64(hbb*ga))/det, (float64(hab*ga)-float64(haa*gb))/det
		step := 1.0
		for ; step > 1e-10; step /= 2 {
			if next := loss(a+float64(step*da), b+float64(step*db)); next <= now {
				a, b, now = a+float64(step*da), b+float64(step*db), next
				break
			}
		}
		if step <= 1e-10 {
			break
		}
	}
	return model.Curve{Slope: a, Intercept: b}
}

// isotonic finds the rising values that are nearest to the classes, in squares. Of a pool only the ends are kept.
func isotonic(points []point) model.Curve {
	sort.SliceStable(points, func(i, j int) bool { return points[i].x < points[j].x })
	type pool struct{ first, last, sum, weight float64 }
	var pools []pool
	for i := 0; i < len(points); {
		p := pool{first: points[i].x, last: points[i].x}
		for ; i < len(points) && points[i].x == p.first; i++ {
			p.sum += float64(points[i].w * points[i].y)
			p.weight += points[i].w
		}
		for n := len(pools); n > 0 && float64(pools[n-1].sum*p.weight) >= float64(p.sum*pools[n-1].weight); n-- {
			before := pools[n-1]
			p = pool{before.first, p.last, before.sum + p.sum, before.weight + p.weight}
			pools = pools[:n-1]
		}
		pools = append(pools, p)
	}
	var c model.Curve
	for _, p := range pools {
		y := p.sum / p.weight
		c.X, c.Y = append(c.X, p.first), append(c.Y, y)
		if p.last != p.first {
			c.X, c.Y = append(c.X, p.last), append(c.Y, y)
		}
	}
	return c
}
