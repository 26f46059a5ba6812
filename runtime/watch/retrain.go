package watch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/notify"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// Retrained is what became of a retraining in a round.
type Retrained struct {
	Address  string
	Decision decide.RetrainDecision
	Would    []string         // stages that would run, in a dry run
	Nothing  bool             // data are as they were
	Did      *plan.Retraining // nil: nothing was begun
	Err      error
	skipped  bool // nothing that it goes by has changed since it was last asked
}

func (t *Retrained) state() string {
	if t.Err != nil {
		return t.Err.Error()
	}
	state := string(t.Decision.Verdict) + " " + strings.Join(t.Decision.Why, ";") + " " + strings.Join(t.Decision.Holds, ";")
	if t.Did != nil {
		state += " " + t.Did.At.String()
	}
	return state
}

// retrainingsOnce decides each retraining, and does it where it is due.
func retrainingsOnce(ctx context.Context, s *workspace.Session, o *Options) ([]Retrained, error) {
	var out []Retrained
	for _, at := range workspace.Retrainings(s.State) {
		r := &retraining{s: s, o: o, told: Retrained{Address: at}}
		if err := r.once(ctx); err != nil {
			return out, err
		}
		if !r.told.skipped {
			out = append(out, r.told)
		}
	}
	return out, nil
}

// retraining is one while it is decided.
type retraining struct {
	s    *workspace.Session
	o    *Options
	told Retrained

	look   decide.RetrainLook
	deploy string
	checks []string // that it requires, as recorded
}

// once decides by what is known without a plan, then by what a plan shows, then by what checks say of the new data; and begins where all of that lets it. The error is
// of the state.
func (r *retraining) once(ctx context.Context) error {
	if err := r.recorded(); err != nil {
		r.told.Err = err
		return nil
	}
	revision, asked := r.o.asked[r.told.Address]
	if asked && revision == r.s.State.Revision && r.look.Block.When != "" { // its condition reads what is recorded: only the time has changed
		r.look.When = nil
		if d, err := decide.Retrain(r.look); err == nil && d.Verdict == decide.RetrainNotDue {
			r.told.skipped = true
			return nil
		}
	}
	if before, ok := r.o.tried[r.told.Address]; ok && r.look.Watched.Held != nil && r.look.Now.Sub(before) < time.Minute {
		r.told.skipped = true // a plan is made to find out whether it is still held
		return nil
	}
	if r.o.tried != nil {
		r.o.tried[r.told.Address] = r.look.Now
	}
	if r.look.Block.When == "" {
		if !r.decide() || r.told.Decision.Verdict != decide.RetrainNow {
			return r.hold(ctx)
		}
	}
	s, err := r.o.Open(ctx)
	if err != nil {
		r.told.Err = err
		return nil
	}
	defer s.Close()
	if r.o.asked != nil {
		r.o.asked[r.told.Address] = r.s.State.Revision
	}
	s.Refresh, s.Look = true, true
	if r.look.When, r.look.Evidence, err = s.When(ctx, r.told.Address); err != nil {
		r.told.Err = err
		return nil
	}
	if !r.decide() || r.told.Decision.Verdict != decide.RetrainNow {
		return r.hold(ctx)
	}
	return r.planned(ctx, s)
}

// recorded reads what is recorded of it.
func (r *retraining) recorded() error {
	st, at := r.s.State, r.told.Address
	policy := st.Policies[at]
	data, err := json.Marshal(policy)
	if err == nil {
		err = json.Unmarshal(data, &r.look.Block)
	}
	var deploys []string
	if err == nil {
		err = json.Unmarshal(policy[schema.RetrainedDeploy], &deploys)
	}
	if err != nil || len(deploys) != 1 {
		return errors.Join(fmt.Errorf("what is recorded of %s cannot be read", at), err)
	}
	if text := policy["requires"]; text != nil {
		if err := json.Unmarshal(text, &r.checks); err != nil {
			return err
		}
	}
	r.deploy = deploys[0]
	r.look.Now, r.look.Watched = r.s.Now(), st.Watched[at]
	if live, ok := st.Releases[r.deploy]; ok {
		r.look.Release = &live
	}
	if n := len(r.look.Watched.Retrainings); n > 0 {
		switch r.look.Watched.Retrainings[n-1].Outcome {
		case plan.RetrainBegun:
			r.look.Interrupted = true
		case plan.RetrainWaits:
			r.look.Approved = r.look.Release != nil && approved(st, r.look.Release.Gate)
		}
	}
	return nil
}

// approved reports whether a gate that waited has all approvals that it asked for.
func approved(st *plan.State, gate string) bool {
	g, ok := st.Gates[gate]
	if !ok || g.Verdict != plan.Open {
		return false
	}
	for _, a := range g.Approvals {
		if a.Needed != plan.Fail && st.Approvals[gate+"/"+a.Name].Subject != g.Subject {
			return false
		}
	}
	return true
}

// decide decides by what is known; false where that failed.
func (r *retraining) decide() bool {
	r.told.Decision, r.told.Err = decide.Retrain(r.look)
	return r.told.Err == nil
}

// hold records why a retraining that is due is not begun, where that is new, and tells of it; or that none is held any more.
func (r *retraining) hold(ctx context.Context) error {
	d, w := r.told.Decision, r.look.Watched
	holds := d.Verdict == decide.RetrainHeld
	if r.o.DryRun || r.told.Err != nil || !holds && w.Held == nil || holds && w.Held != nil && slices.Equal(w.Held.Why, d.Holds) {
		return nil
	}
	w.Held = nil
	if holds {
		w.Held = &plan.Hold{At: r.look.Now, By: r.o.By, Why: d.Holds}
	}
	if err := r.record(ctx, w); err != nil || !holds {
		return err
	}
	return r.tell(ctx, "held", r.told.Address+" is held: "+r.deploy+" is not trained again", append(slices.Clone(d.Holds), d.Why...), "watch --once --dry-run")
}

// record writes what is known of it into the state.
func (r *retraining) record(ctx context.Context, w plan.WatchState) error {
	r.look.Watched = w
	err := r.s.Record(ctx, r.o.By, plan.Event{Key: "watch/" + r.told.Address, Watch: &w})
	if err == nil && r.o.asked != nil {
		r.o.asked[r.told.Address] = r.s.State.Revision
	}
	return err
}

// tell tells of it. That somebody could not be told is said, and undoes nothing.
func (r *retraining) tell(ctx context.Context, what, summary string, why []string, next ...string) error {
	for i := range next {
		next[i] = r.s.Command(next[i])
	}
	id := fmt.Sprint(r.told.Address, " ", what, " ", r.s.State.Revision)
	r.told.Err = r.s.Tell(ctx, notify.Event{ID: notify.ID(r.s.Pipeline, r.s.Workspace(), schema.RetrainEvent, id), Type: schema.RetrainEvent, Address: r.told.Address, Revision: r.s.State.Revision, By: r.o.By,
		Summary: summary, Why: why, Next: next})
	return nil
}

// planned goes on with a plan of what the deployments behind the gate rest on.
func (r *retraining) planned(ctx context.Context, s *workspace.Session) error {
	s.Part = workspace.Part{Targets: planner.BehindGate(s.Module, r.deploy), Looks: true}
	p, err := s.Plan(ctx, nil)
	if err != nil {
		r.told.Err = err
		return nil
	}
	if r.look.Differs, err = r.differs(ctx, s, p); err != nil {
		return err
	}
	var runs []string
	for _, n := range p.Nodes {
		if n.Verdict == plan.Run || n.Verdict == plan.MayRun {
			runs = append(runs, n.Address)
			r.look.Expected += time.Duration(p.Envelope.Durations[n.Address]) * time.Millisecond
		}
	}
	if !r.decide() || r.told.Decision.Verdict != decide.RetrainNow {
		return r.hold(ctx)
	}
	r.told.Would, r.told.Nothing = runs, review.Count(p).Nothing()
	if r.o.DryRun {
		return nil
	}
	if r.told.Nothing {
		return r.ended(ctx, r.begun(""), plan.RetrainNothing, nil)
	}
	if failing, err := r.check(ctx, s, p); err != nil || len(failing) > 0 {
		if err != nil {
			r.told.Err = err
			return nil
		}
		r.look.Failing = failing
		if err := r.s.Reload(ctx); err != nil {
			return err
		}
		r.decide()
		return r.hold(ctx)
	}
	return r.apply(ctx)
}

// differs is what the files say otherwise than what is live was made by, in words.
func (r *retraining) differs(ctx context.Context, s *workspace.Session, p *plan.Plan) ([]string, error) {
	out := planner.NotData(p)
	if part := p.Base.Partial; len(part) > 0 {
		out = append(out, "the last apply was of a part ("+strings.Join(part, ", ")+")")
	}
	var block schema.Retrain
	if b := s.Module.Blocks[r.told.Address]; b == nil {
		out = append(out, r.told.Address+" is gone")
	} else if err := json.Unmarshal(b.Policy, &block); err != nil || block != r.look.Block || !r.names(b) {
		out = append(out, r.told.Address)
	}
	if r.look.Release == nil || len(out) > 0 {
		return out, nil
	}
	// What was applied since and let pass by no gate is recorded, and is not what is live.
	made, err := s.Lineage(ctx, r.deploy)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, stage := range made.Stages { // of several results of a stage the first is that of what is live
		n := p.Node(stage.Address)
		if n == nil && !address.IsDerived(stage.Address) && !seen[stage.Address] && stage.Accepted == nil {
			out = append(out, stage.Address+", which what is live was made by, is gone")
		} else if n != nil && !seen[stage.Address] && stage.Definition != n.Definition && stage.Accepted == nil && n.Accepted == nil {
			out = append(out, stage.Address+" is otherwise than what is live was made by")
		}
		seen[stage.Address] = true
	}
	return out, nil
}

// names reports whether a block names the deployment and the checks that are recorded.
func (r *retraining) names(b *check.Block) bool {
	deploy, checks := check.Retrains(b.Block)
	slices.Sort(checks)
	return deploy == r.deploy && slices.Equal(slices.Compact(checks), r.checks)
}

// check runs the checks that it rests on and requires, and returns those that fail, in words.
func (r *retraining) check(ctx context.Context, s *workspace.Session, p *plan.Plan) ([]string, error) {
	targets := slices.Clone(r.checks)
	for _, n := range p.Nodes {
		if b := s.Module.Blocks[n.Address]; b != nil && b.TypeSpec.IsCheck() {
			targets = append(targets, n.Address)
		}
	}
	if len(targets) == 0 {
		return nil, nil
	}
	slices.Sort(targets)
	checking, err := r.o.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer checking.Close()
	targets = slices.Compact(targets)
	var made *plan.Plan
	result, err := r.o.apply(ctx, checking, workspace.Part{Targets: targets}, func(p *plan.Plan) error {
		made = p
		if other := planner.NotData(p); len(other) > 0 {
			return fmt.Errorf("the files say otherwise than what was applied: %s", strings.Join(other, ", "))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var failing []string
	if result == nil { // all are known
		for _, at := range targets {
			if c := checking.State.Nodes[at].Check; c != nil && c.Verdict != plan.Pass && made.Node(at) != nil {
				failing = append(failing, at+failingOf(made.Node(at).Findings, c.Rules))
			}
		}
		return failing, nil
	}
	for _, n := range result.Nodes {
		switch {
		case n.Failure != nil:
			failing = append(failing, n.Address+": "+n.Failure.Summary)
		case n.Check != nil && !n.Check.Passed:
			failing = append(failing, n.Address+failingOf(n.Findings, n.Check.Rules))
		}
	}
	if result.Interrupted {
		return nil, errors.New("it was interrupted")
	}
	return failing, nil
}

// failingOf says what a check found.
func failingOf(findings []plan.Finding, rules []plan.Rule) string {
	var found []string
	for _, f := range findings {
		if f.Severity == plan.FailFinding {
			found = append(found, review.FindingText(f))
		}
	}
	for _, r := range rules {
		if r.Severity != "warn" && r.Verdict != plan.Pass {
			found = append(found, review.WarnedText(r))
		}
	}
	if len(found) == 0 {
		return ""
	}
	return ": " + strings.Join(found, "; ")
}
