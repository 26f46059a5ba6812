// Package onnx reads ensembles of trees from ONNX files: the operators TreeEnsembleClassifier and TreeEnsembleRegressor of ai.onnx.ml (versions 1 to 3),
// which converters write of models of scikit-learn and others.
//
// A file is a graph of operators. Read is one that is trees and nothing that changes values before them or scores after:
//
//	input [N, 4] ──▶ TreeEnsembleClassifier ──▶ label, probabilities ──▶ ZipMap
//
//	age [N, 1] ┐
//	pay [N, 1] ┴▶ Concat ──▶ Cast to float ──▶ TreeEnsembleRegressor ──▶ variable
//
// Of several inputs that are joined the features have the inputs' names, of a single one they have none. A scaler, an imputer or an encoder in the graph is
// refused: what it does to values would have to be done here, too.
//
// # A tree's nodes
//
// The nodes of all trees come in parallel lists. This is a tree of three nodes; the root asks whether feature 4 is at most 2.5:
//
//	nodes_treeids            0              0     0
//	nodes_nodeids            0              1     2
//	nodes_modes              "BRANCH_LEQ"   LEAF  LEAF
//	nodes_featureids         4              0     0
//	nodes_values             2.5            0     0
//	nodes_truenodeids        1              0     0
//	nodes_falsenodeids       2              0     0
//	nodes_missing_value_tracks_true  1      0     0     where NaN is true; else it is what the comparison says: false
//
// and the leaves' weights in others: class_treeids, class_nodeids, class_ids, class_weights (target_… of a regressor). A leaf may have a weight for each class.
// Here a tree of several classes becomes one for each.
//
// Source: docs/Operators-ml.md and onnx/onnx.proto of the onnx/onnx repository. Where ONNX's own description and its usual runtime score a file differently, it is refused.
package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
)

// File is a model as its file has it.
type File struct {
	*decisiontrees.Model
	Producer string   // "skl2onnx 1.17.0"
	Operator string   // "TreeEnsembleClassifier"
	Names    []string // of the features; nil: the file has none
	Classes  []string // of a classifier, in the order of scores, of two the positive one last; nil: they are numbered from 0
	Labels   int      // how many classes a classifier has; 0 of a regressor
}

// Looks reports whether data looks like such a file: a message that begins with the version of its layout, as ModelProto does.
func Looks(data []byte) bool {
	return len(data) > 2 && data[0] == 0x08 && data[1] > 0 && data[1] < 0x80
}

// Read reads a model.
func Read(data []byte) (*File, error) {
	f, err := read(data)
	if err != nil {
		return nil, fmt.Errorf("reading an ONNX model: %w", err)
	}
	return f, nil
}

func read(data []byte) (*File, error) {
	g, err := parseModel(data)
	if err != nil {
		return nil, err
	}
	trees, err := g.trees()
	if err != nil {
		return nil, err
	}
	f := &File{Model: &decisiontrees.Model{}, Operator: trees.op, Producer: g.producer}
	if g.version != "" {
		f.Producer += " " + g.version
	}
	columns, err := f.follow(g, trees)
	if err != nil {
		return nil, err
	}
	e, err := trees.ensemble()
	if err != nil {
		return nil, err
	}
	e.single = f.Single
	if err := f.take(trees, e); err != nil {
		return nil, err
	}
	f.Features = int(columns)
	if f.Features < 0 { // the file does not say: as many as the trees ask for
		for i := range f.Trees {
			for k := range f.Trees[i].Nodes {
				f.Features = max(f.Features, int(f.Trees[i].Nodes[k].Feature)+1)
			}
		}
	}
	return f, f.Validate()
}

// trees is the operator of trees, and there is one.
func (g *graph) trees() (*node, error) {
	var out *node
	for _, n := range g.nodes {
		switch {
		case n.op == "TreeEnsemble":
			return nil, errors.New("its operator TreeEnsemble (ai.onnx.ml 5) is not read; convert it for an earlier version of ai.onnx.ml")
		case n.op != "TreeEnsembleClassifier" && n.op != "TreeEnsembleRegressor":
		case out != nil:
			return nil, errors.New("it has more than one ensemble of trees")
		default:
			out = n
		}
	}
	if out == nil {
		return nil, errors.New("it has no ensemble of trees (TreeEnsembleClassifier or TreeEnsembleRegressor)")
	}
	return out, nil
}

// Operators that change no score: they name, copy or round it.
var harmless = []string{"ZipMap", "Identity", "Cast"}

// follow goes from the trees back to the inputs and looks at all other operators. It returns how many columns there are, -1 where that is not said.
func (f *File) follow(g *graph, trees *node) (int64, error) {
	made := map[string]*node{}
	for _, n := range g.nodes {
		for _, out := range n.outputs {
			made[out] = n
		}
	}
	before := map[*node]bool{trees: true}
	columns, double, err := f.input(g, made, before, trees)
	if err != nil {
		return 0, err
	}
	f.Single = !double
	for _, n := range g.nodes {
		if !before[n] && !slices.Contains(harmless, n.op) {
			return 0, fmt.Errorf("its operator %s comes after the trees, and changes what they say", n.op)
		}
	}
	return columns, nil
}

// input is what flows into the trees: an input of the graph, or several joined, perhaps cast. It is of doubles only where the trees take it as it comes.
func (f *File) input(g *graph, made map[string]*node, before map[*node]bool, trees *node) (columns int64, double bool, err error) {
	at, cast := trees, false
	for {
		if len(at.inputs) != 1 {
			break
		}
		name := at.inputs[0]
		if in := g.input(name); in != nil {
			if in.element != floatElement && in.element != doubleElement && !cast {
				return 0, false, fmt.Errorf("its input %q is of elements of type %d; floats (1) and doubles (11) are read, others where a Cast makes floats of them", name, in.element)
			}
			return in.columns, in.element == doubleElement && !cast, nil
		}
		next := made[name]
		if next == nil || before[next] {
			return 0, false, fmt.Errorf("what flows into %s, %q, is nothing that the graph has", at.op, name)
		}
		before[next] = true
		switch {
		case next.op == "Identity":
		case next.op == "Cast" && next.attrs["to"] != nil && next.attrs["to"].i == floatElement:
			cast = true
		case next.op == "Concat":
			return f.joined(g, next, cast)
		default:
			return 0, false, fmt.Errorf("its operator %s comes before the trees, and changes what they are asked: only trees are read", next.op)
		}
		at = next
	}
	return 0, false, fmt.Errorf("its operator %s has %d inputs", at.op, len(at.inputs))
}

// joined are the inputs of a Concat, each a column.
func (f *File) joined(g *graph, concat *node, cast bool) (int64, bool, error) {
	double := !cast
	for _, name := range concat.inputs {
		in := g.input(name)
		if in == nil || in.columns != 1 {
			return 0, false, fmt.Errorf("its operator Concat joins %q, which is no input of one column", name)
		}
		if in.element != floatElement && in.element != doubleElement && !cast {
			return 0, false, fmt.Errorf("its input %q is of elements of type %d, and no Cast makes floats of them", name, in.element)
		}
		double = double && in.element == doubleElement
		f.Names = append(f.Names, name)
	}
	return int64(len(concat.inputs)), double, nil
}

func (g *graph) input(name string) *input {
	for i := range g.inputs {
		if g.inputs[i].name == name {
			return &g.inputs[i]
		}
	}
	return nil
}

// take makes the model of the ensemble: which margins there are, and what becomes of them.
func (f *File) take(n *node, e *ensemble) error {
	transform := "NONE"
	if a := n.attrs["post_transform"]; a != nil {
		transform = a.text
	}
	base := n.list("base_values")
	if f.Operator == "TreeEnsembleRegressor" {
		return f.regressor(n, e, transform, base)
	}
	labels := 0
	if a := n.attrs["classlabels_strings"]; a != nil && len(a.strings) > 0 {
		labels, f.Classes = len(a.strings), a.strings
	} else if a := n.attrs["classlabels_int64s"]; a != nil {
		labels = len(a.ints)
		numbered := true
		for i, x := range a.ints {
			f.Classes, numbered = append(f.Classes, strconv.FormatInt(x, 10)), numbered && x == int64(i)
		}
		if numbered {
			f.Classes = nil
		}
	}
	if labels < 2 {
		return fmt.Errorf("it has %d classes", labels)
	}
	f.Labels = labels
	for _, w := range e.weights {
		if w.to < 0 || w.to >= int64(labels) {
			return fmt.Errorf("a leaf weighs class %d of %d", w.to, labels)
		}
	}
	if labels == 2 {
		return f.two(e, transform, base)
	}
	return f.several(e, labels, transform, base)
}

// regressor: the sum of the trees, or their mean.
func (f *File) regressor(n *node, e *ensemble, transform string, base []float64) error {
	if a := n.attrs["n_targets"]; a != nil && a.i > 1 {
		return fmt.Errorf("it predicts %d values", a.i)
	}
	for _, w := range e.weights {
		if w.to != 0 {
			return fmt.Errorf("a leaf weighs target %d of 1", w.to)
		}
	}
	switch transform {
	case "NONE":
		f.Link = decisiontrees.Identity
	case "LOGISTIC":
		f.Link = decisiontrees.Logistic
	default:
		return fmt.Errorf("its post_transform %s is not read", transform)
	}
	f.Base = []float64{0}
	if len(base) > 1 {
		return fmt.Errorf("it has %d base_values", len(base))
	}
	copy(f.Base, base)
	var err error
	f.Trees, err = e.trees([]map[int64]float64{{0: 1}})
	aggregate := "SUM"
	if a := n.attrs["aggregate_function"]; a != nil {
		aggregate = a.text
	}
	switch aggregate {
	case "SUM":
	case "AVERAGE":
		f.Average = len(f.Trees)
		f.Base[0] *= float64(f.Average)
	default:
		return fmt.Errorf("its aggregate_function %s is not read", aggregate)
	}
	return err
}

// two classes have one score, that of the second. Leaves weigh both, or one of them, whose score is then that of the second class.
func (f *File) two(e *ensemble, transform string, base []float64) error {
	first, one, positive := e.of(0), e.of(1), true
	for _, w := range e.weights {
		positive = positive && w.weight >= 0
	}
	single := !first || !one
	parts := []map[int64]float64{{1: 1}}
	if single {
		parts = []map[int64]float64{{0: 1, 1: 1}}
	}
	switch {
	case transform == "NONE" && (!single || positive):
		f.Link = decisiontrees.Identity
	case transform == "NONE":
		return errors.New("its scores are no probabilities (post_transform NONE, and leaves below 0)")
	case transform == "LOGISTIC" && single && !positive:
		f.Link = decisiontrees.Logistic
	case transform == "LOGISTIC" && single:
		return errors.New("no leaf is below 0, and post_transform is LOGISTIC: ONNX's description makes a probability of that, and onnxruntime takes it for one")
	case transform == "SOFTMAX" && !single:
		f.Link, parts = decisiontrees.Logistic, []map[int64]float64{{0: -1, 1: 1}}
	default:
		return fmt.Errorf("its post_transform %s of two classes is not read", transform)
	}
	f.Base = []float64{0}
	switch n := len(base); {
	case n == 0:
	case single && n == 1:
		f.Base[0] = base[0]
	case !single && n == 2 && transform == "SOFTMAX":
		f.Base[0] = base[1] - base[0]
	case !single && n == 2:
		f.Base[0] = base[1]
	default:
		return fmt.Errorf("it has %d base_values of two classes", n)
	}
	var err error
	f.Trees, err = e.trees(parts)
	return err
}

// several classes have a score each.
func (f *File) several(e *ensemble, labels int, transform string, base []float64) error {
	switch transform {
	case "NONE":
		f.Link = decisiontrees.Identity
	case "SOFTMAX":
		f.Link = decisiontrees.Softmax
	default:
		return fmt.Errorf("its post_transform %s of %d classes is not read", transform, labels)
	}
	f.Base = make([]float64, labels)
	if len(base) != 0 && len(base) != labels {
		return fmt.Errorf("it has %d base_values of %d classes", len(base), labels)
	}
	copy(f.Base, base)
	parts := make([]map[int64]float64, labels)
	for c := range parts {
		parts[c] = map[int64]float64{int64(c): 1}
	}
	var err error
	f.Trees, err = e.trees(parts)
	return err
}

// list is a list of numbers, given as floats or as a tensor (…_as_tensor).
func (n *node) list(name string) []float64 {
	if a := n.attrs[name+"_as_tensor"]; a != nil {
		return a.tensor
	}
	if a := n.attrs[name]; a != nil {
		return a.floats
	}
	return nil
}

// before is the greatest number below one, of 32 bits or of 64.
func before(x float64, single bool) float64 {
	if single {
		return float64(math.Nextafter32(float32(x), float32(math.Inf(-1))))
	}
	return math.Nextafter(x, math.Inf(-1))
}
