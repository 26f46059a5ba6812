package planner

import (
	"fmt"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
)

// twins warns of models that are measured on a file of the same bytes as one that they were fitted on, whatever either
// is called: test.csv that is a copy of train.csv. Each block and model are told once. What is fetched has no files
// here.
func (p *planner) twins() {
	told := map[[2]string]bool{}
	for _, t := range p.m.Twins {
		of := [2]string{t.Block, t.Model}
		if told[of] {
			continue
		}
		// Empty files are all the same and say nothing.
		fitted := map[plan.Digest]string{}
		for _, f := range p.files(t.Fitted) {
			fitted[f.Digest] = f.Name
		}
		for _, f := range p.files(t.Asked) {
			if name, ok := fitted[f.Digest]; ok && f.Size > 0 {
				told[of] = true
				p.report(check.SameRows{Block: t.Block, Model: t.Model, At: t.Range, Fitted: t.Related,
					Why: fmt.Sprintf("%s of %s and %s of %s hold the same bytes.", f.Name, t.Asked, name, t.Fitted)}.Diagnostic())
				break
			}
		}
	}
}

// files of a source, as far as the plan knows them.
func (p *planner) files(source string) []plan.ExternalFile {
	if n := p.nodes[source]; n != nil {
		for _, in := range n.Inputs {
			if in.External != nil {
				return in.External.Files
			}
		}
	}
	return nil
}
