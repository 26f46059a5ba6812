package ledger

import (
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/trace"
)

// All lists what is recorded, a line a block; those of blocks that are in no file are marked.
func All(w io.Writer, title string, all []*Block, inFile func(address string) bool) error {
	p := &printer{}
	p.Line("%s", title)
	for _, x := range all {
		what := x.Fingerprint.Short()
		if x.Check != nil {
			what += "  " + string(x.Check.Verdict)
		}
		if x.Gate != nil {
			what = string(x.Gate.Verdict)
		}
		if x.Release != nil {
			what += fmt.Sprintf("  live: %s %s", x.Release.From, x.Release.Model.Short())
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
