package file

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// boosted is a model that XGBoost saved.
type boosted struct{ *xgboost.File }

func looksXGBoost(data []byte) bool { return xgboost.IsJSON(data) || xgboost.IsUBJ(data) }

func readXGBoost(data []byte) (foreign, error) {
	f, err := xgboost.DecodeFile(data)
	if err != nil {
		return nil, err
	}
	return &boosted{f}, nil
}

func (b *boosted) about() *about {
	out := &about{from: "XGBoost", rounds: len(b.Rounds) - 1, trees: len(b.Trees), features: make([]asked, b.NumFeature), gains: b.Importance()}
	if len(b.Version) > 0 {
		out.from += " " + strings.Trim(strings.ReplaceAll(fmt.Sprint(b.Version), " ", "."), "[]")
	}
	if best, err := strconv.Atoi(b.Attributes["best_iteration"]); err == nil && best >= 0 && best+1 < out.rounds {
		out.best = best + 1
	}
	if len(b.FeatureNames) > 0 && !generic(b.FeatureNames, "f") {
		out.names = b.FeatureNames
	}
	for i := range b.Trees {
		for k := range b.Trees[i].Nodes {
			n := &b.Trees[i].Nodes[k]
			if n.Leaf() {
				continue
			}
			f := &out.features[n.Feature]
			f.used = true
			if n.Categories != nil {
				f.categories = max(f.categories, 1)
			}
			for _, c := range n.Categories {
				f.categories = max(f.categories, int(c)+1)
			}
		}
	}
	for i, levels := range b.Levels {
		out.features[i].levels = levels
	}
	return out
}

func (b *boosted) cut(rounds int) error {
	if rounds >= len(b.Rounds) {
		return fmt.Errorf("it has %d rounds, not %d", len(b.Rounds)-1, rounds)
	}
	b.Rounds = b.Rounds[:rounds+1]
	b.Trees, b.TreeClass = b.Trees[:b.Rounds[rounds]], b.TreeClass[:b.Rounds[rounds]]
	return nil
}

func (b *boosted) outputs() int { return b.Groups() }

// fits: reg:logistic is brought down like binary:logistic, on shares as on classes, so that it is of either task.
func (b *boosted) fits(s *model.Signature) error {
	switch o := b.Objective; {
	case o == xgboost.Logistic && s.Task == schema.Binary,
		o == xgboost.LogisticRatio && (s.Task == schema.Binary || s.Task == schema.Regression),
		(o == xgboost.Softmax || o == xgboost.SoftmaxLabel) && s.Task == schema.Multiclass && len(s.Classes) == b.NumClass,
		(o.Identity() || o.Log()) && s.Task == schema.Regression && b.Groups() == 1:
		return nil
	case o == xgboost.Logistic, o == xgboost.LogisticRatio:
		return wrongTask(fmt.Sprintf("the probability of one of two classes (%s)", o), s)
	case o == xgboost.Softmax, o == xgboost.SoftmaxLabel:
		return wrongTask(fmt.Sprintf("the probabilities of %d classes (%s)", b.NumClass, o), s)
	case b.Groups() > 1:
		return wrongTask(fmt.Sprintf("%d amounts (%s)", b.Groups(), o), s)
	default:
		return wrongTask(fmt.Sprintf("an amount (%s)", o), s)
	}
}

// estimator names the features as the bundle does, so that what is written reads in XGBoost with the columns' names.
func (b *boosted) estimator(at []int, s *model.Signature) (model.Kind, model.Estimator, error) {
	m := *b.Model
	m.NumFeature = len(s.Features)
	types := b.FeatureTypes
	m.FeatureNames, m.FeatureTypes = make([]string, len(s.Features)), nil
	if len(types) == len(at) {
		m.FeatureTypes = slices.Repeat([]string{"q"}, len(s.Features))
	}
	for i, k := range at {
		if k >= 0 && m.FeatureTypes != nil {
			m.FeatureTypes[k] = types[i]
		}
	}
	for i := range s.Features {
		m.FeatureNames[i] = s.Features[i].Name
	}
	m.Trees = slices.Clone(m.Trees)
	for i := range m.Trees {
		nodes := slices.Clone(m.Trees[i].Nodes)
		for k := range nodes {
			if n := &nodes[k]; !n.Leaf() {
				n.Feature = int32(at[n.Feature])
			} else {
				n.Feature = 0
			}
		}
		m.Trees[i].Nodes = nodes
	}
	e, err := model.NewTrees(&m, s)
	return model.Trees, e, err
}
