package ledger

import (
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/trace"
	"github.com/mlp-lang/mlp/lang/address"
)

// All lists what is recorded, a line a block; those of blocks that are in no file are marked.
// The order is the caller's. A block that was taken out of the files stays in the state until the next apply removes it;
// it is listed with the remark so that nobody looks for it in vain:
//
//	train.model                          3d1d92
//	gate.release                         pass
//	deploy.live                          live: train.model 83d9da
//	monitor.gone                         3d1d92  (of a block that is in no file)
func All(w io.Writer, title string, all []*Block, inFile func(address string) bool) error {
	p := &printer{}
	p.Line("%s", title)
	trials := map[string]int{}
	for _, x := range all {
		if render.OfTrial(x.Address) {
			trials[address.Block(x.Address)]++
		}
	}
	for _, x := range all {
		if of := address.Block(x.Address); render.OfTrial(x.Address) && x.Damaged == "" { // one line for all of a block
			if trials[of] > 0 {
				p.Line("  %-36s %d", "trials of "+of, trials[of])
			}
			trials[of] = 0
			continue
		}
		what := x.Fingerprint.Short()
		if x.Check != nil {
			what += "  " + string(x.Check.Verdict)
		}
		if x.Gate != nil {
			what = string(x.Gate.Verdict)
		}
		if x.Release != nil {
			what += fmt.Sprintf("  live: %s %s", x.Release.From, x.Release.Model.Short())
			if r := x.Release.Rollout; r != nil {
				what += fmt.Sprintf("  %s: %s %s", render.Line(string(r.Strategy.Role)), render.Line(r.Next.From), r.Next.Model.Short())
			}
		}
		if x.Damaged != "" {
			what += "  damaged: " + x.Damaged
		}
		if !inFile(x.Address) {
			what += "  (of a block that is in no file)"
		}
		p.Line("  %-36s %s", x.Address, strings.TrimSpace(what))
	}
	_, err := io.WriteString(w, p.String())
	return err
}

// Requirements writes the trace from each requirement to the blocks and rules that verify it, and their last verdicts.
// For instance, where two rules of a gate verify one requirement and one of them only warns:
//
//	problem.fraud R1 · pass
//	  The model finds nine in ten frauds.
//	  gate.release                         pass
//	    pass         recall: evaluate.test.metrics.recall >= 0.9
//	    pass         fair (warns only): evaluate.test.fairness.region.recall_difference.value < 0.1
func Requirements(w io.Writer, all []trace.Requirement) error {
	p := &printer{}
	for _, r := range all {
		p.Line("%s %s · %s\n  %s", r.Problem, render.Line(r.Name), r.Verdict, render.Line(r.Text))
		if r.Link != "" {
			p.Line("  %s", render.Line(r.Link))
		}
		for _, v := range r.Verifies {
			p.Line("  %-36s %s", v.Address, v.Verdict)
			for _, rule := range v.Rules {
				severity := ""
				if rule.Severity == "warn" {
					severity = " (warns only)"
				}
				p.Line("    %-12s %s%s: %s", rule.Verdict, render.Line(rule.Name), severity, render.Line(rule.Assert))
			}
		}
	}
	_, err := io.WriteString(w, p.String())
	return err
}
