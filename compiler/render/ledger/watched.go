package ledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// outcomes are what became of a retraining, in words.
var outcomes = map[plan.RetrainOutcome]string{
	plan.RetrainBegun: "begun", plan.RetrainReleased: "released", plan.RetrainRollout: "a candidate is on its way", plan.RetrainWaits: "waits for approval",
	plan.RetrainRefused: "the gate does not let it pass", plan.RetrainFailed: "failed", plan.RetrainSame: "the model is the one that is live", plan.RetrainNothing: "data are as they were, nothing ran",
}

// Outcome is what became of a retraining, with why: "the gate does not let it pass: catches fraud: …".
func Outcome(r *plan.Retraining) string {
	text := outcomes[r.Outcome]
	if text == "" { // of a later version
		text = render.Line(string(r.Outcome))
	}
	if len(r.Reasons) > 0 {
		text += ": " + render.Line(strings.Join(r.Reasons, "; "))
	}
	return text
}

// Watched is what was last done about a block, in a line.
func Watched(w *plan.WatchState) string {
	last := len(w.Retrainings) - 1
	switch {
	case w.Held != nil:
		return "held: " + render.Line(strings.Join(w.Held.Why, "; "))
	case last >= 0:
		r := &w.Retrainings[last]
		return fmt.Sprintf("retraining of %s by %s: %s (%s)", r.At.Format(time.RFC3339), render.Line(r.By), Outcome(r), render.Line(strings.Join(r.Why, "; ")))
	case w.Looked != nil && w.Looked.Failure != "":
		return fmt.Sprintf("was to be looked at for %s, and was not: %s", w.Slot.Format(time.RFC3339), render.Line(w.Looked.Failure))
	case w.Looked != nil:
		return fmt.Sprintf("was looked at for %s%s", w.Slot.Format(time.RFC3339), Missed(w.Missed))
	}
	return "is watched since " + w.Since.Format(time.RFC3339)
}

// Missed says how many times of a schedule were passed over; "" of none.
func Missed(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d %s before, %s made up for by this one)", n, render.Plural(n, "time was missed", "times were missed"), render.Plural(n, "which is", "which are"))
}
