package file

import (
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
	"github.com/mlp-lang/mlp/stdlib/model/lightgbm"
	"github.com/mlp-lang/mlp/stdlib/model/onnx"
)

// wide is a model whose trees compare in 64 bits, whichever format its file has.
type wide struct {
	*decisiontrees.Model
	each    int // trees of a round of boosting; 0: they are of no rounds
	said    about
	what    string // its objective, for messages
	levels  [][]string
	classes []string
	// classifier: its scores are of classes where it adds them up, too.
	classifier bool
}

func readLightGBM(data []byte) (foreign, error) {
	f, err := lightgbm.Read(data)
	if err != nil {
		return nil, err
	}
	w := &wide{Model: f.Model, each: f.Each, what: f.Objective, levels: f.Levels, said: about{from: "LightGBM " + f.Version}}
	if !generic(f.Names, "Column_") {
		w.said.names = f.Names
	}
	if w.what == "" {
		w.what = "no objective"
	}
	return w, nil
}

func readONNX(data []byte) (foreign, error) {
	f, err := onnx.Read(data)
	if err != nil {
		return nil, err
	}
	w := &wide{Model: f.Model, what: f.Operator, classifier: f.Labels > 0, classes: f.Classes, said: about{from: "ONNX", names: f.Names}}
	if f.Producer != "" {
		w.said.from += " of " + f.Producer
	}
	return w, nil
}

func (w *wide) about() *about {
	out := w.said
	out.rounds, out.trees, out.features, out.classes = 1, len(w.Trees), make([]asked, w.Features), w.classes
	if w.each > 0 {
		out.rounds = len(w.Trees) / w.each
	}
	for i := range w.Trees {
		for k := range w.Trees[i].Nodes {
			n := &w.Trees[i].Nodes[k]
			if n.Leaf() {
				continue
			}
			f := &out.features[n.Feature]
			f.used = true
			if n.Categories != nil {
				f.categories = max(f.categories, 1)
			}
			if last := len(n.Categories) - 1; last >= 0 {
				f.categories = max(f.categories, int(n.Categories[last])+1)
			}
		}
	}
	for i, levels := range w.levels {
		out.features[i].levels = levels
	}
	if gains := w.Importance(); slices.ContainsFunc(gains, func(x float64) bool { return x != 0 }) {
		out.gains = gains
	}
	return &out
}

func (w *wide) cut(rounds int) error {
	if w.each == 0 || rounds*w.each > len(w.Trees) {
		return fmt.Errorf("it has %d rounds, not %d", w.about().rounds, rounds)
	}
	w.Trees = w.Trees[:rounds*w.each]
	if w.Average > 0 {
		w.Average = rounds
	}
	return nil
}

func (w *wide) outputs() int { return w.Groups() }

func (w *wide) fits(s *model.Signature) error {
	switch n := w.Groups(); {
	case w.Link == decisiontrees.Logistic && s.Task == schema.Binary,
		w.Link == decisiontrees.Logistic && s.Task == schema.Regression && w.what != "binary" && !w.classifier,
		w.Link == decisiontrees.Softmax && s.Task == schema.Multiclass && len(s.Classes) == n,
		w.Link == decisiontrees.Identity && w.classifier && (s.Task == schema.Binary && n == 1 || s.Task == schema.Multiclass && len(s.Classes) == n),
		w.Link != decisiontrees.Logistic && w.Link != decisiontrees.Softmax && !w.classifier && s.Task == schema.Regression && n == 1:
		return nil
	case w.Link == decisiontrees.Softmax || w.classifier && n > 1:
		return wrongTask(fmt.Sprintf("the probabilities of %d classes (%s)", n, w.what), s)
	case w.Link == decisiontrees.Logistic || w.classifier:
		return wrongTask(fmt.Sprintf("the probability of one of two classes (%s)", w.what), s)
	case n > 1:
		return wrongTask(fmt.Sprintf("%d amounts (%s)", n, w.what), s)
	default:
		return wrongTask(fmt.Sprintf("an amount (%s)", w.what), s)
	}
}

func (w *wide) estimator(at []int, s *model.Signature) (model.Kind, model.Estimator, error) {
	m := *w.Model
	m.Features, m.Trees = len(s.Features), slices.Clone(m.Trees)
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
	e, err := model.NewDecisionTrees(&m, s)
	return model.DecisionTrees, e, err
}
