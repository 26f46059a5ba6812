package train

import (
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// ShapeOf is Shape for a model that is made of others, whose signature m is: target, task and features are these, and leaks have been looked for where they were fitted. The tables are there
// where the block names them.
func ShapeOf(req schema.ShapeRequest, c *Config, m *schema.Model) schema.ShapeResult {
	c.Target, c.Task = m.Target, m.Task
	s := shaper{config: c, data: req.In[DataPort].Table, validation: req.In[ValidationPort].Table, calibration: req.In[CalibrationPort].Table}
	if c.Weight != "" && s.data == nil && s.validation == nil && s.calibration == nil {
		s.report(schema.Problem{Path: "weight", Summary: "There are no rows to weigh", Detail: "No table is named, and an average of models is fitted on none.", Hint: "leave weight out"})
	}
	for _, port := range []string{DataPort, ValidationPort, CalibrationPort} {
		if t := req.In[port].Table; t != nil {
			s.fits(port, t, m)
		}
	}
	for _, t := range []*schema.Table{s.validation, s.calibration} {
		if s.data == nil {
			s.data = t // an average has no data: columns of groups are those of the rows that they are found on
		}
	}
	if s.data == nil {
		s.data = &schema.Table{}
	}
	s.columns(ValidationPort, s.validation, c.groupColumns())
	s.columns(CalibrationPort, s.calibration, c.groupColumns())
	s.calibrated(m.Task)
	s.decision(m.Task)
	figures := s.figures(m.Features)
	s.treats(m)
	return schema.ShapeResult{Out: map[string]schema.Shape{ModelPort: {Type: schema.ModelPort, Model: m}}, Figures: figures, Problems: s.problems}
}

// fits holds a table to a signature: it has the features, the target and the weight.
func (s *shaper) fits(port string, t *schema.Table, m *schema.Model) {
	s.problems = append(s.problems, model.Unfit(m, t, port)...)
	switch target := t.Column(m.Target); {
	case target == nil:
		s.report(schema.Problem{Path: port, Summary: fmt.Sprintf("The %s table has no column %q, the target of the models", port, m.Target), Hint: suggest.DidYouMean(m.Target, t.Names())})
	case m.Task == schema.Regression && !model.NumberType(target.Type):
		s.report(schema.Problem{Path: port, Summary: fmt.Sprintf("Column %q is %s in the %s table, and the models predict a number", target.Name, target.Type, port)})
	}
	if s.config.Weight == "" {
		return
	}
	if w := t.Column(s.config.Weight); w == nil {
		s.report(schema.Problem{Path: "weight", Summary: fmt.Sprintf("The %s table has no column %q", port, s.config.Weight), Hint: suggest.DidYouMean(s.config.Weight, t.Names())})
	} else if !model.NumberType(w.Type) {
		s.report(schema.Problem{Path: "weight", Summary: fmt.Sprintf("The weight %q is of type %s, not a number", w.Name, w.Type)})
	}
}

// With is the training with other features, made of its own: columns are those of the data, [feature][row]. Other tables have none.
func (t *Training) With(features []model.Feature, columns [][]float64) *Training {
	out, data := *t, *t.Data
	out.Signature.Features = features
	data.Columns, out.Data = columns, &data
	out.Validation, out.Selection, out.Calibration = nil, nil, nil
	return &out
}
