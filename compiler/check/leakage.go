package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// leakage looks at which rows models learn from and are measured on. Leaking columns are told by the trainers.
func (c *checker) leakage() {
	told := map[string]bool{} // trainers, by address and port
	for _, b := range c.m.Module.Blocks {
		if b.Kind == "train" {
			c.fitting(b, told)
		}
	}
	for _, b := range c.m.Module.Blocks {
		switch b.Kind {
		case "evaluate":
			c.measured(b, input(b, "data"), b, told)
		case "monitor":
			if r := input(b, "predictions"); r != nil && c.m.Blocks[r.Target] != nil {
				c.measured(b, r, c.m.Blocks[r.Target].Block, told)
				c.baseline(b, c.m.Blocks[r.Target].Block)
			}
		}
	}
}

// input is the reference of a block's input port, nil if there is none.
func input(b *resolve.Block, port string) *resolve.Reference {
	for i := range b.Refs {
		if r := &b.Refs[i]; r.Port == port && r.Edge == schema.InputEdge {
			return r
		}
	}
	return nil
}

// fitting tells of a model that learns from the test side of a split, or stops by it.
func (c *checker) fitting(b *resolve.Block, told map[string]bool) {
	data, validation := input(b, "data"), input(b, "validation")
	for _, r := range []*resolve.Reference{data, validation} {
		if r == nil {
			continue
		}
		for _, at := range c.rowsOf(r) {
			target := c.m.Blocks[at.block]
			if target == nil || target.Kind != "split" {
				continue
			}
			if at.port == "test" {
				told[b.Address+" "+r.Port] = true
				c.add(source.Diagnostic{
					Severity: source.Error, Code: "MLP1406", Subject: r.Range,
					Summary: fmt.Sprintf("%s fits on the test side of %s", b.Address, at.block),
					Detail:  "Figures on rows that a model has learnt from, or that its threshold was chosen by, say nothing of new rows.",
					Hint:    fmt.Sprintf("%s = %s.%s", r.Path, at.block, map[bool]string{true: "validation", false: "train"}[r == validation]),
				})
			}
			break // a split of a side starts anew
		}
	}
	if data != nil && validation != nil && c.overlap(data, validation) {
		c.add(source.Diagnostic{
			Severity: source.Warning, Code: "MLP1407", Subject: validation.Range,
			Summary: fmt.Sprintf("%s learns from rows that it validates on", b.Address),
			Detail:  "Early stopping and a threshold chosen on rows that the model has learnt from are too optimistic.",
			Hint:    "give it the validation side of the split that data comes from.",
		})
	} else if data != nil && validation != nil {
		c.sameRows(b, validation, c.m.Blocks[b.Address], data)
	}
}

// measured tells of a model that b measures on rows that it was fitted on. scorer is the block that scores the rows: b
// itself, or the deployment whose predictions come in at the reference at.
func (c *checker) measured(b *resolve.Block, at *resolve.Reference, scorer *resolve.Block, told map[string]bool) {
	data, model := input(scorer, "data"), input(scorer, "model")
	if at == nil || data == nil || model == nil {
		return
	}
	trainer := c.m.Blocks[model.Target]
	if trainer == nil || trainer.Kind != "train" {
		return
	}
	for _, port := range []string{"data", "validation"} {
		r := input(trainer.Block, port)
		if r == nil || told[trainer.Address+" "+port] || !c.overlap(data, r) {
			continue
		}
		d := source.Diagnostic{
			Severity: source.Error, Code: "MLP1407", Subject: at.Range,
			Summary: fmt.Sprintf("%s measures %s on rows that it was trained on", b.Address, trainer.Address),
			Detail:  "Figures on rows that a model has seen say nothing of new rows.",
			Hint:    "evaluate on the test side of a split, and train on its train side.",
			Related: []source.Related{{Message: trainer.Address + " reads them here", Range: r.Range}},
		}
		if b != scorer {
			d.Hint = "let " + scorer.Address + " score rows of another time, or the test side of a split."
		}
		if port == "validation" {
			d.Severity = source.Warning
			d.Summary = fmt.Sprintf("%s measures %s on rows that its threshold and early stopping were chosen by", b.Address, trainer.Address)
			d.Detail = "The figures are too good by as much as the choice gained there by chance. To compare candidates take rows that none was fitted, stopped " +
				"or decided by, and that are not those of the test either."
			d.Hint = c.selection(r)
		}
		c.add(d)
		return
	}
	if r := input(trainer.Block, "data"); r != nil && !told[trainer.Address+" data"] {
		c.sameRows(b, at, trainer, r)
	}
}

// selection says how to get a second validation part, for choosing among candidates, out of the rows that a trainer stops and
// decides by.
func (c *checker) selection(validation *resolve.Reference) string {
	side := validation.Target + "." + validation.TargetPort
	return fmt.Sprintf(`split these rows in two: split "hash" "choice" { from = %s, test = 0.5, seed = 1 }; stop and decide on split.choice.train, `+
		`compare candidates on split.choice.test, and keep the test side for the one that is chosen`, side)
}

// baseline tells of a monitor whose baseline measures another model than the one that scorer has scored rows with.
func (c *checker) baseline(b, scorer *resolve.Block) {
	r := input(b, "baseline")
	if r == nil || c.m.Blocks[r.Target] == nil {
		return
	}
	was, is := input(c.m.Blocks[r.Target].Block, "model"), input(scorer, "model")
	if was == nil || is == nil || was.Target == is.Target {
		return
	}
	c.add(source.Diagnostic{
		Severity: source.Error, Code: "MLP1409", Subject: r.Range,
		Summary: fmt.Sprintf("%s measures %s, and the predictions are those of %s", r.Target, was.Target, is.Target),
		Detail:  "The difference would be between two models, not between then and now.",
		Hint:    "name an evaluation of " + is.Target + ".",
		Related: []source.Related{{Message: scorer.Address + " scores with it here", Range: is.Range}},
	})
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
		if b == nil || len(out) > len(c.m.Blocks) {
			break
		}
		switch b.Kind {
		case "split":
			r = input(b.Block, "from")
		case "label":
			r = input(b.Block, "on")
		case "training_set":
			r = input(b.Block, "spine")
		default:
			r = nil
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
func (c *checker) sourcePath(address string) string {
	b := c.m.Blocks[address]
	if b == nil || b.Kind != "source" {
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

func (c *checker) splitsAlike(x, y string) bool {
	a, b := c.m.Blocks[x], c.m.Blocks[y]
	if a == nil || b == nil || a.Kind != "split" || b.Kind != "split" {
		return false
	}
	return x == y || a.Type == b.Type && bytes.Equal(a.Config, b.Config)
}
