package view

import (
	"fmt"
	"time"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/watch"
)

// Watched tells in a line what a look at a deployment came to. at is when; zero where that is not told.
func (s *Screen) Watched(at time.Time, l watch.Look) {
	s.watchLine(at, render.Line(l.Deploy)+": "+watched(l))
}

// WatcherSays tells in a line what becomes of the watcher itself.
func (s *Screen) WatcherSays(at time.Time, text string) { s.watchLine(at, render.Line(text)) }

func (s *Screen) watchLine(at time.Time, text string) {
	if !at.IsZero() {
		text = at.UTC().Format(time.RFC3339) + "  " + text
	}
	fmt.Fprintln(s.Out, text)
}

// watched is what a look came to, in words.
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
