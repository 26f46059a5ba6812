package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Rollback is what is asked for: to make a release live again that was live before, or to let what is held since be released again.
type Rollback struct {
	Deploy string // address of the deployment
	To     int64  // a revision: what was live then comes back; 0: what was live before what is live now
	Lift   bool   // nothing comes back, and nothing is held any more
	By     string // who does it, by their own word
	Reason string // for the record; not empty
}

// RolledBack is what a rollback came to.
type RolledBack struct {
	Revision int64 // of the state with it
	Was, Now plan.ReleaseState
	Untold   error // who was not told of it; nil: nobody was left out
}

// Rollback records a rollback. Nothing runs, and the module's files are not needed: the stored model is live again as soon as the revision is
// written. It holds no lock, so that an apply which runs for days does not keep a bad model live: an apply that is about to
// release at the same deployment then stops, since the state has moved on.
//
// One revision records all of it. By example of deploy.scorer, whose revisions 3, 5 and 8 released the models a, b and c:
//
//	rollback               b is live again. c is held: no apply releases it. The approvals that were given for c are withdrawn.
//	rollback, once more    a is live. b is held as well as c.
//	rollback --to 5        of b, which is held: refused, with how to lift it
//	rollback of a canary   where d is a candidate beside a: a alone is live, and d is held.
//	--lift                 a stays live, and nothing is held. The gate waits for withdrawn approvals again; once it has them an apply
//	                       releases c.
//
// Who may is said by the gate (rollback { from = … }), and what must hold for what comes back as well (rules = …): these are decided on the
// figures of the decision by which it was released, with the limits of today.
func (s *Session) Rollback(ctx context.Context, r Rollback) (*RolledBack, error) {
	switch {
	case strings.TrimSpace(r.Reason) == "":
		return nil, &Failure{Err: errors.New("a rollback needs a reason"), Hint: "It is recorded, and plans show it: --reason 'refunds are declined since Monday'."}
	case strings.TrimSpace(r.By) == "":
		return nil, &Failure{Err: errors.New("nobody is said to roll back"), Hint: "Name who does: --as alice."}
	case r.Lift && r.To != 0:
		return nil, &Failure{Err: errors.New("--lift brings nothing back, so that --to says nothing"), Hint: "Give one of the two."}
	}
	approvers, err := s.w.ReadApprovers()
	if err != nil {
		return nil, err
	}
	live, err := s.liveAt(r.Deploy)
	if err != nil {
		return nil, err
	}
	if up := s.State.Upstream; up != nil { // its log does not have what was live before
		return nil, &Failure{Err: fmt.Errorf("workspace %s goes by %s: nothing is rolled back in it", s.w.Name, up.Workspace),
			Hint: "Roll back where the release is live: mlp rollback --workspace " + up.Workspace + " " + render.ShellWord(r.Deploy) + ". Or apply other files here."}
	}
	policy, err := s.State.Gates[live.Gate].Policy.Rollback()
	if err != nil {
		return nil, err
	}
	if len(policy.From) > 0 && !approvers.May(r.By, policy.From) {
		return nil, mayNotRollBack(r.By, live.Gate, policy.From, approvers)
	}
	by := plan.Given{By: r.By, User: UserName(), Host: HostName(), Reason: r.Reason, At: s.w.Now()}
	events := []plan.Event{}
	next := live
	switch {
	case r.Lift:
		if next.Rollback, err = s.lifted(live, by); err != nil {
			return nil, err
		}
		events = s.undecided(live.Gate)
	case live.Rollout != nil && r.To != 0:
		return nil, &Failure{Err: fmt.Errorf("%s has a %s, and what is live before it would be replaced is to be asked for by itself", r.Deploy, live.Rollout.Strategy.Role),
			Hint: "First take the candidate away: " + s.w.Command("release abort "+render.ShellWord(r.Deploy)+" --reason '…'") + "."}
	case live.Rollout != nil:
		next, events = live.Abort(by), s.withdrawn(live.Rollout.Next)
	default:
		target, err := s.broughtBack(ctx, r, live, policy.Rules)
		if err != nil {
			return nil, err
		}
		next = live.RollBack(*target, by)
		events = s.withdrawn(live)
	}
	events = append(events, plan.Event{Key: "release/" + r.Deploy, Release: &next})
	after, err := s.Log.As(r.By, "").On(UserName(), HostName()).From(s.w.origin(ctx, os.Getenv)).Append(ctx, s.State, events)
	if err != nil {
		return nil, err
	}
	done := &RolledBack{Revision: after.Revision, Was: live, Now: after.Releases[r.Deploy]}
	done.Untold = s.Tell(ctx, s.rolledBack(r, done, by))
	return done, nil
}

// liveAt is what a deployment has live, where it can be rolled back.
// Only what is served can come back by itself: the model is in the store and is loaded.
func (s *Session) liveAt(deploy string) (plan.ReleaseState, error) {
	live, ok := s.State.Releases[deploy]
	switch {
	case !ok:
		hint := "Nothing is live in this workspace."
		if all := sortedKeys(s.State.Releases); len(all) > 0 {
			hint = "Live are " + strings.Join(all, ", ") + "."
		}
		return live, &Failure{Err: fmt.Errorf("%s has nothing live that could be rolled back", deploy), Hint: hint}
	case live.Type == "batch":
		return live, &Failure{Err: fmt.Errorf("%s is a batch deployment: what it made is a table, and another table takes a run", deploy),
			Hint: "Take the change back in the files and apply: results that are in the store do not run again."}
	}
	return live, nil
}

// mayNotRollBack names who may: the members of the groups that the gate asks, where the operator's file of approvers
// says who they are.
func mayNotRollBack(by, gate string, from []string, approvers plan.Approvers) error {
	f := &Failure{Err: fmt.Errorf("%s may not roll back what %s let pass: it is asked of %s", by, gate, strings.Join(from, ", ")), Hint: "--as is one of them."}
	if approvers != nil {
		f.Hint = "Who that is says the file of approvers: " + strings.Join(members(from, approvers), "; ") + "."
	}
	return f
}

// lifted is a rollback that holds nothing any more. What it held stays in the record, with who lifted it and why.
func (s *Session) lifted(live plan.ReleaseState, by plan.Given) (*plan.Rollback, error) {
	if live.Rollback == nil || live.Rollback.Lifted != nil {
		return nil, &Failure{Err: errors.New("nothing is held: what is live was not rolled back to, or that is lifted already"), Hint: "'mlp history ADDRESS' lists what was live when."}
	}
	lifted := *live.Rollback
	lifted.Lifted = &by
	return &lifted, nil
}

// undecided makes a gate wait for approvals that were withdrawn, so that they can be given again.
// The gate keeps the subject that it decided on; without this it would stay passed on approvals that nobody stands by
// any more.
func (s *Session) undecided(gate string) []plan.Event {
	g, ok := s.State.Gates[gate]
	g.Approvals = slices.Clone(g.Approvals)
	waits := false
	for i, a := range g.Approvals {
		if given := s.State.Approvals[gate+"/"+a.Name]; a.Needed == plan.Pass && given.Subject != g.Subject {
			g.Approvals[i].GivenBy, g.Approvals[i].Given, waits = "", nil, true
		}
	}
	if !ok || !waits || g.Verdict != plan.Pass {
		return nil
	}
	g.Verdict = plan.Open
	return []plan.Event{{Key: "gate/" + gate, Gate: &g}}
}

// withdrawn removes the approvals that were given for what is rolled back. Lifted, it has to be let pass anew.
func (s *Session) withdrawn(live plan.ReleaseState) []plan.Event {
	var out []plan.Event
	for _, key := range sortedKeys(s.State.Approvals) {
		if a := s.State.Approvals[key]; a.Gate == live.Gate && live.Subject != "" && a.Subject == live.Subject {
			out = append(out, plan.Event{Key: "approval/" + key, Removed: true})
		}
	}
	return out
}

// broughtBack is the release that is to be live again, with its number, once all holds that a rollback needs: it was live here, was not
// rolled back itself, satisfies the rules that the gate names for it, and its objects are in the store.
func (s *Session) broughtBack(ctx context.Context, r Rollback, live plan.ReleaseState, rules []string) (*plan.ReleaseState, error) {
	history, err := s.Log.History(ctx)
	if err != nil {
		return nil, err
	}
	target, err := s.target(history, r, live)
	if err != nil {
		return nil, err
	}
	if err := s.holdsFor(history, live.Gate, target, rules); err != nil {
		return nil, err
	}
	if err := s.Store.Verify(ctx, target.Model); err != nil {
		if object, missing := store.IsMissing(err); missing {
			return nil, &Failure{Err: fmt.Errorf("the model of revision %d, %s, is not whole in the store: %s is gone", target.Revision, target.Model.Short(), object),
				Hint: fmt.Sprintf("Nothing was changed. Restore it from a copy of the store, name another revision (%s lists them), or take the change back in the files and apply.", s.w.Command("history "+render.ShellWord(r.Deploy)))}
		}
		return nil, err
	}
	return target, nil
}

// target finds what is to come back.
// Without a revision it is the last that was live before what is live now, leaving out models that are held since an
// earlier rollback.
func (s *Session) target(history []*state.Revision, r Rollback, live plan.ReleaseState) (*plan.ReleaseState, error) {
	past := releasesOf(history, r.Deploy)
	list := s.w.Command("history " + render.ShellWord(r.Deploy))
	if r.To == 0 {
		for _, p := range slices.Backward(past) {
			if !same(p, live) && live.Holds(p.Candidate(), p.Config) == nil {
				return &p, nil
			}
		}
		return nil, &Failure{Err: fmt.Errorf("%s had nothing else live before that could come back", r.Deploy), Hint: list + " lists what was live when."}
	}
	var then *plan.ReleaseState
	for _, p := range past {
		if p.Revision <= r.To {
			then = &p
		}
	}
	switch {
	case r.To < 0 || r.To > s.State.Revision:
		return nil, &Failure{Err: fmt.Errorf("there is no revision %d: the state has %d", r.To, s.State.Revision), Hint: list + " lists those of " + r.Deploy + "."}
	case then == nil:
		return nil, &Failure{Err: fmt.Errorf("%s had nothing live in revision %d", r.Deploy, r.To), Hint: list + " lists what was live when."}
	case same(*then, live):
		return nil, &Failure{Err: fmt.Errorf("what %s had live in revision %d is live now", r.Deploy, r.To), Hint: list + " lists what was live when."}
	case live.Holds(then.Candidate(), then.Config) != nil:
		return nil, &Failure{Err: fmt.Errorf("what %s had live in revision %d was rolled back, and is held", r.Deploy, r.To),
			Hint: "To have it let pass by its gate again: " + s.w.Command("rollback "+render.ShellWord(r.Deploy)+" --lift --reason '…'") + ", then apply."}
	}
	return then, nil
}

// same reports whether two releases answer alike: the same model, under the same configuration of the deployment.
func same(a, b plan.ReleaseState) bool {
	x, errX := plan.Canonical(a.Config)
	y, errY := plan.Canonical(b.Config)
	return a.Candidate() == b.Candidate() && errX == nil && errY == nil && string(x) == string(y)
}

// releasesOf are what a deployment had live, the oldest first, under the addresses that it had. A move is a revision that removes the release under
// the former address and writes it under the new one with the number that it had, by which both are known to be one.
func releasesOf(history []*state.Revision, deploy string) []plan.ReleaseState {
	lines := map[string][]plan.ReleaseState{}
	for _, r := range history {
		moved := map[int64]string{} // by the number of the release
		for _, e := range r.Events {
			if name, is := strings.CutPrefix(e.Key, "release/"); is && e.Removed && len(lines[name]) > 0 {
				moved[lines[name][len(lines[name])-1].Revision] = name
			}
		}
		for _, e := range r.Events {
			name, is := strings.CutPrefix(e.Key, "release/")
			if !is || e.Release == nil {
				continue
			}
			if from, is := moved[e.Release.Revision]; is {
				lines[name] = lines[from]
				delete(lines, from)
			}
			lines[name] = append(lines[name], *e.Release)
		}
	}
	return lines[deploy]
}

// holdsFor decides the rules that the gate names for rollbacks on the figures that its decision about the former release read. A rule that
// reads something else, or fails, refuses the rollback.
func (s *Session) holdsFor(history []*state.Revision, gate string, target *plan.ReleaseState, rules []string) error {
	if len(rules) == 0 {
		return nil
	}
	var read []plan.Rule
	if decided := gateOf(history, *target); decided != nil {
		read = decided.Rules
	}
	policy := s.State.Gates[gate].Policy
	verdicts, err := decideOn(policy, rules, read)
	if err != nil {
		return fmt.Errorf("deciding what %s asks of a rollback: %w", gate, err)
	}
	for i, name := range rules {
		if v := verdicts[i]; v.Verdict != plan.Pass {
			why := v.Reason
			if why == "" {
				why = "it does not hold"
			}
			for _, x := range v.Values {
				why += fmt.Sprintf("; %s = %s", x.Path, x.Value)
			}
			return &Failure{Err: fmt.Errorf("%s asks that the rule %q holds for what is brought back, and of revision %d: %s", gate, name, target.Revision, why),
				Hint: "Nothing was changed. Name another revision with --to, or change the gate's rollback block and apply."}
		}
	}
	return nil
}

// members are those of the groups that are asked, "risk-officers: alice, bob"; of a name that is no group the name.
func members(from []string, approvers plan.Approvers) []string {
	var out []string
	for _, name := range from {
		switch all, group := approvers[name]; {
		case group:
			out = append(out, name+": "+strings.Join(all, ", "))
		case !approvers.May(name, []string{name}):
			out = append(out, name+" is in no group")
		default:
			out = append(out, name)
		}
	}
	return out
}

// textOf is a policy's value that is a text; "" of one that is not there.
func textOf(p plan.Policy, path string) string {
	var s string
	_ = json.Unmarshal(p[path], &s) // what is no text is no condition
	return s
}
