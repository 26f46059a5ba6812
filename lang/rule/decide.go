package rule

import (
	"fmt"

	"github.com/google/cel-go/common/ast"
)

// Verdict is what is known of a rule. The values are those of plan.RuleVerdict, in the compiler, which this package
// must not import.
type Verdict string

const (
	Pass  Verdict = "pass"
	Fail  Verdict = "fail"
	Open  Verdict = "open"  // not all is known that it depends on; never green
	Error Verdict = "error" // a figure that it depends on is missing, undefined, NaN or infinite
)

// Decision is what came of deciding a rule. Residual is set for Open alone, Reason for Error alone, Values for all.
type Decision struct {
	Verdict Verdict
	// Residual is what is left of an open rule with the known values folded in: a rule that, once the rest is known,
	// gives the same verdict.
	Residual string
	// Values are the known scalar figures that were read, in that order, each once.
	Values []Seen
	// Reason names the figure and what is the matter with it, for Error.
	Reason string
}

// Seen is a figure that a rule read, by its dotted path ("evaluate.holdout.metrics.auc"), and its value: float64, bool or string.
type Seen struct {
	Path  string
	Value any
}

// Decide decides the rule as far as the values allow. A figure counts only where the outcome depends on it:
// `!champion.comparable || delta.auc.low > 0` passes without delta if comparable is false, on whichever side it stands.
// The same values give the same decision, to the letter. It never panics on values of other types than declared: those
// are reasons of an Error.
func (r *Rule) Decide(v Values) Decision {
	expr, err := r.expr()
	if err != nil {
		return Decision{Verdict: Error, Reason: "the rule cannot be read: " + err.Error()}
	}
	f := r.folder(&v)
	out := f.fold(expr, nil)
	d := Decision{Values: f.seen}
	switch {
	case f.steps > maxSteps:
		d.Verdict, d.Reason = Error, fmt.Sprintf("the rule takes more than %d steps", maxSteps)
	case out.state == failed:
		d.Verdict, d.Reason = Error, out.fault
	case out.state == open:
		d.Verdict, d.Residual = Open, r.residual(out.expr)
	case out.value == true:
		d.Verdict = Pass
	default:
		d.Verdict = Fail
	}
	return d
}

// folder is one for a single fold: steps and what was read are counted in it.
func (r *Rule) folder(v *Values) *folder {
	return &folder{root: r.root, values: v, factory: ast.NewExprFactory(), read: map[string]bool{}}
}
