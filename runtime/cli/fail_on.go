package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// failOn is a word that --fail-on takes, and whether it holds of a plan. In documentation and errors the words stand in
// the order of failOns.
type failOn struct {
	word  string
	holds func(review.Counts) bool
}

// failOns are in the order in which help and errors list them; stopped names the first that holds.
var failOns = []failOn{
	{"gate", func(c review.Counts) bool { return c.GatesFailed > 0 }},
	{"check", func(c review.Counts) bool { return c.ChecksFailed > 0 }},
	{"policy", func(c review.Counts) bool { return c.Weaker > 0 }},
	{"release", func(c review.Counts) bool { return c.Releases+c.Removals > 0 }},
	{"remove", func(c review.Counts) bool { return c.Remove+c.Removals+c.GatesGone > 0 }},
	{"breaking", func(c review.Counts) bool { return c.Breaking > 0 }},
	{"warn", func(c review.Counts) bool { return c.Warned > 0 }},
	{"drift", func(c review.Counts) bool { return c.Drifted > 0 }},
}

// failOnWords lists what --fail-on takes, for its help and for the message about a word that is none.
func failOnWords() string {
	words := make([]string, len(failOns))
	for i, f := range failOns {
		words[i] = f.word
	}
	return strings.Join(words, ", ")
}

// failOnFlag adds --fail-on, which may be repeated, or have several words with commas. what begins its help: "exit with
// 3 on any of these".
func failOnFlag(cmd *cobra.Command, into *[]string, what string) {
	cmd.Flags().StringSliceVar(into, "fail-on", nil, what+": "+failOnWords())
}

// checkFailOn refuses a word that is not known. "--fail-on gates" would else never fail, and a release be let through.
func checkFailOn(all []string) error {
	for _, what := range all {
		if !slices.ContainsFunc(failOns, func(f failOn) bool { return f.word == what }) {
			return &failure{err: fmt.Errorf("--fail-on %s is not known", what), hint: "Use " + failOnWords() + "."}
		}
	}
	return nil
}

// failsOn reports whether any of the words holds of a plan. Words are known ones (checkFailOn).
func failsOn(c review.Counts, words []string) bool {
	return slices.ContainsFunc(failOns, func(f failOn) bool { return slices.Contains(words, f.word) && f.holds(c) })
}

// before are the words that an apply looks at before it does anything: the plan shows what they are about. The others,
// such as "drift", are only known when stages have run, and are looked for in the result (foundBad).
var before = []string{"policy", "release", "remove", "breaking"}

// stopped is the error of an apply that does nothing, since the plan shows what was named; nil if none of before holds.
func stopped(p *plan.Plan, words []string) error {
	c := review.Count(p)
	for _, f := range failOns {
		if slices.Contains(words, f.word) && slices.Contains(before, f.word) && f.holds(c) {
			return &failure{code: exitGate, err: fmt.Errorf("nothing was done: --fail-on %s holds of the plan", f.word), hint: "Have the plan reviewed, and apply without it."}
		}
	}
	return nil
}

// foundBad reports whether warnings or drift that --fail-on names turned up in an apply. Failed checks and gates are
// not looked at: their exit code is the same anyway.
func foundBad(r *engine.Result, words []string) bool {
	return slices.ContainsFunc(workspace.AmissIn(r), func(x workspace.Amiss) bool {
		return x.Severity == plan.DriftFinding && slices.Contains(words, "drift") || x.Severity == plan.WarnFinding && slices.Contains(words, "warn")
	})
}
