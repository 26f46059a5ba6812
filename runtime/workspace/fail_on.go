package workspace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/engine"
)

// FailOn are words that say what of a plan or an apply is a failure to who asked: "gate", "drift". Plans and applies go by words that
// Check has found known.
type FailOn []string

// failOn is a word that is known, and whether it holds of a plan.
type failOn struct {
	word  string
	holds func(review.Counts) bool
	early bool // an apply looks before it does anything, since the plan shows what the word is about
}

// failOns are in the order in which help and errors list them; Stops names the first that holds. Those that are not early are known only
// when stages have run, and are looked for in the result (Found).
var failOns = []failOn{
	{"gate", func(c review.Counts) bool { return c.GatesFailed > 0 }, false},
	{"check", func(c review.Counts) bool { return c.ChecksFailed > 0 }, false},
	{"policy", func(c review.Counts) bool { return c.Weaker > 0 }, true},
	{"release", func(c review.Counts) bool { return c.Releases+c.Removals > 0 }, true},
	{"remove", func(c review.Counts) bool { return c.Remove+c.Removals+c.GatesGone > 0 }, true},
	{"breaking", func(c review.Counts) bool { return c.Breaking > 0 }, true},
	{"warn", func(c review.Counts) bool { return c.Warned > 0 }, false},
	{"drift", func(c review.Counts) bool { return c.Drifted > 0 }, false},
}

// FailOnWords lists the words that are known, "gate, check, …"; early: those that stop an apply before it does anything.
func FailOnWords(early bool) string {
	var words []string
	for _, f := range failOns {
		if f.early || !early {
			words = append(words, f.word)
		}
	}
	return strings.Join(words, ", ")
}

// Check refuses a word that is not known. "gates" for "gate" would else never fail, and a release be let through.
func (words FailOn) Check() error {
	for _, what := range words {
		if !slices.ContainsFunc(failOns, func(f failOn) bool { return f.word == what }) {
			return &Failure{Err: fmt.Errorf("--fail-on %s is not known", what), Hint: "Use " + FailOnWords(false) + "."}
		}
	}
	return nil
}

// Holds reports whether any of the words holds of a plan.
func (words FailOn) Holds(p *plan.Plan) bool {
	c := review.Count(p)
	return slices.ContainsFunc(failOns, func(f failOn) bool { return slices.Contains(words, f.word) && f.holds(c) })
}

// Stops is the word for which an apply does nothing, since the plan shows what was named; "" if there is none.
func (words FailOn) Stops(p *plan.Plan) string {
	c := review.Count(p)
	for _, f := range failOns {
		if f.early && slices.Contains(words, f.word) && f.holds(c) {
			return f.word
		}
	}
	return ""
}

// Found reports whether warnings or drift that were named turned up in an apply. Failed checks and gates are not looked at: the exit code of
// an apply tells of them anyway.
func (words FailOn) Found(r *engine.Result) bool {
	return slices.ContainsFunc(AmissIn(r), func(x Amiss) bool {
		return x.Severity == plan.DriftFinding && slices.Contains(words, "drift") || x.Severity == plan.WarnFinding && slices.Contains(words, "warn")
	})
}
