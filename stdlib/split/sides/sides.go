// Package sides is what the types of split have in common: three tables that share the rows of one.
//
// A split assigns each row to a side by one SQL expression; this package writes the sides and counts them.
//
// # How rows find their side
//
// Splits by hash (hash, group, and the validation share of column) give each row a position from 0 to 2^52 - 1 that depends
// on the seed and the row's key alone (Position), and cut the range of positions: with test = 0.2 and validation = 0.1
// positions below 0.2·2^52 are test, those below 0.3·2^52 validation, the rest train. A row therefore stays on its side
// when rows are added, removed or sorted otherwise, unlike with scikit-learn's train_test_split. With seed 7 and the key
// customer:
//
//	customer  hashed text  MD5 begins   position / 2^52  side
//	A12       7|3:A12      6f0d0f5…     0.434            train
//	B07       7|3:B07      6d781ad…     0.428            train
//	C33       7|3:C33      130542f…     0.074            test
//
// A stratified split ranks the rows of each stratum by position and cuts the ranks, so that its shares are exact and rows
// near a cut may change sides as the data grows. A split by time cuts the order of instants.
//
// Whatever the split, Run compares train and test afterwards (findOverlap): it reports how many rows of test stand in
// train too, but for key, entity, time and label, and how many entities have rows on both sides.
package sides

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// The sides, which are also the names of the ports.
const (
	Train      = "train"
	Validation = "validation"
	Test       = "test"
)

// Input is the port that the rows come by, and the name of their table in SQL.
const Input = "from"

// From is the attribute that all splits have.
var From = schema.Attr{Name: Input, Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Rows: schema.PassedRows,
	Doc: "The table to split."}

// Seed is the attribute of splits that assign rows by hash.
var Seed = schema.Attr{Name: "seed", Type: schema.Integer, Default: 0.0,
	Doc: "Another seed gives another assignment."}

// Fraction describes an attribute that holds the share of a side.
func Fraction(name string, required bool, doc string) schema.Attr {
	a := schema.Attr{Name: name, Type: schema.Number, Required: required, Doc: doc}
	if !required {
		a.Default = 0.0
	}
	return a
}

// Ports are what a split yields.
func Ports() []schema.Port {
	return []schema.Port{
		{Name: Train, Type: schema.TablePort, Side: schema.TrainSide, Doc: "The rows to learn from."},
		{Name: Validation, Type: schema.TablePort, Side: schema.ValidationSide, Doc: "The rows to stop, tune and decide on. Empty if no share is given to it."},
		{Name: Test, Type: schema.TablePort, Side: schema.TestSide, Doc: "The rows that nothing learns from."},
	}
}

// Shape is the shape of a split: every side has the columns of the table, and what the split says of it besides.
func Shape(req schema.ShapeRequest, problems []schema.Problem, say ...func(side *schema.Table)) schema.ShapeResult {
	r := schema.ShapeResult{
		Out: map[string]schema.Shape{},
		Figures: schema.Object(map[string]*schema.FigureType{
			"rows": schema.Object(map[string]*schema.FigureType{
				Train: schema.Count, Validation: schema.Count, Test: schema.Count,
			}),
			"overlap": schema.Object(map[string]*schema.FigureType{"rows": schema.Count, "entities": schema.Count}),
		}),
		Problems: problems,
	}
	side := *req.In[Input].Table
	for _, more := range say {
		more(&side)
	}
	for _, p := range Ports() {
		r.Out[p.Name] = schema.Shape{Type: schema.TablePort, Table: &side}
	}
	return r
}

// CheckFractions tells what is wrong with the shares of validation and test.
func CheckFractions(validation, test float64) []schema.Problem {
	var out []schema.Problem
	if !(validation >= 0 && validation < 1) {
		out = append(out, schema.Problem{Path: Validation, Summary: fmt.Sprintf("a share of %v is not possible", validation),
			Detail: "Expected a number of at least 0 and below 1."})
	}
	if !(test > 0 && test < 1) {
		out = append(out, schema.Problem{Path: Test, Summary: fmt.Sprintf("a share of %v is not possible", test),
			Detail: "Expected a number above 0 and below 1."})
	}
	if len(out) == 0 && validation+test >= 1 {
		out = append(out, schema.Problem{Path: Test, Summary: "validation and test leave nothing to train on",
			Detail: fmt.Sprintf("Their shares are %v and %v; the sum must be below 1.", validation, test)})
	}
	return out
}

// Split says which row goes where.
type Split struct {
	// Side is an expression that gives 'train', 'validation', 'test', or null for rows that go nowhere. It may use
	// window functions.
	Side string
	// Reason is the detail of the error where train or test comes out empty. Far explains, behind a colon, why a side's share
	// may be far from the one asked for: "rows with the same key are never parted, and some keys have many rows".
	Reason, Far string
	// Test and Validation are the shares of all rows asked for, from 0 to below 1; 0: none is asked for.
	Test, Validation float64
	// Drawn is how many groups are assigned to sides as wholes; 0: each row is assigned by itself.
	Drawn int64
	// Entity are the columns of what rows belong to, such as a patient, for the overlap of entities; nil: the table's entity.
	Entity []string
	// Timed says that rows are assigned in the order of time, so that an entity with rows on both sides is no surprise.
	Timed bool
}

// Run writes the sides and their figures. An empty train or test side is an *component.InputError.
func (p Split) Run(ctx context.Context, s *component.Stage) error {
	t := s.In[Input].Table
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = table.Quote(c.Name)
	}
	rows, paths := map[string]int64{}, map[string]string{}
	for _, port := range Ports() {
		out, err := s.OutputTable(port.Name)
		if err != nil {
			return err
		}
		paths[port.Name] = out
		sql := fmt.Sprintf("select %s from (select *, %s as __mlp_side from %s) where __mlp_side = '%s'",
			strings.Join(columns, ", "), p.Side, table.Quote(Input), port.Name)
		rows[port.Name], err = table.Run(ctx, table.Query{SQL: sql, Tables: map[string]string{Input: s.InputTable(Input)},
			Keys: map[string][]string{Input: t.Key}, OrderBy: t.Key, Columns: t.Columns, Threads: s.Threads, Out: out})
		if err != nil {
			return fmt.Errorf("writing the %s side: %w", port.Name, err)
		}
	}
	s.Logf("train %d, validation %d, test %d rows", rows[Train], rows[Validation], rows[Test])
	for _, side := range []string{Train, Test} {
		if rows[side] == 0 {
			return &component.InputError{
				Summary: fmt.Sprintf("%s: the %s side has no rows", s.Address, side), Detail: p.Reason}
		}
	}
	p.tellShares(s, rows)
	entity := t.Entity
	if p.Entity != nil {
		entity = p.Entity
	}
	common, err := findOverlap(ctx, t, entity, paths[Train], paths[Test])
	if err != nil {
		return fmt.Errorf("comparing the sides: %w", err)
	}
	if err := common.tell(ctx, s, p, paths[Train], rows); err != nil {
		return fmt.Errorf("comparing the sides: %w", err)
	}
	figures, undefined := common.figures()
	return s.WriteFigures(map[string]any{"rows": rows, "overlap": figures, "undefined": undefined})
}

// tellShares warns of a side that has another share of the rows than was asked for, by more than a tenth of it and by
// more than chance does.
func (p Split) tellShares(s *component.Stage, rows map[string]int64) {
	all := float64(rows[Train] + rows[Validation] + rows[Test])
	drawn := all
	if p.Drawn > 0 {
		drawn = float64(p.Drawn)
	}
	for _, side := range []string{Validation, Test} {
		asked := map[string]float64{Test: p.Test, Validation: p.Validation}[side]
		got := float64(rows[side]) / all
		if asked > 0 && math.Abs(got-asked) > max(0.1*asked, 4*math.Sqrt(asked*(1-asked)/drawn)) {
			s.Warnf("the %s side has %.0f %% of the rows, and %s = %v was asked for: %s", side, 100*got, side, asked, p.Far)
		}
	}
}
