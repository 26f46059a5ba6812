package model

// A model that is made of others.
//
// An ensemble has its members whole, each a bundle with its own levels, calibration and order of features, in a folder of its own below the ensemble's. Each scores a row
// by itself, and what they say is put together: probabilities of classes, or amounts. Thresholds of members have no part in it.
//
//	average     Σ weight · score / Σ weight, of each output
//	stacking    a linear model of the members' scores: of an amount a sum, of classes log-odds or, of several, margins before softmax. Its inputs are the
//	            scores of the first member, then those of the second, …, each centred and scaled.
//
// model.json says how:
//
//	{"format": 1, "method": "average", "weights": [2, 1]}
//	{"format": 1, "method": "stacking", "line": {"format": 1, "link": "logit", …}}
//
// Of p = 0.9 and p = 0.3 with the weights 2 and 1 the average is 0.7. A row that one member has no prediction for has none. What the signature has of a category are the levels of
// all members; to a member, one that it does not know is missing.

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// CombineMethod is how scores of members become one.
type CombineMethod string

// The methods there are.
const (
	Average  CombineMethod = "average"
	Stacking CombineMethod = "stacking"
)

// Combination says how scores of members become one.
type Combination struct {
	Method  CombineMethod
	Weights []float64 // of an average, by member: none negative, not all 0
	// Line is of stacking: a model of the members' scores (MemberScores), with the link of the task, and values for inputs.
	Line *linear.Model
}

// ensembleFormat is the version of model.json of an ensemble.
const ensembleFormat = 1

// combinationFile is that file.
type combinationFile struct {
	Format  int             `json:"format"`
	Method  CombineMethod   `json:"method"`
	Weights []float64       `json:"weights,omitempty"`
	Line    json.RawMessage `json:"line,omitempty"`
}

// ensemble scores with its members.
type ensemble struct {
	names   []string
	members []*Bundle
	takes   [][]take // [member][column]: of its features, then of their texts (textColumns)
	outputs int
	Combination
	total float64 // of the weights
}

// take is where a member's column comes from.
type take struct {
	feature int                 // the column of the ensemble: of its own feature the place in the ensemble's signature
	codes   []float64           // by the code of the ensemble's level: the member's, NaN where it has none; nil: no level is the ensemble's
	numbers map[float64]float64 // of a number that to the member alone is a category: its codes; nil: the number as it is
}

// Joined is the signature of several models as one: the features of the first, then what further ones have besides, with the levels of all. Classes must be the same (SameClasses), and so must types of features.
func Joined(members []*Bundle) (Signature, error) {
	out := members[0].signature
	out.Features = nil
	at, number := map[string]int{}, map[string]bool{}
	for _, b := range members {
		if b.signature.Task != out.Task || b.signature.Target != out.Target || !slices.Equal(b.signature.Classes, out.Classes) {
			return Signature{}, fmt.Errorf("models of %q (%s) and of %q (%s) are made one, or their classes differ", out.Target, out.Task, b.signature.Target, b.signature.Task)
		}
		for _, f := range b.signature.Features {
			i, known := at[f.Name]
			if !known {
				i, at[f.Name] = len(out.Features), len(out.Features)
				out.Features = append(out.Features, Feature{Name: f.Name, Type: f.Type, NGrams: f.NGrams})
			}
			if known && (f.NGrams != nil || out.Features[i].NGrams != nil) {
				return Signature{}, fmt.Errorf("the feature %q is read by its n-grams in one model, and another has it too: each would make another number of it", f.Name)
			}
			all := &out.Features[i]
			if all.Type != f.Type {
				return Signature{}, fmt.Errorf("the feature %q is %s in one model and %s in another", f.Name, all.Type, f.Type)
			}
			number[f.Name] = number[f.Name] || !f.Categorical()
			all.Levels = united(all.Levels, f.Levels)
		}
	}
	for i := range out.Features {
		if f := &out.Features[i]; number[f.Name] { // to one member it is no category
			f.Levels = nil
		}
	}
	return out, nil
}

// united are some levels and, behind them, those of others that are not among them.
func united(some, others []string) []string {
	known := make(map[string]bool, len(some))
	for _, level := range some {
		known[level] = true
	}
	for _, level := range others {
		if !known[level] {
			known[level] = true
			some = append(some, level)
		}
	}
	return some
}

// NewEnsemble is an estimator of members, with their names, which fit the signature (Joined).
func NewEnsemble(s *Signature, names []string, members []*Bundle, c Combination) (Estimator, error) {
	e := &ensemble{names: names, members: members, outputs: s.Outputs(), Combination: c}
	if len(members) == 0 || len(names) != len(members) {
		return nil, fmt.Errorf("an ensemble has %d members with %d names", len(members), len(names))
	}
	for i, b := range members {
		takes, err := s.takes(&b.signature)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", names[i], err)
		}
		e.takes = append(e.takes, takes)
	}
	return e, e.validate()
}

// validate checks what scoring relies on.
func (e *ensemble) validate() error {
	switch e.Method {
	case Average:
		if len(e.Weights) != len(e.members) || e.Line != nil {
			return fmt.Errorf("an average of %d members has %d weights", len(e.members), len(e.Weights))
		}
		for _, w := range e.Weights {
			if !(w >= 0) || math.IsInf(w, 0) {
				return fmt.Errorf("a member has the weight %g", w)
			}
			e.total += w
		}
		if e.total == 0 || math.IsInf(e.total, 0) {
			return fmt.Errorf("the weights of the members add up to %g", e.total)
		}
	case Stacking:
		if e.Line == nil || e.Weights != nil || len(e.Line.Coefficients) != e.outputs {
			return fmt.Errorf("a stacking has no line of %d outputs", e.outputs)
		}
		for _, in := range e.Line.Inputs {
			if in.Kind != linear.Value || in.Feature >= len(e.members)*e.outputs {
				return fmt.Errorf("the line of a stacking has an input of kind %q of score %d", in.Kind, in.Feature)
			}
		}
	default:
		return fmt.Errorf("unknown method %q of members; this version reads %q and %q", e.Method, Average, Stacking)
	}
	return nil
}

// takes finds where the columns of a member come from, in its order.
func (s *Signature) takes(member *Signature) ([]take, error) {
	if member.Task != s.Task || !slices.Equal(member.Classes, s.Classes) {
		return nil, fmt.Errorf("it has the task %s and %d classes, the ensemble %s and %d", member.Task, len(member.Classes), s.Task, len(s.Classes))
	}
	out := make([]take, len(member.Features))
	for i := range member.Features {
		f := &member.Features[i]
		at := slices.IndexFunc(s.Features, func(all Feature) bool { return all.Name == f.Name })
		if at < 0 || s.Features[at].Type != f.Type {
			return nil, fmt.Errorf("the ensemble has no feature %q of type %s", f.Name, f.Type)
		}
		out[i].feature = at
		switch all := &s.Features[at]; {
		case all.Categorical() && !f.Categorical():
			return nil, fmt.Errorf("the feature %q is a category to the ensemble, and a number to a member", f.Name)
		case all.Categorical():
			out[i].codes = translated(all.Levels, f.Levels)
		case f.Categorical():
			out[i].numbers = f.numberCodes()
		}
	}
	for i := range member.Features {
		if n := member.Features[i].moreColumns(); n > 0 {
			of := ColumnsOf(s.Features, out[i].feature)[1:]
			if len(of) != n {
				return nil, fmt.Errorf("the ensemble has no numbers of %d outputs of the text %q", n+1, member.Features[i].Name)
			}
			for _, c := range of {
				out = append(out, take{feature: c})
			}
		}
	}
	return out, nil
}

// translated are a member's codes by those of all levels.
func translated(all, own []string) []float64 {
	codes := make([]float64, len(all))
	for i, level := range all {
		codes[i] = math.NaN()
		if j := slices.Index(own, level); j >= 0 {
			codes[i] = float64(j)
		}
	}
	return codes
}

// of are the values of the feature as the member has them.
func (t *take) of(columns [][]float64) []float64 {
	values := columns[t.feature]
	if t.codes == nil && t.numbers == nil {
		return values
	}
	out := make([]float64, len(values))
	for r, x := range values {
		out[r] = math.NaN()
		if t.numbers != nil {
			if code, known := t.numbers[x]; known {
				out[r] = code
			}
		} else if x == x {
			out[r] = t.codes[int(x)]
		}
	}
	return out
}

// MemberScores are what each member says of rows, [member · outputs + output][row]: probabilities, or the amount. Columns are those of the signature that the members are made one by.
func MemberScores(ctx context.Context, s *Signature, names []string, members []*Bundle, columns [][]float64, rows, threads int) ([][]float64, error) {
	e, err := NewEnsemble(s, names, members, Combination{Method: Average, Weights: slices.Repeat([]float64{1}, len(members))})
	if err != nil {
		return nil, err
	}
	return e.(*ensemble).memberScores(ctx, columns, rows, threads)
}

// memberScores is MemberScores of the ensemble's own.
func (e *ensemble) memberScores(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	var out [][]float64
	for i, b := range e.members {
		scores, err := b.scores(ctx, e.columns(i, columns), rows, threads)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", e.names[i], err)
		}
		out = append(out, scores...)
	}
	return out, nil
}

// columns are those that a member takes, of those of the ensemble.
func (e *ensemble) columns(member int, columns [][]float64) [][]float64 {
	out := make([][]float64, len(e.takes[member]))
	for i := range out {
		out[i] = e.takes[member][i].of(columns)
	}
	return out
}

// scores are the model's, calibrated where it is so, of columns of its signature that it computes with; NaN of a row of no group, where such have no prediction.
func (b *Bundle) scores(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	out, err := b.scorer().Predict(ctx, b.read(columns), rows, threads)
	if err != nil {
		return nil, err
	}
	groups := b.calibrates.of(columns, rows)
	b.calibration.Apply(out, groups)
	for _, u := range b.calibrates.ungrouped(groups) {
		for o := range out {
			out[o][u.Row] = math.NaN()
		}
	}
	return out, nil
}

// Predict implements Estimator.
// Scores are added up in the order of members, so that they do not depend on threads.
func (e *ensemble) Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	all, err := e.memberScores(ctx, columns, rows, threads)
	if err != nil {
		return nil, err
	}
	if e.Method == Stacking {
		out, err := e.Line.Predict(ctx, all, rows, threads)
		if err == nil {
			unknown(out, all)
		}
		return out, err
	}
	out := make([][]float64, e.outputs)
	for o := range out {
		out[o] = make([]float64, rows)
		for i, w := range e.Weights {
			if w == 0 {
				continue
			}
			for r, x := range all[i*e.outputs+o] {
				out[o][r] += float64(w * x)
			}
		}
		for r := range out[o] {
			out[o][r] /= e.total
		}
	}
	return out, nil
}

// unknown takes the scores of rows that a member has no finite one for: a line would put the mean in its place, or be sure of a class.
func unknown(out, members [][]float64) {
	for _, scores := range members {
		for r, x := range scores {
			if !math.IsNaN(x) && !math.IsInf(x, 0) {
				continue
			}
			for o := range out {
				out[o][r] = math.NaN()
			}
		}
	}
}

// Encode implements Estimator. The members are files of their own.
func (e *ensemble) Encode() ([]byte, error) {
	f := combinationFile{Format: ensembleFormat, Method: e.Method, Weights: e.Weights}
	if e.Line != nil {
		var err error
		if f.Line, err = e.Line.Encode(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(f)
}

// decodeEnsemble reads model.json of an ensemble, whose members are read.
func decodeEnsemble(data []byte, names []string, members []*Bundle, s *Signature) (Estimator, error) {
	var f combinationFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("reading an ensemble: %w", err)
	}
	if f.Format != ensembleFormat {
		return nil, fmt.Errorf("reading an ensemble: format %d is not read here, only %d", f.Format, ensembleFormat)
	}
	c := Combination{Method: f.Method, Weights: f.Weights}
	if f.Line != nil {
		var err error
		if c.Line, err = linear.Decode(f.Line, len(members)*s.Outputs(), s.Outputs()); err != nil {
			return nil, fmt.Errorf("reading an ensemble: %w", err)
		}
	}
	e, err := NewEnsemble(s, names, members, c)
	if err != nil {
		return nil, fmt.Errorf("reading an ensemble: %w", err)
	}
	return e, nil
}

// memberFolder is where a member is, below the folder of the ensemble; members are counted from 0 here and from 1 in folders.
func memberFolder(i int) string { return "members/" + strconv.Itoa(i+1) }

// Member is one of the models that a model is made of.
type Member struct {
	Name  string
	Model *Bundle
}

// Members are the models that the model is made of; nil of one that is made of none.
func (b *Bundle) Members() []Member {
	e, ok := b.estimator.(*ensemble)
	if !ok {
		return nil
	}
	out := make([]Member, len(e.members))
	for i := range out {
		out[i] = Member{e.names[i], e.members[i]}
	}
	return out
}
