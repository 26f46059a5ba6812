package plan

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Rollout is a candidate that gets a share of the rows while another release is live. Each move of it is a revision of the state.
//
// An example: train.model 4adeb1 is live, and an apply releases 4eb1e9 by canary { steps = [5, 25] }. 4adeb1 stays live, with a rollout whose next
// release is 4eb1e9, at step 0. Promoted, it is at step 1; promoted again, 4eb1e9 is live, and there is no rollout. Aborted, 4adeb1
// is live and holds 4eb1e9, as after a rollback.
type Rollout struct {
	Next     ReleaseState    `json:"next"` // what takes over; its revision is that in which the rollout began
	Strategy schema.Strategy `json:"strategy"`
	Step     int             `json:"step"`             // of the strategy's, from 0
	Revision int64           `json:"revision"`         // since which it is at this step
	Moved    *Given          `json:"moved,omitempty"`  // who promoted it to this step; absent at the first
	Paused   *Given          `json:"paused,omitempty"` // who paused it: it is not promoted until it is resumed
}

// Share is how many percent of the rows the candidate gets: none at a step that there is not, as of a log that another version wrote.
func (r *Rollout) Share() float64 {
	if r.Step < 0 || r.Step >= len(r.Strategy.Steps) {
		return 0
	}
	return r.Strategy.Steps[r.Step]
}

// Newest is the release that was let pass last: the candidate of the rollout, or what is live where there is none.
func (s *ReleaseState) Newest() *ReleaseState {
	if s != nil && s.Rollout != nil {
		return &s.Rollout.Next
	}
	return s
}

// Has reports whether a candidate was let pass already, exploring as that configuration says: it is live, or on its way to be.
func (s *ReleaseState) Has(candidate Digest, config json.RawMessage) bool {
	is := func(r *ReleaseState) bool { return r.Candidate() == candidate && ExploresAlike(r.Config, config) }
	return s != nil && (is(s) || is(s.Newest()))
}

// Moved is the revision that last changed which model answers: that of the release, or of the rollout's step.
func (s *ReleaseState) Moved() int64 {
	if s.Rollout != nil {
		return s.Rollout.Revision
	}
	return s.Revision
}

// Release is what is recorded when a release is let pass over s, which is nil where nothing is live. It is live at once unless another model is, and
// there is a strategy; a rollout that there is ends. Revisions that are not known yet are 0.
func (s *ReleaseState) Release(next ReleaseState, strategy *schema.Strategy) ReleaseState {
	if s != nil {
		next.Written = s.Written
	}
	if s == nil || strategy == nil || s.Candidate() == next.Candidate() {
		return next
	}
	live := *s
	live.Rollout = &Rollout{Next: next, Strategy: *strategy}
	return live
}

// Numbered is s with the number of the revision that records it, wherever one is not known yet. What is moved to another address keeps its own.
func (s *ReleaseState) Numbered(revision int64) ReleaseState {
	out := *s
	out.Revision = cmp.Or(out.Revision, revision)
	out.Written = slices.Clone(s.Written)
	for i := range out.Written {
		out.Written[i].Revision = cmp.Or(out.Written[i].Revision, revision)
	}
	if r := s.Rollout; r != nil {
		moved := *r
		moved.Revision, moved.Next.Revision = cmp.Or(r.Revision, revision), cmp.Or(r.Next.Revision, revision)
		out.Rollout = &moved
	}
	return out
}

// PassedIn is the revision in which its gate let it pass.
func (s *ReleaseState) PassedIn() int64 {
	switch {
	case s.Passed > 0:
		return s.Passed
	case s.Rollback != nil:
		return s.Rollback.To
	}
	return s.Revision
}

// Withdraw is s without its rollout.
func (s *ReleaseState) Withdraw() ReleaseState {
	out := *s
	out.Rollout = nil
	return out
}

// Promote moves a rollout to its next step; from the last one, or where whole is set, the candidate goes live. s has a rollout.
func (s *ReleaseState) Promote(whole bool, by Given) ReleaseState {
	r := *s.Rollout
	if whole || r.Step+1 >= len(r.Strategy.Steps) {
		next := r.Next
		next.Passed, next.Promoted = next.Revision, &by
		next.Revision, next.Since, next.Traffic = 0, by.At, s.Traffic
		return next
	}
	r.Step, r.Moved, r.Revision = r.Step+1, &by, 0
	return s.with(r)
}

// Pause keeps a rollout at its step, and Resume lets it go on. s has a rollout.
func (s *ReleaseState) Pause(by Given) ReleaseState {
	r := *s.Rollout
	r.Paused = &by
	return s.with(r)
}

// Resume ends a pause.
func (s *ReleaseState) Resume() ReleaseState {
	r := *s.Rollout
	r.Paused = nil
	return s.with(r)
}

// with is s with another rollout.
func (s *ReleaseState) with(r Rollout) ReleaseState {
	out := *s
	out.Rollout = &r
	return out
}

// Abort takes the candidate of a rollout away, and holds it as a rollback holds what it replaced. s has a rollout.
func (s *ReleaseState) Abort(by Given) ReleaseState {
	next := &s.Rollout.Next
	held := Held{Model: next.Model, From: next.From, Candidate: next.Candidate(), Revision: next.Revision, Role: s.Rollout.Strategy.Role}
	out := s.Withdraw()
	r := &Rollback{Given: by, To: s.Revision, Held: []Held{held}}
	if before := s.Rollback; before != nil {
		r.To = before.To
		if before.Lifted == nil {
			r.Held = append(slices.Clone(before.Held), held)
		}
	}
	out.Rollback = r
	return out
}
