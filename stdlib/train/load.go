package train

import (
	"context"
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// MaxLevels is how many categories of a text column are kept, the most frequent; the others count as missing.
const MaxLevels = 255

// MinRows is how few rows are too few to train on. It keeps a filter that lets nothing through from making a model; how many rows
// make a good one is for gates to say.
const MinRows = 10

// Training is what a trainer fits on. It is made by Load and read by one goroutine; its sets may be read by many.
type Training struct {
	Signature model.Signature
	Data      *Set
	// Validation is nil where no table is given.
	Validation *Set
	Dropped    int // rows of the data without a usable target

	config *Config
	stage  *component.Stage
	of     struct { // the rows of a class, while features are inspected
		class int
		rows  []float64
	}
}

// Set is a table as numbers, rows in the table's order, without those that have no usable target. It is safe for concurrent
// reading. Of the text column city with the levels {Bonn, Rome} the rows Rome, null, Bonn are {1, NaN, 0}.
type Set struct {
	Rows    int
	Columns [][]float64 // [feature][row]: numbers, or indices of the feature's levels; NaN is missing
	Target  []float64   // the value, or the index of the class
	Weight  []float64   // nil: all 1
}

// Load reads and checks the tables. What is wrong with them is a component.InputError; what can be lived with is
// warned of.
func Load(ctx context.Context, s *component.Stage, c *Config) (*Training, error) {
	// Read; leave out rows without a usable target or weight; name the classes and levels (sign); encode by these; look for
	// what is suspicious. The validation table is encoded by the signature of the data, never by its own.
	l := &loader{stage: s, config: c, schema: s.In[DataPort].Table}
	t := &Training{config: c, stage: s}
	data, err := l.read(ctx, DataPort)
	if err != nil {
		return nil, err
	}
	kept := l.weighted(l.labelled(data))
	t.Dropped = data.Rows - kept.Rows
	if kept.Rows < MinRows {
		return nil, &component.InputError{
			Summary: fmt.Sprintf("%s: %d rows are too few to train on", s.Address, kept.Rows),
			Detail:  fmt.Sprintf("%d rows have no usable target; at least %d with one are needed.", t.Dropped, MinRows),
		}
	}
	if err := l.sign(kept, &t.Signature); err != nil {
		return nil, err
	}
	if t.Data, err = l.set(kept, &t.Signature, DataPort); err != nil {
		return nil, err
	}
	if err := l.oneClass(t); err != nil {
		return nil, err
	}
	if err := l.inspect(t); err != nil {
		return nil, err
	}
	if s.Has(ValidationPort) {
		t.Validation, err = l.validation(ctx, &t.Signature)
	}
	return t, err
}

// loader reads the tables of one stage.
type loader struct {
	stage  *component.Stage
	config *Config
	schema *schema.Table
}

// name is a column's as the table has it.
func (l *loader) name(name string) string {
	if c := l.schema.Column(name); c != nil {
		return c.Name
	}
	return name
}

// read reads the columns that training needs and no others, by their names in the data.
func (l *loader) read(ctx context.Context, port string) (*frame.Frame, error) {
	columns := []string{l.name(l.config.Target)}
	for _, f := range l.config.Features {
		columns = append(columns, l.name(f))
	}
	if l.config.Weight != "" {
		columns = append(columns, l.name(l.config.Weight))
	}
	if m := l.mature(port); m != "" {
		columns = append(columns, m)
	}
	f, err := table.ReadFrame(ctx, l.stage.InputTable(port), columns)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", port, err)
	}
	return f, nil
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

// labelled drops the rows without a target, and those whose label is not mature.
func (l *loader) labelled(f *frame.Frame) *frame.Frame {
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
		l.stage.Warnf("%d of %d rows are left out: their target %q is null", null, f.Rows, target.Name)
	}
	if len(rows) == f.Rows {
		return f
	}
	return f.Take(rows)
}

// weighted drops the rows of classes that have no weight: such a class is as absent as one without rows.
func (l *loader) weighted(f *frame.Frame) *frame.Frame {
	if l.config.Weight == "" || l.config.TaskOf(l.schema.Column(l.config.Target)) == schema.Regression {
		return f
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
		return f
	}
	l.stage.Warnf("%d of %d rows are left out: all rows of their class have the weight 0 (column %q)", f.Rows-len(rows), f.Rows, l.config.Weight)
	return f.Take(rows)
}

// missing reports whether a row has no value: null, or of numbers NaN.
func missing(c *frame.Column, r int) bool {
	if c.Text() {
		return c.Codes[r] < 0
	}
	return math.IsNaN(c.Num[r])
}

// sign makes the signature: classes and levels are those of the training rows.
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
	for i, name := range l.config.Features {
		c := f.Column(l.name(name))
		s.Features[i] = model.Feature{Name: c.Name, Type: c.Type}
		if c.Text() {
			s.Features[i].Levels = l.levels(c)
		}
	}
	return nil
}

// levels are the column's that occur, sorted; the most frequent where there are too many.
func (l *loader) levels(c *frame.Column) []string {
	counts := make([]int, len(c.Levels))
	for _, code := range c.Codes {
		if code >= 0 {
			counts[code]++
		}
	}
	// Ties among the most frequent go by the order of the levels, so that the same rows give the same model.
	var order []int
	for code, n := range counts {
		if n > 0 {
			order = append(order, code)
		}
	}
	if len(order) > MaxLevels {
		l.stage.Warnf("feature %q has %d categories; the %d most frequent are kept, the others count as missing",
			c.Name, len(order), MaxLevels)
		sort.SliceStable(order, func(i, j int) bool { return counts[order[i]] > counts[order[j]] })
		order = order[:MaxLevels]
		sort.Ints(order)
	}
	out := make([]string, len(order))
	for i, code := range order {
		out[i] = c.Levels[code]
	}
	return out
}

// validation may be small, but not empty: its rows stop and decide.
func (l *loader) validation(ctx context.Context, s *model.Signature) (*Set, error) {
	f, err := l.read(ctx, ValidationPort)
	if err != nil {
		return nil, err
	}
	f = l.weighted(l.labelled(f))
	if f.Rows == 0 {
		return nil, &component.InputError{
			Summary: l.stage.Address + ": the validation table has no row with a target",
			Detail:  "Early stopping and decisions need some.",
		}
	}
	return l.set(f, s, ValidationPort)
}

// set makes numbers of a table.
func (l *loader) set(f *frame.Frame, s *model.Signature, port string) (*Set, error) {
	columns, err := model.Encode(f, s.Features)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", port, err)
	}
	out := &Set{Rows: f.Rows, Columns: columns}
	if out.Target, err = s.Actual(f.Column(s.Target)); err != nil {
		return nil, &component.InputError{Summary: fmt.Sprintf("%s: %s: %v", l.stage.Address, port, err),
			Detail: "The classes are those of the training rows."}
	}
	if l.config.Weight != "" {
		out.Weight = f.Column(l.name(l.config.Weight)).Num
	}
	return out, l.finite(out, s, port)
}

// finite refuses infinite features and targets, and weights that are none.
// All features with such values are named in one error, so that one round in the dataset mends them.
func (l *loader) finite(t *Set, s *model.Signature, port string) error {
	// 32 bits, since trees compare features as float32.
	var bad []string
	for i := range t.Columns {
		if n := countInfinite(t.Columns[i]); n > 0 {
			bad = append(bad, fmt.Sprintf("feature %q in %d rows", s.Features[i].Name, n))
		}
	}
	if n := countInfinite(t.Target); n > 0 {
		bad = append(bad, fmt.Sprintf("target %q in %d rows", s.Target, n))
	}
	if bad != nil {
		return &component.InputError{
			Summary: fmt.Sprintf("%s: infinite or too large for 32 bits in %s: %s", l.stage.Address, port, strings.Join(bad, ", ")),
			Detail:  "Make them null in a dataset, or bound them: a division by 0 is the usual cause.",
		}
	}
	n, total := 0, 0.0
	for _, w := range t.Weight {
		if !(w >= 0) || w > math.MaxFloat32 {
			n++
		}
		total += w
	}
	if n > 0 || t.Weight != nil && total == 0 {
		return &component.InputError{
			Summary: fmt.Sprintf("%s: the weight %q in %s is null, negative or infinite in %d rows, and sums up to %g",
				l.stage.Address, l.config.Weight, port, n, total),
			Detail: "Weights are numbers of at least 0, not all 0.",
		}
	}
	return nil
}

// countInfinite counts what models do not compute with.
func countInfinite(values []float64) int {
	n := 0
	for _, x := range values {
		if !model.InDomain(x) {
			n++
		}
	}
	return n
}
