package train

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/ngrams"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// MinRows is how few rows are too few to train on. It keeps a filter that lets nothing through from making a model; how many rows
// make a good one is for gates to say.
const MinRows = 10

// Training is what a trainer fits on. It is made by Load and read by one goroutine; its sets may be read by many.
type Training struct {
	Signature model.Signature
	Data      *Set
	// Validation is nil where no table is given.
	Validation *Set
	// Selection are the rows that a trial is measured on; nil in other stages, and where these are those of Validation.
	Selection *Set
	// Calibration are the rows that scores are calibrated on; nil: they are not.
	Calibration *Set
	Dropped     int // rows of the data without a usable target

	config      *Config
	stage       *component.Stage
	preparation *model.Preparation                // nil: inputs are features
	inputs      []model.Feature                   // of a training that prepares features
	texts       map[int]*Text                     // by feature, those that are read by their n-grams, until the model is fitted
	classes     []float64                         // their weights, once asked for; nil: all 1
	calibrated  *grouping                         // of the calibration, once it is fitted; nil without groups
	again       func(context.Context, Take) error // hands over the features of the validation table
	samples     sampler                           // while features are inspected
	of          struct {                          // the rows of a class, likewise
		class int
		rows  []float64
	}
}

// Set is a table as numbers, rows in the table's order, without those that have no usable target. It is safe for concurrent
// reading. Of the text column city with the levels {Bonn, Rome} the rows Rome, null, Bonn are {1, NaN, 0}.
type Set struct {
	Rows    int
	Columns [][]float64 // [input][row]: numbers, or indices of the input's levels, or places of texts (Text); NaN is missing. Nil after LoadInto
	Target  []float64   // the value, or the index of the class
	Weight  []float64   // nil: all 1

	groups *frame.Frame // the columns that groups are made of; nil without
}

// Load reads and checks the tables. What is wrong with them is a component.InputError; what can be lived with is
// warned of.
func Load(ctx context.Context, s *component.Stage, c *Config) (*Training, error) {
	return LoadInto(ctx, s, c, keep)
}

// Take gets some of the inputs of t.Data, and when these are through, of t.Validation: those from number before on in t.Inputs, which
// says all of them and of the ones before. Of memory columns are the loader's, and written over once Take has returned.
type Take func(t *Training, of *Set, before int, columns [][]float64) error

// keep takes features as they are.
func keep(_ *Training, of *Set, _ int, columns [][]float64) error {
	for _, c := range columns {
		of.Columns = append(of.Columns, slices.Clone(c))
	}
	return nil
}

// LoadInto is Load for a trainer that makes something smaller of each feature as it comes: no more than a few are in memory at any time, and
// none is in the sets.
func LoadInto(ctx context.Context, s *component.Stage, c *Config, take Take) (*Training, error) {
	// Of the rows: read target and weight, leave out those without a usable one, name the classes. Then the features, one after the other: name
	// the levels, encode by these, look for what is suspicious. The validation table is encoded by the signature of the data, never by its own.
	l := &loader{stage: s, config: c, take: take}
	for _, port := range []string{CalibrationPort, ValidationPort, DataPort} {
		if in := s.In[port].Table; in != nil {
			l.schema = in
		}
	}
	t := &Training{config: c, stage: s, Data: &Set{}}
	if c.Of != nil {
		t.Signature = *c.Of
	}
	var err error
	if s.Has(DataPort) {
		err = l.data(ctx, t)
	}
	if err == nil && s.Has(ValidationPort) {
		err = l.validation(ctx, t)
	}
	if err == nil && s.Has(CalibrationPort) {
		err = l.calibration(ctx, t)
	}
	if err == nil && (c.Fold != nil || c.Trial != nil && s.Has(SelectionPort)) {
		err = l.selection(ctx, t)
	}
	return t, err
}

// data reads what is fitted on.
func (l *loader) data(ctx context.Context, t *Training) error {
	c := l.config
	rows, err := l.rows(ctx, DataPort)
	if err != nil {
		return err
	}
	if c.Fold != nil {
		if err := c.Fold.assign(ctx, l, rows); err != nil {
			return err
		}
		fitted, err := c.Fold.fitted()
		if err != nil {
			return err
		}
		rows.only(fitted)
	}
	t.Dropped = rows.dropped
	if rows.Rows < MinRows {
		return &component.InputError{
			Summary: fmt.Sprintf("%s: %d rows are too few to train on", l.stage.Address, rows.Rows),
			Detail:  fmt.Sprintf("%d rows have no usable target; at least %d with one are needed.", t.Dropped, MinRows),
		}
	}
	if c.Of == nil {
		if err := l.sign(rows.Frame, &t.Signature); err != nil {
			return err
		}
	}
	t.encodings()
	if t.Data, err = l.set(rows, &t.Signature, DataPort); err != nil {
		return err
	}
	if err := l.features(ctx, t, t.Data, DataPort, rows.picked, l.take); err != nil {
		return err
	}
	if err := l.oneClass(t); err != nil {
		return err
	}
	l.tell()
	return nil
}

// loader reads the tables of one stage.
type loader struct {
	stage  *component.Stage
	config *Config
	schema *schema.Table // of the data; where there are none, of the table that there is
	take   Take          // of the trainer; selection rows are kept as they are

	// Features that are to be warned of.
	gaps, empty, constant, suspicious []string
}

// name is a column's as the table has it, which may differ from the configuration in case.
func (l *loader) name(name string) string {
	if c := l.schema.Column(name); c != nil {
		return c.Name
	}
	return name
}

// usable are the rows of a table that can be trained on, with their target and weight.
type usable struct {
	*frame.Frame
	picked  []int32 // their numbers in the table; nil: all
	dropped int     // how many others there are
}

// only leaves the given ones of the rows, by their places among those that are left now; nil: all.
func (u *usable) only(rows []int) {
	if rows == nil {
		return
	}
	u.dropped += u.Rows - len(rows)
	picked := make([]int32, len(rows))
	for i, r := range rows {
		if picked[i] = int32(r); u.picked != nil {
			picked[i] = u.picked[r]
		}
	}
	u.Frame, u.picked = u.Take(rows), picked
}

// rows reads the columns that say which rows are trained on, and no others, by their names in the data.
func (l *loader) rows(ctx context.Context, port string) (*usable, error) {
	columns := []string{l.name(l.config.Target)}
	for _, name := range l.config.groupColumns() {
		columns = append(columns, l.name(name))
	}
	if l.config.Weight != "" {
		columns = append(columns, l.name(l.config.Weight))
	}
	if m := l.mature(port); m != "" {
		columns = append(columns, m)
	}
	slices.Sort(columns)
	f, err := table.ReadFrame(ctx, l.stage.InputTable(port), slices.Compact(columns))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", port, err)
	}
	if f.Rows > math.MaxInt32 {
		return nil, fmt.Errorf("%s has %d rows, more than can be trained on", port, f.Rows)
	}
	u := &usable{Frame: f}
	u.only(l.labelled(u.Frame))
	u.only(l.weighted(u.Frame))
	return u, nil
}

// features hands over the features of a set, those of the data with what the signature will say of them. All of them with values that models do
// not compute with are named in one error, and so is the target, so that one round in the dataset mends them.
func (l *loader) features(ctx context.Context, t *Training, of *Set, port string, picked []int32, take Take) error {
	names := make([]string, len(l.config.Features))
	for i, f := range l.config.Features {
		names[i] = l.name(f)
	}
	var bad []string
	var more [][]float64                 // further columns of texts
	raw := make([][]float64, len(names)) // of features that others are derived of
	next := func(before int, some []frame.Column) error {
		columns := make([][]float64, len(some))
		for i := range some {
			c, f := &some[i], &t.Signature.Features[before+i]
			pick(c, picked)
			if of == t.Data && l.config.Of == nil {
				*f = model.Feature{Name: c.Name, Type: c.Type}
				switch s, read := l.config.settings(c.Name); {
				case read:
					f.NGrams = &ngrams.Line{Settings: s}
				case c.Text():
					f.Levels = l.levels(c)
				case listed(l.config.CategoricalFeatures, c.Name) && c.Type != "boolean":
					f.Levels = l.numberLevels(c)
				}
			}
			values, err := l.values(ctx, t, of, before+i, c)
			if err != nil {
				return err
			}
			columns[i] = values[0]
			more = append(more, values[1:]...)
			if n := countInfinite(columns[i]); n > 0 {
				bad = append(bad, fmt.Sprintf("feature %q in %d rows", f.Name, n))
			}
		}
		if bad != nil {
			return nil
		}
		if of == t.Data && (l.config.Of == nil || l.config.Continues) { // the models that it is made of have been told of theirs
			l.inspect(t, before, columns)
		}
		for i, c := range columns {
			if t.derives(before + i) {
				raw[before+i] = slices.Clone(c)
			}
		}
		return t.prepare(of, before, columns, take)
	}
	if len(names) > 0 {
		if err := table.ReadColumns(ctx, l.stage.InputTable(port), names, next); err != nil {
			return fmt.Errorf("reading %s: %w", port, err)
		}
	}
	t.of.rows, t.samples = nil, sampler{}
	if err := l.finite(of, &t.Signature, port, bad); err != nil {
		return err
	}
	if err := t.derive(ctx, of, raw, take); err != nil || more == nil {
		return err
	}
	return take(t, of, len(t.Inputs())-len(more), more)
}

// pick leaves the given rows of a column, which ascend, in its own memory.
func pick(c *frame.Column, rows []int32) {
	if rows == nil {
		return
	}
	if c.Text() {
		for i, r := range rows {
			c.Codes[i] = c.Codes[r]
		}
		c.Codes = c.Codes[:len(rows)]
		return
	}
	for i, r := range rows {
		c.Num[i] = c.Num[r]
	}
	c.Num = c.Num[:len(rows)]
}

// mature is the column that tells which labels can be trusted; empty if the target is no label.
func (l *loader) mature(port string) string {
	t := l.stage.In[port].Table
	if t == nil || t.Label == nil || t.Label.Mature == "" || !same(t.Label.Column, l.config.Target) {
		return ""
	}
	if c := t.Column(t.Label.Mature); c != nil {
		return c.Name
	}
	return ""
}

// labelled are the rows with a target, without those whose label is not mature; nil: all. How many are left out is told: of
// young labels in the log, since that is their way, of targets that are null as a warning.
func (l *loader) labelled(f *frame.Frame) []int {
	target := f.Column(l.name(l.config.Target))
	var mature *frame.Column
	if l.schema.Label != nil {
		mature = f.Column(l.schema.Label.Mature)
	}
	// A young label counts as young even if it has a value: that may change.
	rows, null, young := make([]int, 0, f.Rows), 0, 0
	for r := range f.Rows {
		switch {
		case mature != nil && mature.Num[r] != 1:
			young++
		case missing(target, r):
			null++
		default:
			rows = append(rows, r)
		}
	}
	if young > 0 {
		l.stage.Logf("%d of %d rows are left out: their label is not mature yet", young, f.Rows)
	}
	if null > 0 {
		l.config.warnf(l.stage, "%d of %d rows are left out: their target %q is null", null, f.Rows, target.Name)
	}
	if len(rows) == f.Rows {
		return nil
	}
	return rows
}

// weighted are the rows of classes that have weight, for a class without is as absent as one without rows; nil: all.
func (l *loader) weighted(f *frame.Frame) []int {
	if l.config.Weight == "" || l.config.TaskOf(l.schema.Column(l.config.Target)) == schema.Regression {
		return nil
	}
	target, weight := f.Column(l.name(l.config.Target)), f.Column(l.name(l.config.Weight)).Num
	weighs := map[string]bool{}
	for r := range f.Rows {
		if weight[r] != 0 { // what is no weight is told of later
			weighs[target.ValueName(r)] = true
		}
	}
	rows := make([]int, 0, f.Rows)
	for r := range f.Rows {
		if weighs[target.ValueName(r)] {
			rows = append(rows, r)
		}
	}
	if len(rows) == f.Rows || len(rows) == 0 {
		return nil
	}
	l.config.warnf(l.stage, "%d of %d rows are left out: all rows of their class have the weight 0 (column %q)", f.Rows-len(rows), f.Rows, l.config.Weight)
	return rows
}

// missing reports whether a row has no value: null, or of numbers NaN.
func missing(c *frame.Column, r int) bool {
	if c.Text() {
		return c.Codes[r] < 0
	}
	return math.IsNaN(c.Num[r])
}

// sign begins the signature: classes, and later levels, are those of the training rows.
// The signature goes into the model, and whatever is scored later is encoded by it: a city that no training row has is a missing
// value then, and never another city's number.
func (l *loader) sign(f *frame.Frame, s *model.Signature) error {
	target := f.Column(l.name(l.config.Target))
	if s.Task = l.config.TaskOf(l.schema.Column(l.config.Target)); s.Task == "" {
		s.Task = schema.Regression // of whole numbers without a task: a trainer that does nothing else
	}
	s.Target = target.Name
	if s.Task != schema.Regression {
		classes, err := l.classes(target, s.Task)
		if err != nil {
			return err
		}
		s.Classes = classes
	}
	s.Features = make([]model.Feature, len(l.config.Features))
	return nil
}

// validation may be small, but not empty: its rows stop and decide. How its features are read is kept (again), for
// thresholds of trainers that keep none.
func (l *loader) validation(ctx context.Context, t *Training) error {
	rows, err := l.besides(ctx, ValidationPort, "Early stopping and decisions need some.")
	if err != nil {
		return err
	}
	if t.Validation, err = l.set(rows, &t.Signature, ValidationPort); err != nil {
		return err
	}
	picked := rows.picked
	t.again = func(ctx context.Context, take Take) error {
		return l.features(ctx, t, t.Validation, ValidationPort, picked, take)
	}
	return t.again(ctx, l.take)
}

// selection may be small, but not empty, too. It is read by trials, and where rows of the data are left out of a fit: then it is these.
func (l *loader) selection(ctx context.Context, t *Training) error {
	port, f := SelectionPort, l.config.Fold
	if f != nil {
		port = DataPort
	}
	rows, err := l.besides(ctx, port, "Trials are measured on some.")
	if err != nil {
		return err
	}
	if f != nil {
		measured := f.measured()
		if len(measured) == 0 {
			return &component.InputError{Summary: fmt.Sprintf("%s: fold %d of %d has no rows", l.stage.Address, f.number+1, f.Count),
				Detail: "There are fewer rows, or groups that stay together, than folds. Take fewer folds."}
		}
		rows.only(measured)
		if f.out != nil {
			f.out.rows = rows.picked
		}
	}
	if t.Selection, err = l.set(rows, &t.Signature, port); err != nil {
		return err
	}
	return l.features(ctx, t, t.Selection, port, rows.picked, keep)
}

// besides are the rows of a table that is not fitted on, at least one.
func (l *loader) besides(ctx context.Context, port, why string) (*usable, error) {
	rows, err := l.rows(ctx, port)
	if err == nil && rows.Rows == 0 {
		err = &component.InputError{Summary: fmt.Sprintf("%s: the %s table has no row with a target", l.stage.Address, port), Detail: why}
	}
	return rows, err
}

// set is a table whose features are still to come.
func (l *loader) set(f *usable, s *model.Signature, port string) (out *Set, err error) {
	out = &Set{Rows: f.Rows, groups: l.columnsOf(f.Frame)}
	if out.Target, err = s.Actual(f.Column(l.name(l.config.Target))); err != nil {
		return nil, &component.InputError{Summary: fmt.Sprintf("%s: %s: %v", l.stage.Address, port, err),
			Detail: "The classes are those of the training rows."}
	}
	if l.config.Weight != "" {
		out.Weight = f.Column(l.name(l.config.Weight)).Num
	}
	return out, nil
}
