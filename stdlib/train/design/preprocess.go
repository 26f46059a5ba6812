package design

// Fitted preprocessing: what an input of a linear model is made of, where a block preprocess says so. It is fitted on the training rows, and is part
// of the model, so that a row is served as the rows that were evaluated.
//
//	clip      a number is brought to within two quantiles of the training rows
//	standard  (x - mean) / standard deviation, the default
//	robust    (x - median) / (third quartile - first)                                    scikit-learn's RobustScaler
//	quantile  the share of training rows below x, by a thousand quantiles, from 0 to 1   scikit-learn's QuantileTransformer
//	ngrams    the n-grams of a text, hashed (stdlib/model/ngrams)                        scikit-learn's HashingVectorizer
//	target    the mean of the target among the rows of the category, shrunk to the mean of all; of several classes, the share of each
//
// Quantiles are those between two rows in proportion (numpy's linear), and count rows, whatever they weigh.

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/encode"
)

// Ways to scale a number and to encode a category.
const (
	standardScale = "standard"
	robustScale   = "robust"
	quantileScale = "quantile"
	oneHot        = "one_hot"
	targetEncoded = "target"
	nGrams        = "ngrams"
)

// mostQuantiles is how many quantiles a model keeps of a column that is scaled by them.
const mostQuantiles = 1000

// Preprocess is a block preprocess: what is made of the column that it is named by.
type Preprocess struct {
	Column    string    `json:"name"`
	Clip      []float64 `json:"clip"`
	Scale     string    `json:"scale"`
	Encode    string    `json:"encode"`
	Smoothing *float64  `json:"smoothing"` // nil: by the variances
	Folds     *int      `json:"folds"`     // nil: 5
	// Of n-grams; what is nil or empty is as ngrams.Defaults has it.
	Analyzer      string    `json:"analyzer"`
	Range         []float64 `json:"ngram_range"`
	Buckets       *int      `json:"buckets"`
	Lowercase     *bool     `json:"lowercase"`
	AlternateSign *bool     `json:"alternate_sign"`
	Norm          string    `json:"norm"`
	TfIdf         *bool     `json:"tf_idf"`
}

// LinearBlock is the nested block preprocess of linear trainers, which read free text too.
func LinearBlock() schema.Block {
	b := PreprocessBlock()
	encode := b.Body.Attr("encode")
	encode.OneOf = append(encode.OneOf, nGrams)
	encode.Doc += " `ngrams`: free text, of words or characters in succession."
	b.Body.Attrs = append(b.Body.Attrs, nGramAttrs()...)
	return b
}

// PreprocessBlock is the nested block preprocess.
func PreprocessBlock() schema.Block {
	return schema.Block{Name: "preprocess", Labelled: true, Repeated: true, Unordered: true,
		Doc: "What the model makes of a feature, by its name: `preprocess \"income\" { scale = \"robust\" }`. It is fitted on the training rows and part of the model. Without a block " +
			"numbers are centred and scaled by their standard deviation, and text is one-hot coded.",
		Body: schema.Body{Attrs: []schema.Attr{
			{Name: "clip", Type: schema.NumberList,
				Doc: "Of a number: two quantiles, such as `[0.01, 0.99]`, to within which it is brought first."},
			{Name: "scale", Type: schema.String, OneOf: []string{standardScale, robustScale, quantileScale},
				Doc: "Of a number. `standard`: by mean and standard deviation, the default. `robust`: by median and quartiles, which few large values do not move. `quantile`: the share of training rows below it, from 0 to 1."},
			{Name: "encode", Type: schema.String, OneOf: []string{oneHot, targetEncoded},
				Doc: "Of text. `one_hot`: an input for each of its 255 most frequent values, the default. `target`: the mean of the target among the training rows with the value (of several classes, the share of each), however many values there are; " +
					"while the model is fitted, a row's is found without it and its fold. What no training row had gets the mean of all."},
			{Name: "smoothing", Type: schema.Number,
				Doc: "Of `target`: as many rows with the mean of all are added to each value's. Left out: by how much targets vary within the value and in all."},
			{Name: "folds", Type: schema.Integer, Doc: "Of `target`: how many folds, from 2 to 50. Left out: 5."},
		}}}
}

// ManyLevels are the columns of which all values are kept.
func ManyLevels(all []Preprocess) (out []string) {
	for _, p := range all {
		if p.Encode == targetEncoded {
			out = append(out, p.Column)
		}
	}
	return out
}

// Problems are what is wrong with the blocks, for a table (nil: it is not known) and the features of a trainer. What a linear trainer alone takes, its own checks refuse.
func Problems(all []Preprocess, features []string, data *schema.Table) (out []schema.Problem) {
	seen := map[string]bool{}
	for _, p := range all {
		path := fmt.Sprintf("preprocess[%s]", p.Column)
		report := func(at, summary, detail, hint string) {
			out = append(out, schema.Problem{Path: path + at, Summary: summary, Detail: detail, Hint: hint})
		}
		at := slices.IndexFunc(features, func(f string) bool { return strings.EqualFold(f, p.Column) })
		if at < 0 {
			report("", fmt.Sprintf("%q is not among the features", p.Column), "", suggest.DidYouMean(p.Column, features))
			continue
		}
		if seen[features[at]] {
			report("", fmt.Sprintf("What is made of %q is said twice", features[at]), "", "")
		}
		seen[features[at]] = true
		p.values(report)
		if data == nil || data.Column(features[at]) == nil {
			continue
		}
		switch c := data.Column(features[at]); {
		case model.TextType(c.Type) && (p.Clip != nil || p.Scale != ""):
			report("", fmt.Sprintf("The feature %q is text, which has no scale", c.Name), "clip and scale are for numbers.", `Set encode, or cast the column to a number in a dataset.`)
		case !model.TextType(c.Type) && p.Encode != "":
			report(".encode", fmt.Sprintf("The feature %q is of type %s, and only text is encoded", c.Name, c.Type), "", "Cast it to varchar in a dataset, if its numbers are names.")
		case c.Type == "boolean":
			report("", fmt.Sprintf("The feature %q is a boolean: there is nothing to clip or to scale", c.Name), "", "Take the block out.")
		}
	}
	return out
}

// values finds what is wrong with the block whatever its column is.
func (p *Preprocess) values(report func(at, summary, detail, hint string)) {
	p.nGramValues(report)
	if p.Clip == nil && p.Scale == "" && p.Encode == "" {
		report("", "The block says nothing of the column", "", "Set clip, scale or encode, or take it out.")
	}
	if c := p.Clip; c != nil && (len(c) != 2 || !(c[0] >= 0 && c[0] < c[1] && c[1] <= 1)) {
		report(".clip", fmt.Sprintf("clip is %v", c), "It is two quantiles from 0 to 1, the lower one first.", "clip = [0.01, 0.99]")
	}
	if p.Clip != nil && p.Scale == quantileScale {
		report(".clip", "Quantiles need no clipping", "What is beyond the least and the greatest training row is 0 or 1 anyway.", "Take clip out.")
	}
	if p.Encode != targetEncoded && (p.Smoothing != nil || p.Folds != nil) {
		report("", "smoothing and folds are of encode = \"target\"", "", "")
	}
	if p.Smoothing != nil && !(*p.Smoothing >= 0) {
		report(".smoothing", fmt.Sprintf("smoothing is %g", *p.Smoothing), "It must be at least 0.", "")
	}
	if p.Folds != nil && (*p.Folds < 2 || *p.Folds > 50) {
		report(".folds", fmt.Sprintf("folds is %d", *p.Folds), "It must be from 2 to 50.", "")
	}
}

// addPrepared adds the input of a number that a block speaks of. One that is the same in every row is left out.
func (m *Matrix) addPrepared(feature int, p *Preprocess) {
	var sorted []float64
	missing := 0.0
	for r, x := range m.set.Columns[feature] {
		if x != x {
			missing += m.set.WeightOf(r)
		} else {
			sorted = append(sorted, x)
		}
	}
	if len(sorted) == 0 {
		return
	}
	slices.Sort(sorted)
	in := linear.Input{Feature: feature, Kind: linear.Value, Scale: 1}
	if p.Clip != nil {
		in.Kind, in.Low, in.High = linear.Clipped, quantile(sorted, p.Clip[0]), quantile(sorted, p.Clip[1])
		for i, x := range sorted {
			sorted[i] = min(max(x, in.Low), in.High)
		}
	}
	switch p.Scale {
	case quantileScale:
		in.Kind, in.Scale = linear.Quantile, 0
		n := min(mostQuantiles, len(sorted))
		for i := range n {
			in.Points = append(in.Points, between(sorted, float64(i*(len(sorted)-1))/float64(max(n-1, 1)))) // a row where there is one
		}
	case robustScale:
		in.Mean = quantile(sorted, 0.5)
		if in.Scale = quantile(sorted, 0.75) - quantile(sorted, 0.25); !(in.Scale > 0) {
			in.Scale = 1
		}
	default:
		in.Mean, in.Scale = m.spread(func(r int) float64 { return in.Clip(m.set.Columns[feature][r]) })
	}
	// A spread that is rounding only is none.
	if first, last := sorted[0], sorted[len(sorted)-1]; last-first > 1e-12*math.Abs(last) && (in.Kind == linear.Quantile || in.Scale > 0) {
		m.Inputs = append(m.Inputs, in)
	}
	if missing > 0 {
		m.Inputs = append(m.Inputs, linear.Input{Feature: feature, Kind: linear.Missing})
	}
}

// spread is the weighted mean and standard deviation of a value of each row, NaN left out.
func (m *Matrix) spread(of func(r int) float64) (mean, deviation float64) {
	var total, squares, weight float64
	for r := range m.set.Rows {
		if x := of(r); x == x {
			weight += m.set.WeightOf(r)
			total += float64(m.set.WeightOf(r) * x)
		}
	}
	mean = total / weight
	for r := range m.set.Rows {
		if x := of(r); x == x {
			squares += float64(m.set.WeightOf(r) * float64((x-mean)*(x-mean)))
		}
	}
	return mean, math.Sqrt(squares / weight)
}

// quantile is that of ascending values, between two of them in proportion.
func quantile(sorted []float64, q float64) float64 { return between(sorted, q*float64(len(sorted)-1)) }

// between is the value at a place among ascending values.
func between(sorted []float64, at float64) float64 {
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}

// addTarget adds the inputs of a category that is encoded by the target: one, or one for each class.
func (m *Matrix) addTarget(feature int, t *train.Training, p *Preprocess) {
	folds := encode.Folds
	if p.Folds != nil {
		folds = *p.Folds
	}
	levels := len(t.Inputs()[feature].Levels)
	missing := 0.0
	for r, code := range m.set.Columns[feature] {
		if code != code {
			missing += m.set.WeightOf(r)
		}
	}
	for output := range t.Signature.Outputs() {
		e := encode.Target{Codes: m.set.Columns[feature], Target: t.TargetOf(output), Weight: m.set.WeightOf, Levels: levels, Smoothing: p.Smoothing}
		in := linear.Input{Feature: feature, Kind: linear.Encoded}
		in.Values, in.Otherwise = e.Fit(func(int) bool { return true })
		crossed := e.Cross(folds)
		in.Mean, in.Scale = m.spread(func(r int) float64 { return crossed[r] })
		if !(in.Scale > 1e-12*math.Abs(in.Mean)) {
			continue
		}
		for r, x := range crossed {
			crossed[r] = (x - in.Mean) / in.Scale
		}
		if m.crossed == nil {
			m.crossed = map[int][]float64{}
		}
		m.crossed[len(m.Inputs)] = crossed
		m.Inputs = append(m.Inputs, in)
	}
	if missing > 0 {
		m.Inputs = append(m.Inputs, linear.Input{Feature: feature, Kind: linear.Missing})
	}
}

// preparedBy is the block of a column; nil: there is none.
func preparedBy(all []Preprocess, name string) *Preprocess {
	i := slices.IndexFunc(all, func(p Preprocess) bool { return strings.EqualFold(p.Column, name) })
	if i < 0 {
		return nil
	}
	return &all[i]
}
