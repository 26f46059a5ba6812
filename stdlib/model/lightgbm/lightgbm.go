// Package lightgbm reads the text files that LightGBM saves models in.
//
// # The format, by an example
//
// A file is a head, trees, and what else LightGBM knew, each line a name and a value. Of a tree with n leaves the n-1 inner nodes come in parallel
// lists, and the leaves in others; a child below 0 is a leaf, ~child its place (-1 the first, -2 the second):
//
//	tree
//	version=v4
//	num_class=1
//	num_tree_per_iteration=1
//	max_feature_idx=1
//	objective=binary sigmoid:1
//	feature_names=tenure contract
//	feature_infos=[0:72] 0:1:2
//
//	Tree=0
//	num_leaves=3
//	num_cat=1
//	split_feature=0 1
//	split_gain=9.5 2
//	threshold=24.000000000000004 0
//	decision_type=10 1
//	left_child=1 -1
//	right_child=-2 -3
//	leaf_value=0.4 -0.6 -0.1
//	leaf_count=30 70 20
//	cat_boundaries=0 1
//	cat_threshold=5
//
// decision_type has three parts in its bits: 1, the split is by category; 2, missing values go left; and above them what is missing: 0 nothing (NaN is
// taken for 0), 4 zero (and NaN, taken for 0), 8 NaN. A numeric split sends x <= threshold left. Of a split by category the threshold is the place of its set: the bits of
// the words cat_threshold[cat_boundaries[place] : cat_boundaries[place+1]], here 5 for the categories 0 and 2, which go left; NaN goes right.
//
// Behind the trees a line pandas_categorical has, as JSON, the categories of each column of categories of the frame that it was trained on; codes in the
// trees are places in these lists.
//
// The format has no specification; this is what src/boosting/gbdt_model_text.cpp, src/io/tree.cpp and include/LightGBM/tree.h of microsoft/LightGBM
// write and how they predict, since version 2.
package lightgbm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
)

// File is a model as its file has it.
type File struct {
	*decisiontrees.Model
	Version   string // of the layout: "v4"
	Objective string // "binary", "multiclass", "regression"; empty: the file has none, and scores are what trees add up to
	Names     []string
	// Levels are the categories of each feature, where the file says which feature they are of; else nil.
	Levels [][]string
	Each   int // trees of a round
}

// Looks reports whether data looks like such a file: its first line is "tree".
func Looks(data []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimLeft(data, "\r\n"), []byte("\n"))
	return string(bytes.TrimRight(line, "\r ")) == "tree"
}

// mostTrees bounds what is read, and mostFeatures what memory is taken for before it is.
const (
	mostTrees    = 1 << 20
	mostFeatures = 1 << 24
)

// Read reads a model. What LightGBM would score otherwise than trees that add up is refused: leaves that are linear models, and objectives whose
// scores are no probabilities and no amounts.
func Read(data []byte) (*File, error) {
	f, err := read(data)
	if err != nil {
		return nil, fmt.Errorf("reading a LightGBM model: %w", err)
	}
	return f, nil
}

func read(data []byte) (*File, error) {
	if !Looks(data) {
		return nil, errors.New(`its first line is not "tree"`)
	}
	sections := split(string(data))
	head := sections[0]
	f := &File{Model: &decisiontrees.Model{}, Version: head.text("version")}
	classes, err := head.number("num_class", 1)
	if err != nil {
		return nil, err
	}
	if f.Each, err = head.number("num_tree_per_iteration", classes); err != nil {
		return nil, err
	}
	if f.Each < 1 || f.Each > mostTrees {
		return nil, fmt.Errorf("a round has %d trees", f.Each)
	}
	last, err := head.number("max_feature_idx", -1)
	if err != nil {
		return nil, err
	}
	if last < 0 || last >= mostFeatures {
		return nil, fmt.Errorf("max_feature_idx is %d", last)
	}
	f.Features, f.Base = last+1, make([]float64, f.Each)
	if f.Names = strings.Fields(head.text("feature_names")); len(f.Names) != f.Features {
		return nil, fmt.Errorf("it has %d names of %d features", len(f.Names), f.Features)
	}
	if err := f.link(head.text("objective")); err != nil {
		return nil, err
	}
	for i, s := range sections[1:] {
		t, err := s.tree()
		if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		t.Group = int32(i % f.Each)
		f.Trees = append(f.Trees, *t)
	}
	if len(f.Trees)%f.Each != 0 {
		return nil, fmt.Errorf("%d trees are no whole number of rounds of %d", len(f.Trees), f.Each)
	}
	if _, averaged := head.values["average_output"]; averaged {
		if f.Version == "v2" {
			return nil, errors.New("it is a random forest of a version of LightGBM that kept its leaves otherwise (v2): save it with a later one")
		}
		f.Average = len(f.Trees) / f.Each
	}
	f.Levels, err = levels(data, strings.Fields(head.text("feature_infos")), f.Features)
	if err != nil {
		return nil, err
	}
	return f, f.Validate()
}

// link reads the objective: its name, and what it is told, as "binary sigmoid:1".
func (f *File) link(text string) error {
	parts := strings.Fields(text)
	if len(parts) == 0 {
		f.Link = decisiontrees.Identity
		return nil
	}
	told := map[string]string{}
	for _, p := range parts[1:] {
		name, value, _ := strings.Cut(p, ":")
		told[name] = value
	}
	_, root := told["sqrt"]
	switch f.Objective = parts[0]; f.Objective {
	case "binary":
		f.Link, f.Scale = decisiontrees.Logistic, 1
		if s, ok := told["sigmoid"]; ok {
			x, err := strconv.ParseFloat(s, 64)
			if err != nil || !(x > 0) {
				return fmt.Errorf("sigmoid is %q", s)
			}
			f.Scale = x
		}
	case "cross_entropy", "xentropy":
		f.Link = decisiontrees.Logistic
	case "multiclass", "softmax":
		f.Link = decisiontrees.Softmax
	case "regression", "regression_l2", "regression_l1", "huber", "fair", "quantile", "mape":
		f.Link = decisiontrees.Identity
		if root {
			f.Link = decisiontrees.Square
		}
	case "poisson", "gamma", "tweedie":
		f.Link = decisiontrees.Exponential
	case "multiclassova", "multiclass_ova", "ova", "ovr":
		return fmt.Errorf("the objective %s is not read: its scores are of each class against all others, and add up to no 1", f.Objective)
	case "lambdarank", "rank_xendcg", "xendcg":
		return fmt.Errorf("the objective %s is not read: its scores are an order, no probabilities and no amounts", f.Objective)
	default:
		return fmt.Errorf("the objective %s is not read", f.Objective)
	}
	return nil
}

// section is the lines of the head, or of a tree.
type section struct{ values map[string]string }

// split parts a file at its trees. What comes behind them is in none.
func split(text string) []section {
	out := []section{{map[string]string{}}}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "end of trees" || strings.HasPrefix(line, "feature_importances:") || strings.HasPrefix(line, "feature importances:") || strings.HasPrefix(line, "parameters:") {
			break
		}
		name, value, _ := strings.Cut(line, "=")
		switch {
		case line == "":
		case name == "Tree":
			if len(out) > mostTrees {
				return out
			}
			out = append(out, section{map[string]string{}})
		default:
			out[len(out)-1].values[name] = value
		}
	}
	return out
}

func (s section) text(name string) string { return s.values[name] }

// number is a whole number; without one it is what is given.
func (s section) number(name string, without int) (int, error) {
	text, ok := s.values[name]
	if !ok {
		return without, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%s is %q", name, text)
	}
	return n, nil
}

// floats are the values of a list that must have n.
func (s section) floats(name string, n int) ([]float64, error) {
	fields := strings.Fields(s.values[name])
	if len(fields) != n {
		return nil, fmt.Errorf("%s has %d values, and %d are expected", name, len(fields), n)
	}
	out := make([]float64, n)
	for i, text := range fields {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s has %q", name, text)
		}
		out[i] = x
	}
	return out, nil
}

// wholes are the whole numbers of a list that must have n, or any number of them with n < 0.
func (s section) wholes(name string, n int) ([]int, error) {
	fields := strings.Fields(s.values[name])
	if n >= 0 && len(fields) != n {
		return nil, fmt.Errorf("%s has %d values, and %d are expected", name, len(fields), n)
	}
	out := make([]int, len(fields))
	for i, text := range fields {
		x, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%s has %q", name, text)
		}
		out[i] = x
	}
	return out, nil
}

// levels are the categories of pandas, by feature. The file says in which order its columns of categories stood and not which they are; they are told by their
// infos, which list categories ("0:1:2") where those of numbers have a range. Where the counts differ it is not known which is which.
func levels(data []byte, infos []string, features int) ([][]string, error) {
	at := bytes.LastIndex(data, []byte("\npandas_categorical:"))
	if at < 0 || len(infos) != features {
		return nil, nil
	}
	line, _, _ := bytes.Cut(data[at+len("\npandas_categorical:"):], []byte("\n"))
	var lists [][]json.RawMessage
	if err := json.Unmarshal(line, &lists); err != nil {
		return nil, fmt.Errorf("pandas_categorical: %w", err)
	}
	var of []int
	for i, info := range infos {
		if info != "none" && !strings.HasPrefix(info, "[") {
			of = append(of, i)
		}
	}
	if len(lists) == 0 || len(of) != len(lists) {
		return nil, nil
	}
	out := make([][]string, features)
	for k, i := range of {
		for _, raw := range lists[k] {
			level := string(raw)
			if json.Unmarshal(raw, &level) != nil {
				level = string(raw) // a number, as it is written
			}
			out[i] = append(out[i], level)
		}
		if sorted := slices.Sorted(slices.Values(out[i])); len(slices.Compact(sorted)) != len(out[i]) {
			return nil, fmt.Errorf("pandas_categorical names a category of %d twice", i)
		}
	}
	return out, nil
}
