// Package sides is what the types of split have in common: three tables that share the rows of one.
//
// A split assigns each row to a side by one SQL expression; this package writes the sides and counts them.
//
// # How rows find their side
//
// Splits by hash (hash, group, and the validation share of column) give each row a position from 0 to 2^52 - 1 that depends
// on the seed and the row's key alone (Position), and cut the range of positions: with test = 0.2 and validation = 0.1
// positions below 0.2·2^52 are test, those below 0.3·2^52 validation, then selection if it has a share, the rest train. A row therefore stays on its side
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
// Whatever the split, Run compares train with test and with selection afterwards (findOverlap): it reports how many of their rows stand
// in train too, but for key, entity, time and label, and how many entities have rows on both sides.
//
// # What each side is for
//
// A model is fitted on train, stopped and decided on validation. Of many models the best on some rows is there by luck, too, and the more
// so the more there are: so candidates are compared on selection, and the chosen one is measured on test, which nothing was chosen by.
package sides

import (
	"context"
	"fmt"
	"maps"
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
	Selection  = "selection" // there where it has rows
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
		{Name: Selection, Type: schema.TablePort, Side: schema.SelectionSide, Asked: true,
			Doc: "The rows to choose among models by: what `tune` and `select` compare on, and nothing is fitted, stopped or tested on. It is there where it is given rows."},
		{Name: Test, Type: schema.TablePort, Side: schema.TestSide, Doc: "The rows that nothing learns from."},
	}
}

// Shape is the shape of a split: every side has the columns of the table, and what the split says of it besides. selection says whether the
// block gives rows to that side.
func Shape(req schema.ShapeRequest, selection bool, problems []schema.Problem, say ...func(side *schema.Table)) schema.ShapeResult {
	rows := map[string]*schema.FigureType{}
	overlap := map[string]*schema.FigureType{"rows": schema.Count, "entities": schema.Count}
	if selection {
		overlap[Selection] = schema.Object(map[string]*schema.FigureType{"rows": schema.Count, "entities": schema.Count})
	}
	r := schema.ShapeResult{
		Out:      map[string]schema.Shape{},
		Figures:  schema.Object(map[string]*schema.FigureType{"rows": schema.Object(rows), "overlap": schema.Object(overlap)}),
		Problems: problems,
	}
	side := *req.In[Input].Table
	for _, more := range say {
		more(&side)
	}
	for _, p := range Ports() {
		if p.Asked && !selection {
			continue
		}
		rows[p.Name] = schema.Count
		r.Out[p.Name] = schema.Shape{Type: schema.TablePort, Table: &side}
	}
	return r
}

// Shares are the sides' shares of the rows, as blocks have them; train has the rest. Types of split embed them in their configuration.
type Shares struct {
	Test       float64 `json:"test"`
	Validation float64 `json:"validation"`
	Selection  float64 `json:"selection"` // 0: there is no such side
}

// Attrs are the attributes of the shares; of names what they are shares of: "rows".
func (Shares) Attrs(of string) []schema.Attr {
	return []schema.Attr{
		Fraction(Test, true, fmt.Sprintf("The test side's share of the %s, above 0 and below 1.", of)),
		Fraction(Validation, false, "The validation side's share."),
		SelectionShare("The selection side's share: of rows to choose among models by. Left out, there is no such side."),
	}
}

// SelectionShare is the attribute of the selection side's share. It has no default, so that a block without it is what it was.
func SelectionShare(doc string) schema.Attr {
	return schema.Attr{Name: Selection, Type: schema.Number, Doc: doc}
}

// Before is the sum of the shares of the sides before train, up to one of them: test, validation, selection.
func (s Shares) Before(side string) float64 {
	sum := s.Test
	for _, next := range []struct {
		name  string
		share float64
	}{{Test, 0}, {Validation, s.Validation}, {Selection, s.Selection}} {
		if sum += next.share; next.name == side {
			break
		}
	}
	return sum
}

// Case is an SQL expression of a row's side, where below is a condition for being among the given share of rows.
func (s Shares) Case(below func(share float64) string) string {
	out := fmt.Sprintf("case when %s then 'test' when %s then 'validation'", below(s.Test), below(s.Before(Validation)))
	if s.Selection > 0 {
		out += fmt.Sprintf(" when %s then 'selection'", below(s.Before(Selection)))
	}
	return out + " else 'train' end"
}

// Problems tells what is wrong with the shares.
func (s Shares) Problems() []schema.Problem {
	var out []schema.Problem
	for _, x := range []struct {
		name  string
		share float64
	}{{Validation, s.Validation}, {Selection, s.Selection}} {
		if !(x.share >= 0 && x.share < 1) {
			out = append(out, schema.Problem{Path: x.name, Summary: fmt.Sprintf("a share of %v is not possible", x.share),
				Detail: "Expected a number of at least 0 and below 1."})
		}
	}
	if !(s.Test > 0 && s.Test < 1) {
		out = append(out, schema.Problem{Path: Test, Summary: fmt.Sprintf("a share of %v is not possible", s.Test),
			Detail: "Expected a number above 0 and below 1."})
	}
	switch {
	case len(out) > 0 || s.Before(Selection) < 1:
	case s.Selection > 0:
		out = append(out, schema.Problem{Path: Test, Summary: "validation, selection and test leave nothing to train on",
			Detail: fmt.Sprintf("Their shares are %v, %v and %v; the sum must be below 1.", s.Validation, s.Selection, s.Test)})
	default:
		out = append(out, schema.Problem{Path: Test, Summary: "validation and test leave nothing to train on",
			Detail: fmt.Sprintf("Their shares are %v and %v; the sum must be below 1.", s.Validation, s.Test)})
	}
	return out
}

// Split says which row goes where.
type Split struct {
	// Side is an expression that gives 'train', 'validation', 'selection', 'test', or null for rows that go nowhere. It may use
	// window functions.
	Side string
	// Reason is the detail of the error where train or test comes out empty. Far explains, behind a colon, why a side's share
	// may be far from the one asked for: "rows with the same key are never parted, and some keys have many rows".
	Reason, Far string
	// Shares are the shares of all rows asked for, from 0 to below 1; 0: none is asked for.
	Shares
	// Figures are what the split says besides, by name; nil: nothing.
	Figures map[string]any
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
		if _, there := s.Out[port.Name]; port.Asked && !there {
			continue
		}
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
	said := fmt.Sprintf("train %d, validation %d, ", rows[Train], rows[Validation])
	needed := []string{Train, Test}
	if n, there := rows[Selection]; there {
		said += fmt.Sprintf("selection %d, ", n)
		needed = append(needed, Selection)
	}
	s.Logf("%stest %d rows", said, rows[Test])
	for _, side := range needed {
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
	undefined := map[string]string{}
	overlap := map[string]any{}
	for _, side := range needed[1:] {
		common, err := findOverlap(ctx, t, entity, paths[Train], paths[side])
		if err == nil {
			err = common.tell(ctx, s, p, side, paths[Train], rows)
		}
		if err != nil {
			return fmt.Errorf("comparing the sides: %w", err)
		}
		if side == Test {
			maps.Copy(overlap, common.figures("overlap.", undefined))
		} else {
			overlap[side] = common.figures("overlap."+side+".", undefined)
		}
	}
	figures := map[string]any{"rows": rows, "overlap": overlap, "undefined": undefined}
	maps.Copy(figures, p.Figures)
	return s.WriteFigures(figures)
}

// tellShares warns of a side that has another share of the rows than was asked for, by more than a tenth of it and by
// more than chance does.
func (p Split) tellShares(s *component.Stage, rows map[string]int64) {
	all := float64(rows[Train] + rows[Validation] + rows[Selection] + rows[Test])
	drawn := all
	if p.Drawn > 0 {
		drawn = float64(p.Drawn)
	}
	for _, side := range []string{Validation, Selection, Test} {
		asked := map[string]float64{Test: p.Test, Validation: p.Validation, Selection: p.Selection}[side]
		got := float64(rows[side]) / all
		if asked > 0 && math.Abs(got-asked) > max(0.1*asked, 4*math.Sqrt(asked*(1-asked)/drawn)) {
			s.Warnf("the %s side has %.0f %% of the rows, and %s = %v was asked for: %s", side, 100*got, side, asked, p.Far)
		}
	}
}
