package cli

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/trace"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// requirementsArgument is what `mlp show` takes in place of an address to show the trace. No address is one word.
const requirementsArgument = "requirements"

// showRequirements prints the trace from each requirement to the blocks and rules that verify it, and their last
// verdicts. Requirements stand in the module's text, so unlike other commands that show, this one needs a module
// without mistakes.
func (a *app) showRequirements(ctx context.Context, vars workspace.Settings, format string) error {
	s, err := a.Open(ctx, vars)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := s.Requirements()
	if err != nil {
		return err
	}
	if format == "json" {
		return writeJSON(a.out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(a.out, "The module states no requirements: problem blocks do.")
		return nil
	}
	for _, r := range all {
		a.printRequirement(r)
	}
	return nil
}

// printRequirement prints one requirement, and below it each block that verifies it with its rules:
//
//	problem.fraud R1 · pass
//	  At least four of five frauds are found.
//	  gate.release                         pass
//	    pass         min_recall: evaluate.holdout.metrics.recall >= 0.8
func (a *app) printRequirement(r trace.Requirement) {
	w := a.out
	fmt.Fprintf(w, "%s %s · %s\n  %s\n", r.Problem, render.Line(r.Name), r.Verdict, render.Line(r.Text))
	if r.Link != "" {
		fmt.Fprintf(w, "  %s\n", render.Line(r.Link))
	}
	for _, v := range r.Verifies {
		fmt.Fprintf(w, "  %-36s %s\n", v.Address, v.Verdict)
		for _, rule := range v.Rules {
			severity := ""
			if rule.Severity == "warn" {
				severity = " (warns only)"
			}
			fmt.Fprintf(w, "    %-12s %s%s: %s\n", rule.Verdict, render.Line(rule.Name), severity, render.Line(rule.Assert))
		}
	}
}
