package render

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// HypothesisVerdict is the verdict on a hypothesis in words. One that is not known, as of a later version, is open and never more.
func HypothesisVerdict(v plan.HypothesisVerdict) plan.HypothesisVerdict {
	if v == plan.Supported || v == plan.Refuted {
		return v
	}
	return plan.Undecided
}

// HypothesisSign is that of a verdict, as rules have one: a claim that is refuted is not a failure of anything.
func HypothesisSign(v plan.HypothesisVerdict) (sign string, style Style) {
	switch v {
	case plan.Supported:
		return "✓", Green
	case plan.Refuted:
		return "✗", Yellow
	}
	return "?", Yellow
}

// mostShown is how many figures of a hypothesis are told.
const mostShown = 4

// HypothesisNote says what a verdict rests on: the intervals of the figures, and why it is open, or what it is to be read with.
//
//	evaluate.trees auc 0.905 to 0.931, evaluate.line auc 0.862 to 0.894
func HypothesisNote(t plan.Tested) string {
	var parts []string
	for i, x := range t.Intervals {
		if i == mostShown {
			parts = append(parts, fmt.Sprintf("and %d more", len(t.Intervals)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %.4g to %.4g", Line(strings.Replace(x.Path, ".metrics.", " ", 1)), x.Low, x.High))
	}
	note := strings.Join(parts, ", ")
	if t.Reason != "" {
		if note != "" {
			note += "; "
		}
		note += Line(t.Reason)
	}
	return note
}
