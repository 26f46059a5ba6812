package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
)

// failOn is a word that --fail-on takes, and whether it holds of a plan.
type failOn struct {
	word  string
	holds func(render.Counts) bool
}

var failOns = []failOn{
	{"gate", func(c render.Counts) bool { return c.GatesFailed > 0 }},
	{"policy", func(c render.Counts) bool { return c.Weaker > 0 }},
	{"release", func(c render.Counts) bool { return c.Releases+c.Removals > 0 }},
	{"remove", func(c render.Counts) bool { return c.Remove+c.Removals+c.GatesGone > 0 }},
	{"breaking", func(c render.Counts) bool { return c.Breaking > 0 }},
}

func failOnWords() string {
	words := make([]string, len(failOns))
	for i, f := range failOns {
		words[i] = f.word
	}
	return strings.Join(words, ", ")
}

func failOnFlag(cmd *cobra.Command, into *[]string, what string) {
	cmd.Flags().StringSliceVar(into, "fail-on", nil, what+": "+failOnWords())
}

func checkFailOn(all []string) error {
	for _, what := range all {
		if !slices.ContainsFunc(failOns, func(f failOn) bool { return f.word == what }) {
			return &failure{err: fmt.Errorf("--fail-on %s is not known", what), hint: "Use " + failOnWords() + "."}
		}
	}
	return nil
}

// failsOn tells whether any of the words holds of a plan.
func failsOn(c render.Counts, words []string) bool {
	return slices.ContainsFunc(failOns, func(f failOn) bool { return slices.Contains(words, f.word) && f.holds(c) })
}
