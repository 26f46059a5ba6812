package check

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// Rows of a table behind a dataset.
//
// A dataset may filter, so that two of them over one source share no row, or all. Its rows are those of the input whose column the
// answer is (`dataset.old.is_fraud` as it stands in `source.payments`), and all of them if nothing decides on them. So where a model
// is fitted on some rows of a table and measured on all of it, or the other way round, it has seen what it is measured on.

// Twins are two sources whose files a model would be fitted and measured on, if one of their files were the same.
type Twins struct {
	Block, Model   string // evaluate.e, train.m; equal where the model validates by them
	Fitted, Asked  string // the sources
	Range, Related source.Range
}

// step is a table on the way that rows take, part of it where a dataset lets only some of them on.
type step struct {
	table
	part, dataset bool
	config        []byte
}

// mostWays bounds the ways that are followed back from one table: datasets that join datasets double them.
const mostWays = 64

// ways are the ways back from a table by which its rows came, the nearest table first; answer is its column to be predicted.
// At most mostWays are followed: a module in which joins double them at each step would have millions.
func (c *checker) ways(r *resolve.Reference, answer string) [][]step {
	var out [][]step
	var walk func(r *resolve.Reference, answer string, behind []step)
	walk = func(r *resolve.Reference, answer string, behind []step) {
		b := c.m.Blocks[r.Target]
		at := step{table: table{r.Target, r.TargetPort}}
		if len(behind) > len(c.m.Blocks) || len(out) == mostWays { // the first: a cycle
			return
		}
		next := c.behind(b, r.TargetPort, answer, &at)
		behind = append(slices.Clone(behind), at)
		found := false
		for i := range b.Refs {
			from := &b.Refs[i]
			if column, ok := next[from.Port]; ok {
				walk(from, column, behind)
				found = true
			}
		}
		if !found {
			out = append(out, behind)
		}
	}
	walk(r, answer, nil)
	return out
}

// behind are the inputs that a table of a block has its rows of, each with the answer's name there; empty where that table has no
// such column, as before a label was added.
func (c *checker) behind(b *Block, port, answer string, at *step) map[string]string {
	next := map[string]string{}
	for _, from := range inputs(b.Block, schema.PassedRows) {
		next[from.Port] = ""
		if t := b.In[from.Port].Table; t != nil && t.Column(answer) != nil {
			next[from.Port] = answer
		}
	}
	if len(inputs(b.Block, schema.DrawnRows)) == 0 {
		return next
	}
	at.dataset, at.config = true, b.Config
	if t := b.Out[port].Table; t != nil {
		at.part = t.Rows != nil
		return copied(b, t.Column(answer))
	}
	return next
}

// copied are the inputs of a dataset that have a column as it stands, with its name there.
// It goes by lineage and not by names: a column that was renamed is still the same values.
func copied(b *Block, c *schema.Column) map[string]string {
	out := map[string]string{}
	if c == nil {
		return out
	}
	names := c.Lineage.Names()
	for port, in := range b.In {
		if in.Table == nil {
			continue
		}
		for _, from := range in.Table.Columns {
			if slices.ContainsFunc(from.Lineage.Names(), func(n string) bool { return slices.Contains(names, n) }) {
				out[port] = from.Name
			}
		}
	}
	return out
}

// sameRows warns where a block measures a model, or validates it, on rows that a trainer fitted it on, as far as datasets let them
// through, and reports whether it did. It tells nothing of what overlap finds.
func (c *checker) sameRows(b *resolve.Block, at *resolve.Reference, trainer, target string, fitted *resolve.Reference) bool {
	if target == "" {
		return false
	}
	for _, x := range c.ways(fitted, target) {
		for _, y := range c.ways(at, target) {
			if c.shared(b, at, trainer, fitted, x, y) {
				return true
			}
		}
	}
	return false
}

// shared reports whether two ways of rows begin at one table with no split in between, and adds the warning. Ways from two sources whose
// files may hold the same bytes are noted in Module.Twins; only a plan knows the bytes.
func (c *checker) shared(b *resolve.Block, at *resolve.Reference, trainer string, fitted *resolve.Reference, x, y []step) bool {
	for i := range x {
		for j := range y {
			same := x[i].table == y[j].table || c.sameFile(x[i].block, y[j].block)
			twins := !same && c.sourcePath(x[i].block) != "" && c.sourcePath(y[j].block) != ""
			if !same && !twins {
				continue
			}
			left, right := x[:i], y[:j]
			if c.apart(tables(left), tables(right)) || part(left) && part(right) && !alikeFiltered(left, right) {
				return false
			}
			if twins {
				c.m.Twins = append(c.m.Twins, Twins{b.Address, trainer, x[i].block, y[j].block, at.Range, fitted.Range})
				return false
			}
			if !slices.ContainsFunc(slices.Concat(left, right), func(s step) bool { return s.dataset }) {
				return false // overlap tells
			}
			c.add(SameRows{Block: b.Address, Model: trainer, At: at.Range, Fitted: fitted.Range,
				Why: c.way(x[:i+1]) + " and " + c.way(y[:j+1]) + " have their rows of one table, and no split keeps them apart."}.Diagnostic())
			return true
		}
	}
	return false
}

// SameRows says that a block measures a model on rows that it was fitted on.
type SameRows struct {
	Block, Model string       // addresses; equal where a trainer validates on rows that it learns from
	At           source.Range // where the block reads the rows
	Fitted       source.Range // where the model's trainer does
	Why          string       // a sentence: how it is known
}

// Diagnostic is the warning of that.
func (s SameRows) Diagnostic() source.Diagnostic {
	d := source.Diagnostic{Severity: source.Warning, Code: source.CodeSameRows, Subject: s.At,
		Summary: fmt.Sprintf("%s measures %s on rows that it was trained on", s.Block, s.Model),
		Detail:  s.Why + " Figures on rows that a model has seen say nothing of new rows.",
		Hint:    "split the table first, and make a dataset of each side.",
		Related: []source.Related{{Message: s.Model + " reads them here", Range: s.Fitted}},
	}
	if s.Block == s.Model {
		d.Summary, d.Related = s.Block+" learns from rows that it validates on", nil
	}
	return d
}

// target is the column that a trainer predicts.
func target(b *Block) string {
	for _, s := range b.Out {
		if s.Model != nil && s.Model.Target != "" {
			return s.Model.Target
		}
	}
	return ""
}

// tables are the tables of steps.
func tables(steps []step) []table {
	out := make([]table, len(steps))
	for i, s := range steps {
		out[i] = s.table
	}
	return out
}

// part reports whether a step lets only some rows on.
func part(steps []step) bool { return slices.ContainsFunc(steps, func(s step) bool { return s.part }) }

// alikeFiltered reports whether two ways leave out the same rows: by datasets that say the same, in the same order.
func alikeFiltered(a, b []step) bool {
	parts := func(steps []step) [][]byte {
		var out [][]byte
		for _, s := range steps {
			if s.part {
				out = append(out, s.config)
			}
		}
		return out
	}
	return slices.EqualFunc(parts(a), parts(b), bytes.Equal)
}

// way writes the tables that rows came through, the first one first.
func (c *checker) way(steps []step) string {
	var names []string
	for _, s := range slices.Backward(steps) {
		name := s.block
		if !schema.IsOwn(c.m.Blocks[s.block].TypeSpec.Out, s.port) {
			name += "." + s.port
		}
		names = append(names, name)
	}
	return strings.Join(names, " → ")
}
