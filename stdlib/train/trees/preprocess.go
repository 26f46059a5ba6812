package trees

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/encode"
)

// Ways to take a category.
const (
	native = "native"
	target = "target"
)

// Preprocess is a block preprocess: what is made of the column that it is named by.
type Preprocess struct {
	Column    string   `json:"name"`
	Encode    string   `json:"encode"`
	Smoothing *float64 `json:"smoothing"` // nil: by the variances
	Folds     *int     `json:"folds"`     // nil: encode.Folds
}

// PreprocessBlock is the nested block preprocess of trainers of trees.
func PreprocessBlock() schema.Block {
	return schema.Block{Name: "preprocess", Labelled: true, Repeated: true, Unordered: true,
		Doc: "What the trees get of a category, by its name: `preprocess \"city\" { encode = \"target\" }`. It is fitted on the training rows and part of the model. Without a block categories are taken as they are; numbers need no scaling. Free text is no category, and trees have no form for it: let a linear model read its n-grams (`preprocess` of `logistic_regression` and `linear_regression`), and put both into an `ensemble`.",
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "encode", Type: schema.String, Required: true, OneOf: []string{native, target},
				Doc: "`native`: a split sends some of the 65,535 most frequent values one way, as without a block. `target`: in place of the value stands the mean of the target among the training rows with it (of several classes, the share of each, an input a class), however many values there are; " +
					"while the model is fitted, a row's is found without it and its fold. What no training row had, and what is missing, gets the mean of all. model.json then has numbers for the feature, and the encoding is in bundle.json."},
			{Name: "smoothing", Type: schema.Number,
				Doc: "Of `target`: as many rows with the mean of all are added to each value's. Left out: by how much targets vary within the value and in all."},
			{Name: "folds", Type: schema.Integer, Doc: "Of `target`: how many folds, from 2 to 50. Left out: 5."},
		}}}
}

// ManyLevels are the columns of which all values are kept.
func ManyLevels(all []Preprocess) (out []string) {
	for _, p := range all {
		if p.Encode == target {
			out = append(out, p.Column)
		}
	}
	return out
}

// Encodings are what is encoded by the target before trees are grown.
func Encodings(all []Preprocess) (out []train.Encoding) {
	for _, p := range all {
		if p.Encode != target {
			continue
		}
		e := train.Encoding{Column: p.Column, Smoothing: p.Smoothing, Folds: encode.Folds}
		if p.Folds != nil {
			e.Folds = *p.Folds
		}
		out = append(out, e)
	}
	return out
}

// Problems are what is wrong with the blocks, for the table (nil: it is not known) and the features of a trainer.
func Problems(all []Preprocess, c *train.Config, data *schema.Table) (out []schema.Problem) {
	seen := map[string]bool{}
	for _, p := range all {
		path := fmt.Sprintf("preprocess[%s]", p.Column)
		report := func(at, summary, detail, hint string) {
			out = append(out, schema.Problem{Path: path + at, Summary: summary, Detail: detail, Hint: hint})
		}
		named := func(f string) bool { return strings.EqualFold(f, p.Column) }
		at := slices.IndexFunc(c.Features, named)
		if at < 0 {
			report("", fmt.Sprintf("%q is not among the features", p.Column), "", suggest.DidYouMean(p.Column, c.Features))
			continue
		}
		if seen[c.Features[at]] {
			report("", fmt.Sprintf("What is made of %q is said twice", c.Features[at]), "", "")
		}
		seen[c.Features[at]] = true
		if p.Encode != target && (p.Smoothing != nil || p.Folds != nil) {
			report("", "smoothing and folds are of encode = \"target\"", "", "")
		}
		if p.Smoothing != nil && !(*p.Smoothing >= 0) {
			report(".smoothing", fmt.Sprintf("smoothing is %g", *p.Smoothing), "It must be at least 0.", "")
		}
		if p.Folds != nil && (*p.Folds < 2 || *p.Folds > 50) {
			report(".folds", fmt.Sprintf("folds is %d", *p.Folds), "It must be from 2 to 50.", "")
		}
		if data == nil {
			continue
		}
		if column := data.Column(c.Features[at]); column != nil && !model.TextType(column.Type) && !slices.ContainsFunc(c.CategoricalFeatures, named) {
			report(".encode", fmt.Sprintf("The feature %q is of type %s, and only categories are encoded", column.Name, column.Type), "", "Name it in categorical_features, if its numbers are names.")
		}
	}
	return out
}
