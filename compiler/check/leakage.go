package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// leakage looks at which rows models learn from and are measured on. Leaking columns are told by the trainers.
//
// Figures on rows that a model was fitted on say how well it remembers, and figures on rows that its threshold was
// chosen by are too good by what the choice gained by chance. So each input of a block says in the schema what its rows
// are to a model: fitted, chosen, measured, scored, or passed on; a model carries along what it has seen (seen.go); and
// where a block measures a model, chooses among several, or makes one of several, the ways of its rows are followed back to see whether they meet those (rowsOf, ways).
// Two ways that meet are apart if a split that treats rows alike sends them to different sides:
//
//	source.payments → split.s.train → train.m
//	source.payments → split.s.test  → evaluate.e      apart at split.s
//	source.payments → evaluate.x                      not apart: an error
func (c *checker) leakage() {
	told := map[string]bool{} // blocks that make a model, by address and port
	for _, b := range c.m.Module.Blocks {
		c.fitting(b, told)
	}
	for _, b := range c.m.Module.Blocks {
		for _, at := range inputs(b, schema.MeasuredRows, schema.ChosenRows, schema.FittedRows, schema.CalibratedRows) {
			if at.Spec.Rows != schema.MeasuredRows && len(models(b)) == 0 {
				continue // rows that a fit learns from or stops by, and not ones that models are compared on, or put together by
			}
			scorer, of, rows := c.scored(b, at)
			for _, model := range of {
				if model.Spec.Continues && at.Spec.Rows == schema.FittedRows {
					continue // it goes on learning, from the same rows or from newer ones
				}
				c.measured(b, at, rows, model, told)
			}
			if scorer != b && len(of) == 1 {
				c.baseline(b, scorer, of[0])
			}
		}
	}
}

// fitting adds a diagnostic for each model that learns from the test side of a split, or is chosen by it: data = split.s.test.
// The first split on the way back from a table decides: what was split off a train side may be split again, and the test
// side of that is held to the inner split. What has been told is kept in told, so that no later rule says the same in
// other words.
func (c *checker) fitting(b *resolve.Block, told map[string]bool) {
	for _, r := range inputs(b, schema.FittedRows, schema.ChosenRows, schema.CalibratedRows) {
		for _, at := range c.rowsOf(r) {
			target := c.m.Blocks[at.block]
			if !target.TypeSpec.Splits() {
				continue
			}
			if target.TypeSpec.SideOf(at.port) == schema.TestSide {
				told[b.Address+" "+r.Port] = true
				c.add(source.Diagnostic{
					Severity: source.Error, Code: source.CodeFittedOnTest, Subject: r.Range,
					Summary: fmt.Sprintf("%s fits on the test side of %s", b.Address, at.block),
					Detail:  "Figures on rows that a model has learnt from, or that its threshold was chosen by, say nothing of new rows.",
					Hint:    c.meant(r, target),
				})
			}
			break // a split of a side starts anew
		}
	}
	for _, data := range inputs(b, schema.FittedRows) {
		for _, validation := range inputs(b, schema.ChosenRows, schema.CalibratedRows) {
			if !c.overlap(data, validation) {
				c.sameRows(b, validation, b.Address, target(c.m.Blocks[b.Address]), data)
				continue
			}
			if validation.Spec.Rows == schema.CalibratedRows {
				c.add(source.Diagnostic{
					Severity: source.Error, Code: source.CodeMeasuredOnFitted, Subject: validation.Range,
					Summary: fmt.Sprintf("%s calibrates on rows that it learns from", b.Address),
					Detail:  "A model is surer of rows that it has learnt from than of others, and its probabilities would stay as sure.",
					Hint:    "give it rows of the validation side of the split that data comes from.",
				})
				continue
			}
			c.add(source.Diagnostic{
				Severity: source.Warning, Code: source.CodeMeasuredOnFitted, Subject: validation.Range,
				Summary: fmt.Sprintf("%s learns from rows that it validates on", b.Address),
				Detail:  "Early stopping and a threshold chosen on rows that the model has learnt from are too optimistic.",
				Hint:    "give it the validation side of the split that data comes from.",
			})
		}
	}
}

// measured adds a diagnostic where b measures a model on rows that the model has seen. at is where these rows, or predictions for
// them, come into b; rows is where the rows come in to be scored.
func (c *checker) measured(b *resolve.Block, at, rows, model *resolve.Reference, told map[string]bool) {
	m := c.modelAt(model)
	if m == nil {
		return
	}
	for _, s := range m.Seen {
		if s.Use == schema.UnknownRows {
			continue
		}
		r := input(c.m.Blocks[s.By].Block, s.Port)
		if told[s.By+" "+s.Port] || s.Use != schema.FittedRows && at.Spec.Rows != schema.MeasuredRows && at.Spec.Rows != schema.FittedRows && fits(b) {
			continue // its threshold and its probabilities may be found where those of its members were
		}
		if !c.overlap(rows, r) {
			continue
		}
		c.add(c.beforehand(b, at, rows, model, s, r))
		return
	}
	for _, s := range m.Seen {
		r := input(c.m.Blocks[s.By].Block, s.Port)
		if s.Use == schema.FittedRows && !told[s.By+" "+s.Port] && c.sameRows(b, at, s.By, m.Target, r) {
			return
		}
	}
	c.unknown(b, at, model, m, told)
}

// unknown adds a diagnostic where b measures a model of which nobody says what it was trained on: once for each such model.
func (c *checker) unknown(b *resolve.Block, at, model *resolve.Reference, m *schema.Model, told map[string]bool) {
	for _, s := range m.Seen {
		if s.Use != schema.UnknownRows || told[s.By] {
			continue
		}
		told[s.By] = true
		c.add(source.Diagnostic{
			Severity: source.Warning, Code: source.CodeUnknownRows, Subject: at.Range,
			Summary: fmt.Sprintf("%s may measure %s on rows that %s was trained on", b.Address, model.Target, itself(model.Target, s.By)),
			Detail:  fmt.Sprintf("The model of %s was trained elsewhere, and nothing says on which rows. Figures on rows that a model has seen say nothing of new rows.", s.By),
			Hint:    fmt.Sprintf("name the tables in %s: trained_on = [TABLE]; or, if none of these rows was among them, trained_elsewhere = true.", s.By),
		})
	}
}

// beforehand says that b takes what a model says of rows which it has seen before: at r, as s has it.
func (c *checker) beforehand(b *resolve.Block, at, rows, model *resolve.Reference, s schema.Seen, r *resolve.Reference) source.Diagnostic {
	does := fmt.Sprintf("%s measures %s on rows that ", b.Address, model.Target)
	if fits(b) {
		does = fmt.Sprintf("%s learns from what %s says of rows that ", b.Address, model.Target)
	}
	d := source.Diagnostic{
		Severity: source.Error, Code: source.CodeMeasuredOnFitted, Subject: at.Range,
		Summary: does + itself(model.Target, s.By) + " was trained on",
		Detail:  "Figures on rows that a model has seen say nothing of new rows.",
		Hint:    "evaluate on the test side of a split, and train on its train side.",
		Related: []source.Related{{Message: s.By + " reads them here", Range: r.Range}},
	}
	switch {
	case model.Spec.Continues:
		return c.continued(b, at, model, s, d)
	case rows != at:
		d.Hint = "let " + at.Target + " score rows of another time, or the test side of a split."
	case fits(b):
		d.Detail = "A model is surer of rows that it has learnt from than of others: the one that has most of them by heart would count most."
		d.Hint = "take rows that no member was fitted on, such as the selection side of a split."
	case at.Spec.Rows == schema.ChosenRows:
		d.Hint = c.selection(r)
	}
	switch s.Use {
	case schema.CalibratedRows:
		d.Severity = source.Warning
		d.Summary = fmt.Sprintf("%sthe probabilities of %s were calibrated on", does, s.By)
		d.Detail = "Figures of probabilities, such as the log loss, are too good there by as much as the calibration follows single rows."
		d.Hint = "measure on rows that nothing of the model was fitted on, such as the test side of a split."
	case schema.ChosenRows:
		d.Severity = source.Warning
		d.Summary = does + c.chose(model.Target, s, r)
		d.Detail = "The figures are too good by as much as the choice gained there by chance. To compare candidates take rows that none was fitted, stopped " +
			"or decided by, and that are not those of the test either."
		d.Hint = c.selection(r)
	}
	return d
}

// continued says that a block goes on with a model that was fitted on the rows that it is to be stopped, decided or calibrated by.
func (c *checker) continued(b *resolve.Block, at, model *resolve.Reference, s schema.Seen, d source.Diagnostic) source.Diagnostic {
	d.Summary = fmt.Sprintf("%s goes on with %s, and its %s has rows that %s was trained on", b.Address, model.Target, at.Path, itself(model.Target, s.By))
	d.Detail = "A model is surer of rows that it has learnt from than of others: early stopping, parameters, a threshold or probabilities that go by them are too optimistic."
	d.Hint = "take rows that neither was fitted on, such as the validation side of the split that " + s.By + " was fitted on."
	return d
}

// fits reports whether a block makes a model by a fit of its own, perhaps of other models.
func fits(b *resolve.Block) bool {
	return slices.ContainsFunc(b.TypeSpec.Body.Attrs, func(a schema.Attr) bool { return a.Rows == schema.FittedRows }) && len(models(b)) > 0
}

// modelAt is what is known of the model that flows in at a reference; nil if nothing is.
func (c *checker) modelAt(r *resolve.Reference) *schema.Model {
	return c.m.Blocks[r.Target].Out[r.TargetPort].Model
}

// itself names who has seen rows in a sentence about a model.
func itself(model, by string) string {
	if model == by {
		return "it"
	}
	return by
}

// chose says what rows decided of a model: in the block that made it, in one that chose it among others, or by figures that it
// was selected by.
func (c *checker) chose(model string, s schema.Seen, r *resolve.Reference) string {
	by := c.m.Blocks[s.By].Block
	among := len(models(by)) > 0 && !fits(by) || c.selects(r) != nil
	switch {
	case r.Spec.Rows == schema.MeasuredRows:
		return "it was chosen by, in " + s.By
	case among && model == s.By:
		return "it was chosen by"
	case among:
		return s.By + " was chosen by"
	case model == s.By:
		return "its threshold and early stopping were chosen by"
	}
	return "the threshold and early stopping of " + s.By + " were chosen by"
}

// selects is the split of whose selection side the rows of a reference are; nil if they are of none.
func (c *checker) selects(r *resolve.Reference) *Block {
	for _, at := range c.rowsOf(r) {
		if split := c.m.Blocks[at.block]; split.TypeSpec.Splits() {
			if split.TypeSpec.SideOf(at.port) == schema.SelectionSide {
				return split
			}
			break
		}
	}
	return nil
}

// input is the reference of a block's input port; nil if there is none, as at no port that a Seen names.
func input(b *resolve.Block, port string) *resolve.Reference {
	for i := range b.Refs {
		if r := &b.Refs[i]; r.Port == port && r.Edge == schema.InputEdge {
			return r
		}
	}
	return nil
}

// meant says which side of a split an input is to have instead of the test side: the one that it is named after, else the train side of what
// fits and the validation side of what chooses.
func (c *checker) meant(r *resolve.Reference, split *Block) string {
	side := map[schema.RowUse]schema.Side{schema.FittedRows: schema.TrainSide, schema.ChosenRows: schema.ValidationSide, schema.CalibratedRows: schema.ValidationSide}[r.Spec.Rows]
	if named := split.TypeSpec.SideOf(r.Path); named != "" {
		side = named
	}
	port := split.TypeSpec.PortOf(side)
	hint := fmt.Sprintf("%s = %s.%s", r.Path, split.Address, port)
	if _, there := split.Out[port]; !there && side == schema.SelectionSide {
		hint += ", and " + c.askFor(split)
	}
	return hint
}

// askFor says how a split gets rows to choose among models by.
func (c *checker) askFor(split *Block) string {
	return fmt.Sprintf("set %s in %s, such as %[1]s = 0.1", split.TypeSpec.PortOf(schema.SelectionSide), split.Address)
}

// selection says which rows candidates are to be compared on, where the rows of a reference have chosen of each already: the selection side of
// the split that they come from, or where a split has no such side a split of them.
func (c *checker) selection(validation *resolve.Reference) string {
	if split := c.selects(validation); split != nil {
		return fmt.Sprintf("measure the one that is chosen on %s.%s", split.Address, split.TypeSpec.PortOf(schema.TestSide))
	}
	for _, at := range c.rowsOf(validation) {
		split := c.m.Blocks[at.block]
		if !split.TypeSpec.Splits() {
			continue
		}
		port := split.TypeSpec.PortOf(schema.SelectionSide)
		if port == "" {
			break
		}
		hint := fmt.Sprintf("compare candidates on %s.%s, and keep the test side for the one that is chosen", split.Address, port)
		if _, there := split.Out[port]; !there {
			hint = c.askFor(split) + "; " + hint
		}
		return hint
	}
	side := validation.Target + "." + validation.TargetPort
	return fmt.Sprintf(`split these rows: split "hash" "choice" { from = %s, test = 0.5, seed = 1 }; stop and decide on split.choice.train, `+
		`compare candidates on split.choice.test, and keep the test side for the one that is chosen`, side)
}

// baseline adds a diagnostic for a monitor whose baseline measures another model than the one that scorer has scored rows with.
// Where it is not plain which model the baseline measures, nothing is said.
func (c *checker) baseline(b, scorer *resolve.Block, is *resolve.Reference) {
	for i := range b.Refs {
		r := &b.Refs[i]
		if r.Edge != schema.InputEdge || !r.Spec.Takes(schema.FiguresPort) {
			continue
		}
		was := models(c.m.Blocks[r.Target].Block)
		if len(was) != 1 || was[0].Target == is.Target && was[0].TargetPort == is.TargetPort {
			continue
		}
		c.add(source.Diagnostic{
			Severity: source.Error, Code: source.CodeOtherModel, Subject: r.Range,
			Summary: fmt.Sprintf("%s measures %s, and the predictions are those of %s", r.Target, was[0].Target, is.Target),
			Detail:  "The difference would be between two models, not between then and now.",
			Hint:    "name an evaluation of " + is.Target + ".",
			Related: []source.Related{{Message: scorer.Address + " scores with it here", Range: is.Range}},
		})
	}
}

// table is a port that carries one.
type table struct{ block, port string }

// rowsOf is a table and those that its rows are taken from one by one, the nearest first. Rows of datasets and features
// are their own.
func (c *checker) rowsOf(r *resolve.Reference) []table {
	var out []table
	for r != nil {
		out = append(out, table{r.Target, r.TargetPort})
		b := c.m.Blocks[r.Target]
		if len(out) > len(c.m.Blocks) {
			break // a cycle
		}
		r = nil
		if passed := inputs(b.Block, schema.PassedRows); len(passed) > 0 {
			r = passed[0]
		}
	}
	return out
}

// overlap reports whether two tables share rows: they are the same, or come from the same, and no split keeps them apart.
func (c *checker) overlap(a, b *resolve.Reference) bool {
	left, right := c.rowsOf(a), c.rowsOf(b)
	for i, x := range left {
		for j, y := range right {
			if x == y || c.sameFile(x.block, y.block) {
				return !c.apart(left[:i], right[:j])
			}
		}
	}
	return false
}

// sameFile reports whether two sources read a file that is the same by its path, or by a pattern that the other's path fits.
func (c *checker) sameFile(x, y string) bool {
	a, b := c.sourcePath(x), c.sourcePath(y)
	fits := func(pattern, name string) bool { ok, err := path.Match(pattern, name); return err == nil && ok }
	return a != "" && b != "" && (a == b || fits(a, b) || fits(b, a))
}

// sourcePath is the path that a source reads; empty if the block is none, or reads no file.
// It is compared by text: whether two paths lead to one file only the disk says, and files are not looked at here.
func (c *checker) sourcePath(address string) string {
	b := c.m.Blocks[address]
	if !b.TypeSpec.IsSource() {
		return ""
	}
	var of struct {
		Path string `json:"path"`
	}
	if json.Unmarshal(b.Config, &of) != nil || of.Path == "" {
		return ""
	}
	name := strings.ReplaceAll(of.Path, "\\", "/")
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(b.Dir, name) // of a called module: its own folder
}

// apart reports whether two ways from the same table lead to different sides of a split, or of two that split alike.
// The side of a row must depend on the row alone for that, as splits by time, group or hash are.
func (c *checker) apart(left, right []table) bool {
	for _, x := range left {
		for _, y := range right {
			if x.port != y.port && c.splitsAlike(x.block, y.block) {
				return true
			}
		}
	}
	return false
}

// splitsAlike reports whether two blocks put a row on the same side: a split and itself, or another one that is configured alike.
func (c *checker) splitsAlike(x, y string) bool {
	a, b := c.m.Blocks[x], c.m.Blocks[y]
	return a.TypeSpec.Splits() && a.TypeSpec == b.TypeSpec && bytes.Equal(a.Config, b.Config)
}
