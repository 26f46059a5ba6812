package train

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
)

// balanced is the class weight by which every class weighs the same in all.
const balanced = "balanced"

// ClassWeightAttr is the attribute of trainers whose fit can weigh classes.
func ClassWeightAttr() schema.Attr {
	return schema.Attr{Name: "class_weight", Type: schema.Any,
		Doc: "By how much the rows of a class count more, beside `weight`: `{ yes = 5 }`, where classes that are not named have 1, or `\"balanced\"`: every class weighs the same in all, " +
			"as n / (classes · n of the class) makes it. Probabilities are those of rows so weighed, and not the shares in the data; figures of an evaluation and the threshold of " +
			"`decision` count rows as they are."}
}

// CategoricalAttr is the attribute of trainers that take categories as they are.
func CategoricalAttr() schema.Attr {
	return schema.Attr{Name: "categorical_features", Type: schema.StringList, ColumnOf: DataPort, Unordered: true,
		Doc: "Features of numbers that are names, such as a postal code or a month: they are taken as categories, like text. A number that no training row has counts as missing."}
}

// classWeights are the weights as they are written: by name of a class, nil for "balanced". ok is false for what is neither.
func (c *Config) classWeights() (weights map[string]float64, ok bool) {
	var word string
	if json.Unmarshal(c.ClassWeight, &word) == nil {
		return nil, word == balanced
	}
	err := json.Unmarshal(c.ClassWeight, &weights)
	return weights, err == nil && len(weights) > 0
}

// classWeight checks what is known before the classes are.
func (s *shaper) classWeight(task schema.Task) {
	if s.config.ClassWeight == nil {
		return
	}
	weights, ok := s.config.classWeights()
	switch {
	case !ok:
		s.report(schema.Problem{Path: "class_weight", Summary: "class_weight is neither \"balanced\" nor weights of classes", Detail: "Write class_weight = { yes = 5 }, by the names of classes."})
	case task == schema.Regression:
		s.report(schema.Problem{Path: "class_weight", Summary: "class_weight is for classes", Detail: "The task is regression.", Hint: "Weigh rows by a column: weight = \"…\"."})
	}
	target := s.data.Column(s.config.Target)
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if w := weights[name]; !(w > 0) || w > math.MaxFloat32 {
			s.report(schema.Problem{Path: "class_weight", Summary: fmt.Sprintf("The weight of class %q is %g", name, w), Detail: "It must be above 0."})
		}
		if target != nil && target.Type == "boolean" && name != "true" && name != "false" {
			s.report(schema.Problem{Path: "class_weight", Summary: fmt.Sprintf("The target has no class %q", name), Detail: "It is a boolean: its classes are true and false."})
		}
	}
}

// categorical looks at the numbers that are to be taken as categories.
func (s *shaper) categorical() {
	for i, name := range s.config.CategoricalFeatures {
		c := s.data.Column(name)
		switch {
		case !listed(s.config.Features, name):
			s.report(schema.Problem{Path: fmt.Sprintf("categorical_features[%d]", i), Summary: fmt.Sprintf("%q is not among the features", name),
				Hint: suggest.DidYouMean(name, s.config.Features)})
		case c != nil && c.Type == "boolean":
			s.report(schema.Problem{Path: fmt.Sprintf("categorical_features[%d]", i), Summary: fmt.Sprintf("The feature %q is a boolean", c.Name),
				Detail: "Of two values it is the same whether they are numbers or categories."})
		}
	}
}

// Weights are what the rows of a set count in the fit: their own weights, times those of their classes; nil: all 1. Names of classes that the training rows do
// not have are an *component.InputError.
func (t *Training) Weights(of *Set) ([]float64, error) {
	if t.config.ClassWeight == nil || t.Signature.Task == schema.Regression {
		return of.Weight, nil
	}
	if t.classes == nil {
		if err := t.weighClasses(); err != nil {
			return nil, err
		}
	}
	out := make([]float64, of.Rows)
	for r, y := range of.Target {
		out[r] = of.WeightOf(r) * t.classes[int(y)]
	}
	return out, nil
}

// weighClasses finds the weight of each class.
func (t *Training) weighClasses() error {
	weights, _ := t.config.classWeights()
	classes := slices.Repeat([]float64{1}, len(t.Signature.Classes))
	if weights == nil {
		of := make([]float64, len(classes))
		total := 0.0
		for r, y := range t.Data.Target {
			of[int(y)] += t.Data.WeightOf(r)
			total += t.Data.WeightOf(r)
		}
		for c := range classes {
			classes[c] = total / (float64(len(classes)) * of[c]) // a class without weight was left out with its rows
		}
	}
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		c := slices.Index(t.Signature.Classes, name)
		if c < 0 {
			return &component.InputError{Summary: fmt.Sprintf("%s: class_weight names %q, which is no class of the target %q", t.stage.Address, name, t.Signature.Target),
				Detail: "The classes are " + quoted(t.Signature.Classes) + ". " + suggest.DidYouMean(name, t.Signature.Classes)}
		}
		classes[c] = weights[name]
	}
	t.classes = classes
	return nil
}
