package train

// What is checked before anything runs, in this order, each at its attribute: that there is a task, and the trainer can do it; that
// the target's type fits the task; each feature, for leaking (leakage.go), for protected and personal columns, for its type; the
// weight; that the other tables have the same columns; that the decision has metrics that change with a threshold. Of these all
// that apply are told at once. What only values can tell, such as a target that is always the same, is left to Load.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// Shape checks the attributes that every trainer has and says what the block yields. Its problems come in the order
// of the attributes; a trainer adds those of its own parameters.
func Shape(req schema.ShapeRequest, c *Config, supported []schema.Task) schema.ShapeResult {
	data := req.In[DataPort].Table
	if data == nil {
		return schema.ShapeResult{}
	}
	s := shaper{config: c, data: data, validation: req.In[ValidationPort].Table, selection: req.In[SelectionPort].Table,
		calibration: req.In[CalibrationPort].Table}
	task := s.task(supported)
	if task == "" && data.Column(c.Target) != nil {
		return schema.ShapeResult{Problems: s.problems} // nor where nobody says what it is a model of
	}
	s.target(task)
	s.features()
	s.weight()
	s.classWeight(task)
	s.sameColumns(ValidationPort, s.validation)
	s.sameColumns(SelectionPort, s.selection)
	s.sameColumns(CalibrationPort, s.calibration)
	s.calibrated(task)
	s.decision(task)
	s.derived()
	s.text()
	if data.Column(c.Target) == nil {
		return schema.ShapeResult{Problems: s.problems} // without its target nothing can be said of the model
	}
	signature := s.signature(task)
	if derived := s.config.derivedNames(); derived != nil {
		signature.Additive, signature.WhyNot = schema.AddsNothing, fmt.Sprintf("%q is made of several features, and what it adds is no single one's", derived[0])
	}
	figures := s.figures(signature.Features)
	s.treats(signature)
	out := map[string]schema.Shape{ModelPort: {Type: schema.ModelPort, Model: signature}}
	s.outOfFold(task, out)
	return schema.ShapeResult{Out: out, Figures: figures, Problems: s.problems}
}

// shaper collects what is wrong with a block.
type shaper struct {
	config     *Config
	data       *schema.Table
	validation *schema.Table // nil if none is given
	selection  *schema.Table // likewise
	// calibration is likewise nil if none is given.
	calibration *schema.Table
	problems    []schema.Problem
	telling     map[string]string // columns that nothing may be computed from; made when first asked for
	goal        *schema.Trace     // of the target; made when first asked for
}

// report notes a problem.
func (s *shaper) report(p schema.Problem) { s.problems = append(s.problems, p) }

// column finds a column of the data, and tells if there is none.
func (s *shaper) column(path, name string) *schema.Column {
	c := s.data.Column(name)
	if c == nil {
		s.report(schema.Problem{
			Path:    path,
			Summary: fmt.Sprintf("The table has no column %q", name),
			Hint:    suggest.DidYouMean(name, s.data.Names()),
		})
	}
	return c
}

// TaskOf returns the task that the configuration asks for, else the one that fits the target's type (model.TaskOf). It is
// empty where neither says: without a target, or with one of whole numbers.
func (c *Config) TaskOf(target *schema.Column) schema.Task {
	switch {
	case c.Task != "":
		return c.Task
	case target == nil:
		return ""
	}
	return model.TaskOf(target.Type, c.Positive)
}

// task is the one that is set, or follows from the target's type; empty if that cannot be told.
// A task that the trainer cannot do is told, and returned all the same: what else is checked goes by what was meant.
func (s *shaper) task(supported []schema.Task) schema.Task {
	target := s.data.Column(s.config.Target)
	task := s.config.TaskOf(target)
	if task == "" && target != nil {
		if len(supported) == 1 {
			return supported[0]
		}
		s.problems = append(s.problems, model.Unclear(target.Name, target.Type, supported))
	}
	if task == "" || slices.Contains(supported, task) {
		return task
	}
	var hint string
	if s.config.Task == "" {
		hint = fmt.Sprintf("Set task = %q if the target holds classes.", supported[0])
	}
	s.report(schema.Problem{
		Path:    "task",
		Summary: fmt.Sprintf("This trainer cannot do %s", task),
		Detail:  "It does " + strings.Join(taskNames(supported), " and ") + ".",
		Hint:    hint,
	})
	return task
}

// target holds the target's type to the task. The first problem that applies is told: others follow from it.
func (s *shaper) target(task schema.Task) {
	target := s.column("target", s.config.Target)
	if target == nil {
		return
	}
	switch text := model.TextType(target.Type); {
	case !model.FeatureType(target.Type):
		s.report(schema.Problem{
			Path:    "target",
			Summary: fmt.Sprintf("The target %q is of type %s", target.Name, target.Type),
			Detail:  "A target is a boolean, a number or text.",
		})
	case task == schema.Regression && !model.NumberType(target.Type):
		s.report(schema.Problem{
			Path:    "target",
			Summary: fmt.Sprintf("The target %q of a regression is of type %s, not a number", target.Name, target.Type),
		})
	case task == schema.Binary && text && s.config.Positive == "":
		s.report(schema.Problem{
			Path:    "positive",
			Summary: fmt.Sprintf("Which value of %q is the positive class is not said", target.Name),
			Detail:  "The target is text; the score of a binary task is the probability of the positive class.",
			Hint:    `Set positive = "…".`,
		})
	case task != schema.Binary && task != "" && s.config.Positive != "":
		s.report(schema.Problem{Path: "positive", Summary: "positive is for binary tasks", Detail: fmt.Sprintf("The task is %s.", task)})
	case s.config.Positive != "":
		s.positive(target)
	}
}

// positive looks at the class that is named, as far as the target's type tells which there can be.
func (s *shaper) positive(target *schema.Column) {
	like, ok := model.Class(target.Type, s.config.Positive)
	if ok {
		return
	}
	hint := `Write a number that the column holds, such as positive = "1".`
	switch {
	case target.Type == "boolean":
		hint = `Use "true" or "false".`
	case like != "":
		hint = fmt.Sprintf("Write positive = %q.", like)
	}
	s.report(schema.Problem{
		Path:    "positive",
		Summary: fmt.Sprintf("The target has no class %q", s.config.Positive),
		Detail:  fmt.Sprintf("The column %q is of type %s.", target.Name, target.Type),
		Hint:    hint,
	})
}

// features checks each feature, and that what is allowed by name is there at all.
func (s *shaper) features() {
	seen := map[string]bool{}
	for i, name := range s.config.Features {
		path := fmt.Sprintf("features[%d]", i)
		column := s.column(path, name)
		if column == nil {
			continue
		}
		if seen[column.Name] {
			s.report(schema.Problem{Path: path, Summary: fmt.Sprintf("The feature %q is listed twice", name)})
			continue
		}
		seen[column.Name] = true
		s.feature(path, column)
	}
	s.allowed("allow_protected", s.config.AllowProtected)
	s.allowed("allow_pii", s.config.AllowPII)
	s.allowed("known_before", s.config.KnownBefore)
	s.categorical()
}

// feature refuses what leaks, is protected or personal without being allowed, or cannot be read. A key is only warned of: it
// may be a number that means something.
func (s *shaper) feature(path string, c *schema.Column) {
	if s.leaks(path, c) {
		return
	}
	if c.Protected && !listed(s.config.AllowProtected, c.Name) {
		s.report(schema.Problem{
			Path:    path,
			Summary: fmt.Sprintf("The feature %q is protected", c.Name),
			Detail:  "Protected columns are for slices and fairness figures, not for training.",
			Hint:    fmt.Sprintf("Take it out, or say allow_protected = [%q].", c.Name),
		})
	}
	if c.PII && !listed(s.config.AllowPII, c.Name) {
		s.report(schema.Problem{
			Path:    path,
			Summary: fmt.Sprintf("The feature %q is personal data", c.Name),
			Detail:  "It would reach the model.",
			Hint:    fmt.Sprintf("Take it out, or say allow_pii = [%q].", c.Name),
		})
	}
	if !model.FeatureType(c.Type) {
		s.report(schema.Problem{
			Path:    path,
			Summary: fmt.Sprintf("The feature %q is of type %s", c.Name, c.Type),
			Detail:  "Models read numbers, booleans and text.",
			Hint:    typeHint(c),
		})
	}
	if len(s.data.Key) == 1 && same(s.data.Key[0], c.Name) {
		s.problems = append(s.problems, schema.Problem{Path: path, Warning: true,
			Summary: fmt.Sprintf("The feature %q is the key of the table", c.Name),
			Detail:  "It tells the rows apart: a model can learn them by heart, and it will be another for every new row."})
	}
}

// typeHint says how a column that no model reads becomes one that does.
func typeHint(c *schema.Column) string {
	if c.Type == "date" || strings.HasPrefix(c.Type, "timestamp") {
		return fmt.Sprintf("Make numbers of it in a feature block: column %q { expr = \"hour(%s)\" }.", c.Name+"_hour", c.Name)
	}
	return "Make numbers or text of it in a dataset."
}

// allowed tells of permissions for what is no feature.
func (s *shaper) allowed(path string, names []string) {
	for i, name := range names {
		if !listed(s.config.Features, name) && !(path == "allow_pii" && listed(s.config.groupColumns(), name)) {
			s.report(schema.Problem{
				Path:    fmt.Sprintf("%s[%d]", path, i),
				Summary: fmt.Sprintf("%q is not among the features", name),
				Detail:  "A permission is for a feature.",
				Hint:    suggest.DidYouMean(name, s.config.Features),
			})
		}
	}
}

// weight holds the column of weights to numbers, and to being nothing else: as a feature it would be known in training and not after.
func (s *shaper) weight() {
	name := s.config.Weight
	if name == "" {
		return
	}
	c := s.column("weight", name)
	switch {
	case c == nil:
	case !model.NumberType(c.Type):
		s.report(schema.Problem{Path: "weight", Summary: fmt.Sprintf("The weight %q is of type %s, not a number", c.Name, c.Type)})
	case same(name, s.config.Target) || listed(s.config.Features, name):
		s.report(schema.Problem{Path: "weight", Summary: fmt.Sprintf("The weight %q is the target or a feature too", c.Name)})
	}
}

// sameColumns checks that a table that is not fitted on has the columns that are read, of types that a model takes for the
// data's. The target's must be the very type: classes go by how its values are written.
func (s *shaper) sameColumns(port string, table *schema.Table) {
	s.columns(port, table, slices.Concat([]string{s.config.Target, s.config.Weight}, s.config.Features, s.config.groupColumns()))
}

// columns is sameColumns of some.
func (s *shaper) columns(port string, table *schema.Table, names []string) {
	if table == nil {
		return
	}
	for _, name := range names {
		want := s.data.Column(name)
		if want == nil {
			continue
		}
		got := table.Column(name)
		if got == nil {
			s.report(schema.Problem{
				Path:    port,
				Summary: fmt.Sprintf("The %s table has no column %q", port, want.Name),
				Hint:    suggest.DidYouMean(name, table.Names()),
			})
		} else if !schema.Takes(want.Type, got.Type) || same(name, s.config.Target) && got.Type != want.Type {
			s.report(schema.Problem{
				Path:    port,
				Summary: fmt.Sprintf("Column %q is %s in the %s table and %s in the data", want.Name, got.Type, port, want.Type),
			})
		}
	}
}

// decision needs rows that the model was not fitted on, and metrics that change with the threshold.
func (s *shaper) decision(task schema.Task) {
	d := s.config.Decision
	if d == nil {
		return
	}
	if task != schema.Binary && task != "" {
		s.report(schema.Problem{Path: "decision", Summary: "decision is for binary tasks", Detail: fmt.Sprintf("The task is %s.", task)})
		return
	}
	if s.validation == nil {
		s.report(schema.Problem{
			Path:    "decision",
			Summary: "A decision needs a validation table",
			Detail:  "The threshold is fitted on rows that the model was not trained on.",
			Hint:    "Set validation, for example to split.<name>.validation.",
		})
	}
	best, limits, err := d.metrics()
	if err != nil {
		return // told where the metric is defined
	}
	s.decides("decision.maximize", best)
	for _, m := range limits {
		s.decides("decision.where", m)
	}
	s.byGroup(d)
}

// decides refuses a metric that counts alone do not determine: AUC is the same at every threshold.
func (s *shaper) decides(path string, m *metric.Metric) {
	if _, _, ok := m.OfCounts(1, 1, 1, 1); !ok || m.Fits(schema.Binary) != nil {
		what := m.Type
		if m.SQL != "" {
			what = "defined in SQL"
		}
		s.report(schema.Problem{
			Path:    path,
			Summary: fmt.Sprintf("A threshold cannot be chosen by the metric %q (%s)", m.Name, what),
			Detail:  "It takes metrics of decisions, which change with the threshold: recall, precision, f1, false_positive_rate, …",
		})
	}
}

// signature is what is known of the model before it is fitted. Names are those of the table, whatever case they are written
// in.
func (s *shaper) signature(task schema.Task) *schema.Model {
	m := &schema.Model{Task: task, Target: s.config.Target, Features: []schema.Column{}}
	if c := s.data.Column(s.config.Target); c != nil {
		m.Target = c.Name
		if task == schema.Binary {
			m.PositiveClass = s.config.positiveClass(c)
		}
	}
	for _, name := range s.config.Features {
		if c := s.data.Column(name); c != nil {
			m.Features = append(m.Features, *c)
			if s.config.reads(c.Name) {
				m.Text = append(m.Text, c.Name)
			}
		}
	}
	return m
}

// positiveClass is the class whose probability is the score: the one that is named, else the one that is meant.
func (c *Config) positiveClass(target *schema.Column) string {
	switch {
	case c.Positive != "":
		return c.Positive
	case target.Type == "boolean":
		return "true"
	}
	return "1" // of 0 and 1; of others Load refuses to guess
}

// Adds says what the parts of a trainer's model add up to, and if that is nothing, why. Where scores are calibrated it is a margin to them.
func Adds(req schema.ShapeRequest, out *schema.ShapeResult, to schema.Additive, whyNot string) {
	m := out.Out[ModelPort].Model
	if m == nil || m.Additive == schema.AddsNothing { // of derived inputs
		return
	}
	if m.Additive, m.WhyNot = to, whyNot; to == schema.AddsScores && req.In[CalibrationPort].Table != nil {
		m.Additive = schema.AddsMargins
	}
}

// treats adds to a model what it says of groups: their columns are inputs besides the features.
func (s *shaper) treats(m *schema.Model) {
	names := func(by []string) (out []string) {
		for _, name := range by {
			if c := s.data.Column(name); c != nil {
				out = append(out, c.Name)
				if !slices.ContainsFunc(m.Features, func(f schema.Column) bool { return f.Name == c.Name }) {
					m.Features = append(m.Features, *c)
				}
			}
		}
		return out
	}
	m.CalibratedBy = names(s.config.CalibrationBy)
	if d := s.config.Decision; d != nil && len(d.By) > 0 {
		m.Decides = &schema.Decides{By: names(d.By), Equalize: d.Equalize}
	}
}

// same compares names of columns as SQL does.
func same(a, b string) bool { return strings.EqualFold(a, b) }

// listed reports whether a list of columns has a name, whatever case it is written in.
func listed(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return same(n, name) })
}
