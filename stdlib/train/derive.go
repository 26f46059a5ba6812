package train

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/isolation"
	"github.com/mlp-lang/mlp/stdlib/model/kmeans"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// Inputs that are derived of several features: what is fitted to the training rows without their target, and is part of the model. A row's point is made of
// features as a linear model's inputs are: numbers centred and scaled, categories one-hot coded, missing values told by an input of their own. Rows count alike, whatever they weigh.

// IsolationForest is a block isolation_forest.
type IsolationForest struct {
	Name     string   `json:"name"`
	Features []string `json:"features"`
	Trees    int      `json:"trees"`
	Samples  int      `json:"samples"`
	Seed     int64    `json:"seed"`
}

// KMeans is a block k_means.
type KMeans struct {
	Name     string   `json:"name"`
	Features []string `json:"features"`
	Clusters int      `json:"clusters"`
	Starts   int      `json:"starts"`
	Seed     int64    `json:"seed"`
}

const derivedFeatures = "Left out: all of the trainer's but those that are encoded by the target, or read by their n-grams."

// featuresAttr is the attribute of what points are made of.
func featuresAttr() schema.Attr {
	return schema.Attr{Name: "features", Type: schema.StringList, ColumnOf: DataPort, Doc: "Of which features of the trainer. " + derivedFeatures}
}

// IsolationForestBlock is the nested block isolation_forest.
func IsolationForestBlock() schema.Block {
	return schema.Block{Name: "isolation_forest", Labelled: true, Repeated: true, Unordered: true,
		Doc: "A further input of the model, by its name: how far a row is apart from the training rows, near 1 for few of them, 0.5 and less for most (isolation forest, Liu et al. 2008; scikit-learn's `-score_samples`). It is fitted to the features of the training rows without their target, in each fold and trial anew, and is part of the model. Figures of `importance` have it. What it adds is no single feature's: `explain` in an evaluation of such a model takes `method = \"none\"`, for permutation and partial dependence.",
		Body: schema.Body{Attrs: []schema.Attr{
			featuresAttr(),
			{Name: "trees", Type: schema.Integer, Default: 100.0, Doc: "How many trees."},
			{Name: "samples", Type: schema.Integer, Default: 256.0, Doc: "How many rows each tree is grown on, at most all."},
			{Name: "seed", Type: schema.Integer, Default: 0.0, Doc: "Another seed grows other trees."},
		}}}
}

// KMeansBlock is the nested block k_means.
func KMeansBlock() schema.Block {
	return schema.Block{Name: "k_means", Labelled: true, Repeated: true, Unordered: true,
		Doc: "Two further inputs of the model, by its name: the nearest of some clusters of training rows, a category from `1`, the largest, and the distance to its centre, `<name>:distance` (k-means, begun by k-means++; scikit-learn's `KMeans`). It is fitted to the features of the training rows without their target, in each fold and trial anew, and is part of the model. Figures of `importance` have them. What they add is no single feature's: `explain` in an evaluation of such a model takes `method = \"none\"`, for permutation and partial dependence.",
		Body: schema.Body{Attrs: []schema.Attr{
			featuresAttr(),
			{Name: "clusters", Type: schema.Integer, Default: 8.0, Doc: "How many clusters, from 2 to 255."},
			{Name: "starts", Type: schema.Integer, Default: 10.0, Doc: "How many times it is begun; the clusters with the least inertia are kept (`n_init`)."},
			{Name: "seed", Type: schema.Integer, Default: 0.0, Doc: "Another seed begins with other centres."},
		}}}
}

// derivedNames are the inputs that are derived, in their order.
func (c *Config) derivedNames() (out []string) {
	for _, d := range c.IsolationForests {
		out = append(out, d.Name)
	}
	for _, d := range c.KMeans {
		out = append(out, d.Name, model.DistanceOf(d.Name))
	}
	return out
}

// encoded reports whether a feature is encoded by the target, in whatever way the trainer does that.
func (c *Config) encoded(feature string) bool { return listed(c.ManyLevels, feature) }

// derived checks the blocks.
func (s *shaper) derived() {
	seen := map[string]bool{}
	check := func(block, name string, features []string) string {
		path := fmt.Sprintf("%s[%s]", block, name)
		if seen[strings.ToLower(name)] || listed(s.config.Features, name) || strings.EqualFold(s.config.Target, name) {
			s.report(schema.Problem{Path: path, Summary: fmt.Sprintf("An input called %q is there already", name), Detail: "The name of the block is that of an input besides the features."})
		}
		seen[strings.ToLower(name)] = true
		for i, f := range features {
			switch at := fmt.Sprintf("%s.features[%d]", path, i); {
			case !listed(s.config.Features, f):
				s.report(schema.Problem{Path: at, Summary: fmt.Sprintf("%q is not among the features", f), Hint: suggest.DidYouMean(f, s.config.Features)})
			case s.config.encoded(f):
				s.report(schema.Problem{Path: at, Summary: fmt.Sprintf("%q is encoded by the target", f), Detail: "What is derived is to know nothing of the target.", Hint: "Take it out of features."})
			case s.config.reads(f):
				s.report(schema.Problem{Path: at, Summary: fmt.Sprintf("%q is read by its n-grams", f), Detail: "The number that is made of a text is fitted to the target, and what is derived is to know nothing of it.", Hint: "Take it out of features."})
			}
		}
		if features != nil && len(features) == 0 {
			s.report(schema.Problem{Path: path + ".features", Summary: "There are no features to derive it of", Hint: "Leave features out for all."})
		}
		return path
	}
	refuse := func(bad bool, path, name string, value any, want string) {
		if bad {
			s.report(schema.Problem{Path: path + "." + name, Summary: fmt.Sprintf("%s is %v", name, value), Detail: "It must be " + want + "."})
		}
	}
	for _, d := range s.config.IsolationForests {
		path := check("isolation_forest", d.Name, d.Features)
		refuse(d.Trees < 1 || d.Trees > 10_000, path, "trees", d.Trees, "from 1 to 10000")
		refuse(d.Samples < 2 || d.Samples > 1<<20, path, "samples", d.Samples, "from 2 to 1048576")
	}
	for _, d := range s.config.KMeans {
		path := check("k_means", d.Name, d.Features)
		refuse(d.Clusters < 2 || d.Clusters > MaxLevels, path, "clusters", d.Clusters, fmt.Sprintf("from 2 to %d", MaxLevels))
		refuse(d.Starts < 1 || d.Starts > 1000, path, "starts", d.Starts, "from 1 to 1000")
	}
}

// begun are the derived inputs before they are fitted: how many there are of each is known, and what they are called.
func (c *Config) begun() (out []model.Derived) {
	for _, d := range c.IsolationForests {
		out = append(out, model.Derived{Name: d.Name})
	}
	for _, d := range c.KMeans {
		out = append(out, model.Derived{Name: d.Name, KMeans: &kmeans.Model{Centers: make([][]float64, d.Clusters)}})
	}
	return out
}

// featuresOf are the places of the features that an input is derived of, by its place.
func (c *Config) featuresOf(derived int) (out []int) {
	var names []string
	if n := len(c.IsolationForests); derived < n {
		names = c.IsolationForests[derived].Features
	} else {
		names = c.KMeans[derived-n].Features
	}
	for i, f := range c.Features {
		if names == nil && !c.encoded(f) && !c.reads(f) || listed(names, f) {
			out = append(out, i)
		}
	}
	return out
}

// derives reports whether an input is derived of a feature.
func (t *Training) derives(feature int) bool {
	if t.preparation == nil {
		return false
	}
	for i := range t.preparation.Derived {
		if slices.Contains(t.config.featuresOf(i), feature) {
			return true
		}
	}
	return false
}

// derive hands over the derived inputs of a set, which it fits on the training rows first.
func (t *Training) derive(ctx context.Context, of *Set, raw [][]float64, take Take) error {
	if t.preparation == nil || len(t.preparation.Derived) == 0 {
		return nil
	}
	at := len(t.Inputs()) - len(t.config.derivedNames())
	for i := range t.preparation.Derived {
		d := &t.preparation.Derived[i]
		if of == t.Data {
			if err := t.fitDerived(ctx, i, raw); err != nil {
				return err
			}
		}
		columns, err := d.Columns(ctx, raw, of.Rows, t.Threads())
		if err != nil {
			return err
		}
		if err := take(t, of, at, columns); err != nil {
			return err
		}
		at += len(columns)
	}
	return nil
}

// mostPoints bounds the numbers of points, which take 8 bytes each while an input is fitted.
const mostPoints = 100_000_000

// fitDerived fits an input to the training rows.
func (t *Training) fitDerived(ctx context.Context, derived int, raw [][]float64) (err error) {
	d := &t.preparation.Derived[derived]
	for _, i := range t.config.featuresOf(derived) {
		d.Points = append(d.Points, pointInputs(&t.Signature.Features[i], i, raw[i])...)
	}
	width := len(d.Points)
	if width == 0 {
		return &component.InputError{Summary: fmt.Sprintf("%s: %q has nothing to be derived of", t.stage.Address, d.Name), Detail: "Its features are the same in every row, or there are none."}
	}
	if t.Data.Rows*width > mostPoints {
		return &component.InputError{Summary: fmt.Sprintf("%s: %q is of %d rows of %d inputs, more than %d numbers", t.stage.Address, d.Name, t.Data.Rows, width, mostPoints),
			Detail: "Take fewer features for it: of text each category is an input."}
	}
	points := make([]float64, t.Data.Rows*width)
	for r := range t.Data.Rows {
		d.Point(raw, r, points[r*width:(r+1)*width])
	}
	if n := len(t.config.IsolationForests); derived < n {
		c := t.config.IsolationForests[derived]
		d.IsolationForest, err = isolation.Fit(ctx, points, width, isolation.Params{Trees: c.Trees, Samples: c.Samples, Seed: c.Seed, Threads: t.Threads()})
		return err
	}
	c := t.config.KMeans[derived-len(t.config.IsolationForests)]
	found, err := kmeans.Fit(ctx, points, width, kmeans.Params{Clusters: c.Clusters, Starts: c.Starts, Seed: c.Seed, Threads: t.Threads()})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &component.InputError{Summary: fmt.Sprintf("%s: %q: %v", t.stage.Address, d.Name, err), Detail: "Take fewer clusters, or features with more different values."}
	}
	if !found.Converged {
		t.Warnf("the clusters of %q have not come to rest after %d turns", d.Name, found.Turns)
	}
	t.stage.Logf("%q: %d clusters, inertia %.6g", d.Name, len(found.Centers), found.Inertia)
	d.KMeans = &found.Model
	return nil
}

// pointInputs are those that a feature adds to points.
func pointInputs(f *model.Feature, feature int, column []float64) []linear.Input {
	alike := func(int) float64 { return 1 }
	if f.Categorical() {
		return linear.LevelInputs(feature, column, len(f.Levels), alike, false)
	}
	return linear.NumberInputs(feature, column, alike)
}

// important are the names that figures of importance have: of the features, then of the inputs that are derived.
func (t *Training) important() (out []string) {
	for _, f := range t.Signature.Features {
		out = append(out, f.Name)
	}
	return append(out, t.config.derivedNames()...)
}
