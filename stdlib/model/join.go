package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// Named are the models that flow into a block at a reference, by their names: of the port "candidates.trees" the model of "trees". Names are sorted. A model
// that is not known is nil.
func Named(in map[string]schema.Shape, reference string) (names []string, models []*schema.Model) {
	for port := range in {
		if name, ok := strings.CutPrefix(port, reference+"."); ok && !strings.Contains(name, ".") { // not what comes along with a model
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		models = append(models, in[reference+"."+name].Model)
	}
	return names, models
}

// Join is the signature of a model that stands for several, by their names: the features of the first, then what further ones have besides. Nil where one is not
// known, or they do not fit together, and then with the problem, at the reference that they come in by: they answer the same question, of the same class, and take each feature in one type. All are models that are scored here.
func Join(reference string, names []string, models []*schema.Model) (*schema.Model, []schema.Problem) {
	problem := func(summary, detail, hint string) []schema.Problem {
		return []schema.Problem{{Path: reference, Summary: summary, Detail: detail, Hint: hint}}
	}
	var out *schema.Model
	types := map[string]*schema.Column{}
	of := map[string]string{} // who a feature is from
	for k, m := range models {
		name := names[k]
		if m == nil {
			return nil, nil
		}
		if m.Opaque {
			return nil, problem(fmt.Sprintf("Only its own image can score %s", name), "The models are scored here, side by side.",
				"compare such models by evaluations on the selection side, and deploy the better one")
		}
		if out == nil {
			out = &schema.Model{Task: m.Task, Target: m.Target, Features: []schema.Column{}, PositiveClass: m.PositiveClass, Additive: m.Additive, WhyNot: m.WhyNot}
		}
		if m.Additive != out.Additive {
			out.Additive, out.WhyNot = "", "" // which one it is, the data say
		}
		if m.Task != out.Task || !strings.EqualFold(m.Target, out.Target) {
			return nil, problem(fmt.Sprintf("%s predicts %s (%s), and %s predicts %s (%s)", names[0], out.Target, out.Task, name, m.Target, m.Task),
				"Models that stand beside each other answer the same question.", "")
		}
		if m.PositiveClass != "" && out.PositiveClass != "" && m.PositiveClass != out.PositiveClass {
			return nil, problem(fmt.Sprintf("The score of %s is the probability of %q, and that of %s of %q", names[0], out.PositiveClass, name, m.PositiveClass),
				"Models that stand beside each other have the same positive class.", "")
		}
		out.CalibratedBy = union(out.CalibratedBy, m.CalibratedBy)
		out.Text = union(out.Text, m.Text)
		for i := range m.Features {
			f := &m.Features[i]
			was := types[f.Name]
			if was == nil {
				types[f.Name], of[f.Name] = f, name
				out.Features = append(out.Features, *f)
			} else if was.Type != f.Type {
				return nil, problem(fmt.Sprintf("The feature %q is %s in %s and %s in %s", f.Name, was.Type, of[f.Name], f.Type, name),
					"The model takes the features of all, each of one type.", "cast the column before the split")
			}
		}
	}
	return out, nil
}

// SameClasses refuses models with other classes than the first, or in another order: their scores would be of other questions. address is the block's.
func SameClasses(address string, names []string, bundles []*Bundle) error {
	for k, b := range bundles {
		first := bundles[0].signature.Classes
		if own := b.signature.Classes; !slices.Equal(first, own) {
			return &component.InputError{Summary: fmt.Sprintf("%s: %s has the classes %s, and %s has %s", address, names[0], strings.Join(first, ", "), names[k], strings.Join(own, ", ")),
				Detail: "The models have the same classes, in the same order: train them on the same rows, with the same positive class."}
		}
	}
	return nil
}

// Deciding says how a model decides that is one of several: by group, as any of them does. Nil: none does.
func Deciding(models []*schema.Model) (out *schema.Decides) {
	for _, m := range models {
		out = joined(out, m.Decides)
	}
	return out
}

// joined are the groups of either.
func joined(a, b *schema.Decides) *schema.Decides {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	out := &schema.Decides{By: union(a.By, b.By), Equalize: a.Equalize}
	if a.Equalize != b.Equalize {
		out.Equalize += ", " + b.Equalize
	}
	return out
}

// union is what is in either list, each once.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, x := range b {
		if !slices.Contains(out, x) {
			out = append(out, x)
		}
	}
	return out
}
