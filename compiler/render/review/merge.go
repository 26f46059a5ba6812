package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// merge says what merging would run, in a plan of a workspace that goes by another one; nil of other plans. Stages that run here would run
// there, unless this workspace is applied before: results are found by fingerprint, whoever made them. Two sentences at most:
//
//	Merging into default would run these stages, unless workspace pr-17 is applied first.
//	Changed since workspace pr-17 was applied: source.cards (other files), train.model (defined otherwise).
//
// Of a plan on top of another one, in place of both:
//
//	Plan 3f2a1b would be applied before: 2 stages whose results it makes are as it has them (dataset.payments, train.model), and its gates are taken to pass.
//	On top of it nothing runs.
func merge(p *plan.Plan) []string {
	if p.Base.Ahead != nil {
		return onTop(p)
	}
	o := p.Base.Upstream
	if o == nil || len(p.Targets) > 0 { // a part says nothing of the rest
		return nil
	}
	into, here := render.Line(o.Workspace), render.Line(p.Workspace)
	c := Count(p)
	first := fmt.Sprintf("Merging into %s runs nothing: all results are recorded.", into)
	if n := c.Run + c.MayRun + c.Blocked; n > 0 {
		first = fmt.Sprintf("Merging into %s would run %s, unless workspace %s is applied first.", into, render.Plural(n, "this stage", "these stages"), here)
	}
	if len(p.Base.Outdated) == 0 {
		return []string{first}
	}
	all := make([]string, len(p.Base.Outdated))
	for i, x := range p.Base.Outdated {
		all[i] = fmt.Sprintf("%s (%s)", render.Line(x.Address), outdated(x.What))
	}
	if more := len(all) - mostListed; more > 0 {
		all = append(slices.Clip(all[:mostListed]), fmt.Sprintf("and %d more", more))
	}
	return []string{first, fmt.Sprintf("Changed since workspace %s was applied: %s.", here, strings.Join(all, ", "))}
}

// onTop says what a plan on top of another one rests on, and what it runs itself.
func onTop(p *plan.Plan) []string {
	on, c := p.Base.Ahead, Count(p)
	first := fmt.Sprintf("Plan %s would be applied before", on.Plan.Short())
	if n := len(on.Made); n > 0 {
		first += fmt.Sprintf(": %d %s it makes %s as it has them (%s)", n, render.Plural(n, "stage whose result", "stages whose results"), render.Plural(n, "is", "are"), addresses(on.Made))
	}
	first += ", and its gates are taken to pass."
	second := "On top of it nothing runs."
	if n := c.Run + c.MayRun + c.Blocked; n > 0 {
		second = fmt.Sprintf("On top of it %s.", render.Plural(n, "one stage would run", fmt.Sprintf("%d stages would run", n)))
	}
	return []string{first, second}
}

// addresses names blocks, the first of many.
func addresses(all []string) string {
	names := make([]string, 0, mostListed+1)
	for i, a := range all {
		if i == mostListed {
			names = append(names, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		names = append(names, render.Line(a))
	}
	return strings.Join(names, ", ")
}

// outdated is what differs at a stage (plan.Outdated) in words: "input files" is "other files".
func outdated(what string) string {
	switch port, input := strings.CutPrefix(what, "input "); {
	case input:
		return "other " + render.Line(port)
	case what == "result":
		return "its result is no longer in the store"
	}
	return "defined otherwise"
}
