package http

import (
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// explorationBlock is the control share.
func explorationBlock() schema.Block {
	return schema.Block{Name: "exploration", Doc: "A control share: of the rows of one decision some are decided otherwise, by chance, so that their labels come. Where a decision keeps labels from coming, as that of a blocked payment, nothing else tells how good it is. " +
		"The answer's `predicted` is what was decided, and so is to be done; beside it stand `model_predicted`, what the model decides, `propensity`, the chance with which it was decided so, and `arm`, `explored` of rows that are decided otherwise. A log of predictions has all of them, and " +
		"`monitor \"performance\"` goes by them. Models of two classes only.", Body: schema.Body{
		Attrs: []schema.Attr{
			{Name: "share", Type: schema.Number, Required: true, Doc: "The chance of a row that is decided so to be decided otherwise: 0.03 is three of a hundred. At most 0.5."},
			{Name: "of", Type: schema.String, Doc: "The decision, a class of the model. Default: the positive one."},
			{Name: "by", Type: schema.String, OneOf: []string{string(schema.ByKey), string(schema.ByRequest)},
				Doc: "What chance is drawn for: a `key`, which is then decided alike as often as it is asked for, while the model is live, or each row of a `request`. Default: the key, where the deployment has one."},
		},
		Blocks: []schema.Block{{Name: "never", Labelled: true, Repeated: true, Unordered: true,
			Doc: "Rows that are decided as the model does, whatever chance says: by a feature of the model, or by its `score`. A row whose value is null is one of them. Their propensity is 1, and no figure says anything of those that are kept from having labels.",
			Body: schema.Body{Attrs: []schema.Attr{
				{Name: "above", Type: schema.Number, Doc: "Those above a number."},
				{Name: "below", Type: schema.Number, Doc: "Those below a number."},
				{Name: "among", Type: schema.StringList, Unordered: true, Doc: "Those with one of these values, of text; `\"true\"` or `\"false\"` of a boolean."},
			}}}},
	}}
}

// explorationProblems are those of the control share, as far as the model is known.
func (c *config) explorationProblems(m *schema.Model) []schema.Problem {
	e := c.Exploration
	if e == nil {
		return nil
	}
	task, features := schema.Task(""), []schema.Column(nil)
	if m != nil {
		task, features = m.Task, m.Features
	}
	path, why := e.Problem(task, features)
	if why == "" && e.By == schema.ByKey && len(c.Key) == 0 {
		path, why = "by", "The deployment has no key to draw by"
	}
	if why == "" {
		return nil
	}
	p := schema.Problem{Path: "exploration", Summary: why}
	if path != "" {
		p.Path += "." + path
	}
	if path == "share" && e.Share > schema.MostExplored && e.Share <= 100 {
		p.Hint = fmt.Sprintf("%v %% is share = %v", e.Share, e.Share/100)
	}
	for _, l := range e.Never {
		if m != nil && path == "never["+l.Name+"]" {
			names := []string{schema.ScoreLimit}
			for _, f := range features {
				names = append(names, f.Name)
			}
			p.Hint = suggest.DidYouMean(l.Name, names)
		}
	}
	return []schema.Problem{p}
}
