package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/trace"
	"github.com/mlp-lang/mlp/runtime/store"
)

// requirementsArgument is what `mlp show` takes in place of an address to show the trace.
const requirementsArgument = "requirements"

// showRequirements prints the trace from each requirement to the blocks and rules that verify it, and their last verdicts.
func (s *session) showRequirements(format string) error {
	all, err := trace.Requirements(s.module, s.state, s.figuresOf)
	if err != nil {
		return err
	}
	if format == "json" {
		return writeJSON(s.app.out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(s.app.out, "The module states no requirements: problem blocks do.")
		return nil
	}
	for _, r := range all {
		s.printRequirement(r)
	}
	return nil
}

// figuresOf returns what is recorded of a stage's figures.
func (s *session) figuresOf(address string) (json.RawMessage, bool, error) {
	node, ok := s.state.Nodes[address]
	if !ok {
		return nil, false, nil
	}
	action, err := s.store.Action(node.Fingerprint)
	if errors.Is(err, store.ErrMissing) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return action.Figures, len(action.Figures) > 0, nil
}

func (s *session) printRequirement(r trace.Requirement) {
	w := s.app.out
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
