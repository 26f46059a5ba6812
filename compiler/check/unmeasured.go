package check

// Whether a gate has measured what it releases.
//
// A gate sees the figures that its rules read, and those that gates see which it comes after. Where there are evaluations among them and each is of another model than
// the one that a deployment releases behind the gate, nothing that the gate asks is about that model:
//
//	evaluate "test"   { model = train.model … }
//	gate "release"    { rule "good" { assert = "evaluate.test.metrics.auc > 0.8" } }
//	deploy "http" "s" { model = train.line, gate = gate.release }                      warned of
//
// A model that was chosen among several is one of these, so that a gate that has measured them all has measured it. Nothing is said where a rule reads figures of the block
// that yields the model, nor where it reads some of which nobody knows what they are of: figures from a file, or of several evaluations together.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// unmeasured warns of deployments behind gates that have measured other models only.
func (c *checker) unmeasured() {
	for _, b := range c.m.Module.Blocks {
		if !b.TypeSpec.IsDeployment() {
			continue
		}
		gate, model := refAt(b, "gate"), refAt(b, "model")
		if gate == nil || model == nil {
			continue
		}
		seen, complete := c.seenByGate(gate.Target, map[string]bool{})
		measured, known := c.measuredModels(seen, model)
		if !complete || !known || len(measured) == 0 || c.isMeasured(model, measured) {
			continue
		}
		c.add(unmeasuredWarning(gate, model, measured))
	}
}

// refAt is the reference of a block at a path; nil if there is none.
func refAt(b *resolve.Block, path string) *resolve.Reference {
	for i := range b.Refs {
		if b.Refs[i].Path == path {
			return &b.Refs[i]
		}
	}
	return nil
}

// seenByGate are the blocks whose figures a gate sees, sorted by address; done are the gates that were looked at. It is not complete where a rule could not be compiled.
func (c *checker) seenByGate(address string, done map[string]bool) (out []*Block, complete bool) {
	gate := c.m.Blocks[address]
	if done[address] {
		return nil, true
	}
	done[address], complete = true, true
	rules := 0
	for _, t := range gate.Texts {
		if t.Spec.Type == schema.CEL {
			rules++
		}
	}
	complete = rules == len(gate.Rules)
	for _, r := range gate.Rules {
		for _, ref := range r.Rule.Refs() {
			for _, f := range c.m.FiguresAt(gate, r.Text.Value, ref.Path) {
				out = append(out, f.Block)
			}
		}
	}
	for _, r := range gate.Refs {
		if !c.m.Blocks[r.Target].TypeSpec.IsGate() {
			continue
		}
		more, all := c.seenByGate(r.Target, done)
		out, complete = append(out, more...), complete && all
	}
	slices.SortFunc(out, func(x, y *Block) int { return strings.Compare(x.Address, y.Address) })
	return slices.Compact(out), complete
}

// measurement is a model that a block has measured.
type measurement struct {
	by    *Block
	model *resolve.Reference
}

// measuredModels are the models that blocks with figures measure on rows. It is not known what all figures are of where some are of no rows and no model, or of
// the block that yields the model.
func (c *checker) measuredModels(blocks []*Block, model *resolve.Reference) (out []measurement, known bool) {
	for _, b := range blocks {
		rows := inputs(b.Block, schema.MeasuredRows)
		if b.Address == model.Target || b.TypeSpec.Yields(schema.FiguresPort) && len(rows) == 0 {
			return nil, false
		}
		for _, at := range rows {
			_, of, _ := c.scored(b.Block, at)
			if len(of) == 0 {
				return nil, false
			}
			for _, m := range of {
				out = append(out, measurement{b, m})
			}
		}
	}
	return out, true
}

// isMeasured reports whether a model is among those measured, or is chosen among models that all are.
func (c *checker) isMeasured(model *resolve.Reference, measured []measurement) bool {
	if slices.ContainsFunc(measured, func(m measurement) bool {
		return m.model.Target == model.Target && m.model.TargetPort == model.TargetPort
	}) {
		return true
	}
	b := c.m.Blocks[model.Target].Block
	among := models(b)
	if len(among) == 0 || len(inputs(b, schema.ChosenRows)) == 0 || len(inputs(b, schema.FittedRows)) > 0 {
		return false
	}
	return !slices.ContainsFunc(among, func(r *resolve.Reference) bool { return !c.isMeasured(r, measured) })
}

// unmeasuredWarning names the models that were measured instead.
func unmeasuredWarning(gate, model *resolve.Reference, measured []measurement) source.Diagnostic {
	d := source.Diagnostic{
		Severity: source.Warning, Code: source.CodeUnmeasured, Subject: gate.Range,
		Summary: fmt.Sprintf("%s lets %s pass, and has measured nothing of it", gate.Target, model.Target),
		Hint:    fmt.Sprintf("evaluate %s and let a rule read that, or deploy the model that is measured.", model.Target),
	}
	var of []string
	for _, m := range measured {
		of = append(of, fmt.Sprintf("%s (%s)", m.model.Target, m.by.Address))
		d.Related = append(d.Related, source.Related{Message: m.by.Address + " measures " + m.model.Target + " here", Range: m.model.Range})
	}
	d.Detail = "The figures that its rules read are those of " + strings.Join(of, ", ") + "."
	return d
}
