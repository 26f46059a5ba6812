package review

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// Summary is the plan in one line: "Plan: 1 to run, 2 may run, 5 cached. 1 gate open." It is the same in all forms, and
// what the title of a comment on a pull request is.
func Summary(p *plan.Plan) string {
	c := Count(p)
	if c.Nothing() {
		return fmt.Sprintf("Plan: nothing to do, %d cached.", c.Cached) + c.found()
	}
	// First the counts of stages, by verdict, then sentences on what a reviewer must not miss, in the order of their weight.
	// A count of 0 is not said.
	var parts []string
	say := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	say(c.Run, "to run")
	say(c.MayRun, "may run")
	say(c.Blocked, "blocked")
	say(c.Remove, "to remove")
	say(c.Added, "new with a known result")
	say(c.Accepted, "accepted")
	say(c.Moved, "moved")
	say(c.Policy, "with other policy")
	say(c.Metadata, "with other metadata")
	say(c.Cached, "cached")
	if len(parts) == 0 {
		parts = []string{"no stage to run"}
	}
	s := "Plan: " + strings.Join(parts, ", ") + "."
	sentence := func(n int, one, many string) {
		if n > 0 {
			s += fmt.Sprintf(" %d %s.", n, render.Plural(n, one, many))
		}
	}
	sentence(c.Weaker, "policy gets weaker", "policies get weaker")
	sentence(c.Breaking, "breaking change", "breaking changes")
	sentence(c.ChecksFailed, "check fails", "checks fail")
	sentence(c.GatesFailed, "gate fails", "gates fail")
	sentence(c.GatesPassed, "gate passes", "gates pass")
	sentence(c.GatesOpen, "gate open", "gates open")
	sentence(c.GatesGone, "gate would be removed", "gates would be removed")
	sentence(c.Hypotheses, "hypothesis to be tested", "hypotheses to be tested")
	sentence(c.Releases, "release would change", "releases would change")
	sentence(c.Writes, "destination would be written", "destinations would be written")
	sentence(c.Removals, "release would be removed", "releases would be removed")
	return s + c.found()
}

// found says what was found that stops nothing, as sentences with a blank before each; "" for nothing.
func (c Counts) found() string {
	s := ""
	if c.Warned > 0 {
		s += fmt.Sprintf(" %d %s.", c.Warned, render.Plural(c.Warned, "warning", "warnings"))
	}
	if c.Drifted > 0 {
		s += fmt.Sprintf(" %d drifted.", c.Drifted)
	}
	return s
}

// Counts of a plan. --fail-on and the exit code of a plan go by them, so that what a program is told and what a person
// reads cannot differ.
type Counts struct {
	Run, MayRun, Cached, Blocked, Remove int // stages, by verdict
	Metadata                             int // blocks of which something is described otherwise, and nothing else differs
	Added                                int // stages that are new and need not run
	Accepted                             int // nodes that take the result of another definition
	Moved                                int // addresses
	Breaking                             int // changes
	Policy                               int // blocks that are no gate and no deployment, and ask something else of others
	GatesGone                            int // that are recorded, and in the module no more
	Weaker                               int // changes by which something may pass that would not have before
	ChecksFailed                         int // on what is recorded
	Warned, Drifted                      int // of what is recorded: expectations and rules that only warn, and drift
	GatesOpen, GatesFailed, GatesPassed  int // those decided already are not counted
	Hypotheses                           int // of which another verdict is recorded, or none
	Releases, Removals                   int // deployments that would, or may, have another model; and those that would be gone
	Writes                               int // destinations of predictions that are, or may be, written
}

// Nothing reports whether an apply would do nothing at all: no run, no release, no decision of a gate and nothing to
// record. What is wrong with results that are recorded already (a failed check, drift) does not count. A field that is
// added to Counts counts as something to do, unless it is excepted here.
func (c Counts) Nothing() bool {
	c.Cached, c.ChecksFailed, c.Warned, c.Drifted = 0, 0, 0, 0
	return c == Counts{}
}

// Count counts what a plan would do.
// Each block is counted once, under what is most about it: gates and stages by their verdict, and only what is neither (the
// pipeline, a deployment) by what changed in it. A gate that passed before and is not decided anew (Cached) is in none.
func Count(p *plan.Plan) Counts {
	var c Counts
	stages, described := map[string]bool{}, map[string]bool{} // of gates and the pipeline, which have no verdict that says so
	asking, counted := map[string]bool{}, map[string]bool{}
	for _, g := range p.Gates {
		counted[g.Address] = true
	}
	for _, n := range p.Nodes { // removals are counted as such
		counted[n.Address] = n.Verdict == plan.Remove
	}
	for _, address := range p.GatesGone {
		counted[address] = true
	}
	c.GatesGone = len(p.GatesGone)
	for _, n := range p.Nodes {
		c.node(n.Verdict)
		stages[n.Address] = true
		if _, failed := check(n, bare); failed {
			c.ChecksFailed++
		}
	}
	for _, g := range p.Gates {
		switch {
		case g.Cached:
		case g.Verdict == plan.Fail || g.Verdict == plan.RuleError:
			c.GatesFailed++
		case g.Verdict == plan.Open:
			c.GatesOpen++
		default:
			c.GatesPassed++
		}
	}
	for _, h := range p.Hypotheses {
		if h.Replaces != h.Verdict {
			c.Hypotheses++
		}
	}
	for _, r := range p.Releases {
		switch r.Action {
		case plan.CreateRelease, plan.ChangeRelease, plan.MayRelease:
			c.Releases++
		case plan.RemoveRelease:
			c.Removals++
		}
	}
	for _, r := range p.Releases {
		for _, w := range r.Writes {
			if w.Action != plan.NoWrite {
				c.Writes++
			}
		}
	}
	for _, x := range p.Changes {
		if x.Cause.Weaker != "" {
			c.Weaker++
		}
		switch x.Category {
		case plan.MetadataChange:
			if x.Cause.Kind == plan.AddedCause {
				c.Added++
			} else if !stages[x.Address] {
				described[x.Address] = true
			}
		case plan.PolicyChange:
			if x.Cause.Kind == plan.PolicyCause && !counted[x.Address] {
				asking[x.Address] = true
			}
		case plan.Breaking:
			c.Breaking++
		case plan.MovedChange:
			c.Moved++
		}
	}
	for _, f := range Found(p) {
		if f.Severity == plan.DriftFinding {
			c.Drifted++
		} else {
			c.Warned++
		}
	}
	c.Metadata += len(described)
	for address := range asking {
		if !described[address] { // counted once
			c.Policy++
		}
	}
	return c
}

// node counts a stage by its verdict. Moved ones are counted by their changes, since gates and releases move too.
// A word of a later version is counted nowhere; its stage is listed as unknown.
func (c *Counts) node(v plan.Verdict) {
	switch v {
	case plan.Run:
		c.Run++
	case plan.MayRun:
		c.MayRun++
	case plan.Cached:
		c.Cached++
	case plan.Metadata:
		c.Metadata++
	case plan.Accepted:
		c.Accepted++
	case plan.Blocked:
		c.Blocked++
	case plan.Remove:
		c.Remove++
	}
}
