package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/watch"
)

// Watched tells what a round came to, a line for each block. at is when; zero where that is not told.
func (s *Screen) Watched(at time.Time, r *watch.Round) {
	for _, l := range r.Canaries {
		s.watchLine(at, render.Line(l.Deploy)+": "+watched(l))
	}
	for _, m := range r.Monitors {
		s.watchLine(at, render.Line(m.Address)+": "+Monitored(m))
	}
	for _, t := range r.Retrainings {
		s.watchLine(at, render.Line(t.Address)+": "+retrained(t))
	}
}

// WatcherSays tells in a line what becomes of the watcher itself.
func (s *Screen) WatcherSays(at time.Time, text string) { s.watchLine(at, render.Line(text)) }

func (s *Screen) watchLine(at time.Time, text string) {
	if !at.IsZero() {
		text = at.UTC().Format(time.RFC3339) + "  " + text
	}
	fmt.Fprintln(s.Out, text)
}

// watched is what a look at a canary came to, in words.
func watched(l watch.Look) string {
	switch {
	case l.Err != nil:
		return "failed: " + render.Line(l.Err.Error())
	case l.Paused != nil:
		return "paused by " + review.GivenText(*l.Paused)
	}
	before := l.Seen.Release.Rollout
	name := render.Line(before.Next.From) + " " + render.Line(before.Next.Model.Short())
	why := render.Line(l.Seen.Decision.Why)
	if l.Moved == nil {
		would := map[decide.StepMove]string{decide.HoldCanary: "stays a", decide.PromoteCanary: "would go on from", decide.AbortCanary: "would be taken away, a"}[l.Move()]
		return fmt.Sprintf("%s %s %s: %s", name, would, review.Rollout(before), why)
	}
	switch now := l.Moved.Now.Rollout; {
	case now != nil:
		return fmt.Sprintf("%s is a %s: %s", name, review.Rollout(now), why)
	case l.Move() == decide.AbortCanary:
		return fmt.Sprintf("%s is taken away and held; %s %s is live alone (revision %d): %s", name, render.Line(l.Moved.Now.From), render.Line(l.Moved.Now.Model.Short()), l.Moved.Revision, why)
	}
	return fmt.Sprintf("%s is live (revision %d): %s", name, l.Moved.Revision, why)
}

// Monitored is what became of a monitor, in words.
func Monitored(m watch.Monitored) string {
	slot := ""
	if !m.Slot.IsZero() {
		slot = " for " + m.Slot.Format(time.RFC3339) + ledger.Missed(m.Missed)
	}
	switch {
	case m.Err != nil:
		return "failed" + slot + ": " + render.Line(m.Err.Error())
	case !m.Due:
		return "next looked at " + m.Next.UTC().Format(time.RFC3339)
	case m.Looked == nil:
		return "would be looked at" + slot
	}
	text := "looked at" + slot
	if m.Same {
		text += ", data are as they were"
	}
	var found []string
	for _, f := range m.Looked.Findings {
		found = append(found, review.FindingText(f))
	}
	for _, c := range m.Looked.Checks {
		found = append(found, c+" failed")
	}
	if len(found) == 0 {
		return text + ": nothing moved"
	}
	return text + ": " + render.Line(strings.Join(found, "; "))
}

// retrained is what became of a retraining, in words.
func retrained(t watch.Retrained) string {
	why, holds := render.Line(strings.Join(t.Decision.Why, "; ")), render.Line(strings.Join(t.Decision.Holds, "; "))
	switch {
	case t.Err != nil && t.Did == nil:
		return "failed: " + render.Line(t.Err.Error())
	case t.Did != nil:
		text := "trained again, " + ledger.Outcome(t.Did)
		if t.Did.Outcome == plan.RetrainNothing {
			text = "nothing to do, " + ledger.Outcome(t.Did)
		}
		if t.Err != nil {
			text += " (" + render.Line(t.Err.Error()) + ")"
		}
		return text + " (" + why + ")"
	case t.Decision.Verdict == decide.RetrainHeld:
		return "held: " + holds + " (" + why + ")"
	case t.Decision.Verdict == decide.RetrainNotDue:
		return "not due: " + why
	case t.Nothing:
		return "nothing would be done, data are as they were (" + why + ")"
	}
	return fmt.Sprintf("would be trained again, once its checks pass: %d %s (%s)", len(t.Would), render.Plural(len(t.Would), "stage runs or may run", "stages run or may run"), why)
}
