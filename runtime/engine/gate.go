package engine

// How a gate is decided.
//
//  1. Rules are decided on the figures of stages that have ended. A rule on a figure that is missing or undefined is an error, and
//     fails the gate as a rule does that does not hold.
//  2. An approval is needed where its condition holds or cannot be decided, and none where all models behind the gate are live
//     already: there is nothing to let pass.
//  3. The subject is made: the digest of the gate's definition, the values that its rules saw, and the candidates.
//  4. An approval counts if it was given for this subject, by somebody who may give it.
//
// The gate fails if a rule does, waits while an approval is missing, and passes otherwise. For example, gate.release asks for
// recall >= 0.8 and, when recall < 0.9, for the approval "risk". With a recall of 0.85 it waits, and is recorded as open under
// its subject. Once "risk" is given for that subject, the next run takes the recorded decision and passes. A model that was trained
// again has another subject, even with the same recall, and waits for an approval of its own.

import (
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
)

// doGate decides a gate. Where the plan found that the gate's decision is recorded for the same subject (Cached), it takes that, and asks
// again only for the approvals, since those may have been given meanwhile.
// Otherwise the rules are decided on the figures of this run. A gate that fails or waits is no error of the run: what is behind it is
// blocked, all else goes on.
func (r *run) doGate(u *unit, was before) *outcome {
	if was.gate != nil && u.gate.Cached {
		before := *was.gate
		if before.Definition != u.gate.Definition { // it asks for the same under other addresses
			before.Definition, before.Rules = u.gate.Definition, u.gate.Rules.Rules
		}
		var err error
		if before.Policy, err = u.gate.Policy(); err != nil {
			return &outcome{gate: &GateResult{Address: u.address, Status: GateNotReached}, fatal: fmt.Errorf("deciding %s: %w", u.address, err)}
		}
		before.Meta = u.gate.Meta
		return r.gateOutcome(u, was, before, true)
	}
	if err := checkChampion(u.gate, r.State, r.Plan); err != nil {
		return &outcome{gate: &GateResult{Address: u.address, Status: GateNotReached}, fatal: err}
	}
	decided, err := r.decideGate(u.gate, was.live)
	if err != nil {
		return &outcome{gate: &GateResult{Address: u.address, Status: GateNotReached}, fatal: fmt.Errorf("deciding %s: %w", u.address, err)}
	}
	return r.gateOutcome(u, was, decided, false)
}

// StaleError ends a run whose plan rests on something that is different now, such as the model that is live. Why says what, as a
// sentence without its end.
type StaleError struct{ Why string }

func (e *StaleError) Error() string { return e.Why + "; plan again" }

// checkChampion makes sure that the champion that the plan compares with is what was released when the run began.
// A run of the same plan that was not finished may have released its own already.
func checkChampion(g *plan.Gate, st *plan.State, p *plan.Plan) error {
	c := g.Champion
	if c == nil {
		return nil
	}
	now, exists := st.Releases[c.Deploy]
	if exists && p.ID != "" && now.Plan == p.ID {
		return nil
	}
	if exists != c.Exists || (exists && now.Model != c.Model) {
		return &StaleError{fmt.Sprintf("%s compares with what %s has released, which is another model than when the plan was made", g.Address, c.Deploy)}
	}
	if exists && p.Comparable(g.Address, c.Deploy, &now) != c.Comparable {
		return &StaleError{fmt.Sprintf("%s: whether what %s has released can be compared with is not as the plan says", g.Address, c.Deploy)}
	}
	return nil
}

// decideGate decides a gate's rules and which approvals it needs: none while the models behind it are live, or held since they were rolled
// back.
// live has what each deployment behind the gate has live when the unit starts. The state that is returned has a subject: the digest
// of the definition, of the values that the rules saw, and of the candidates.
func (r *run) decideGate(g *plan.Gate, live map[string]plan.ReleaseState) (plan.GateState, error) {
	d, err := decide.New(&g.Rules, r.figuresOf)
	if err != nil {
		return plan.GateState{}, err
	}
	res, err := d.Final(&g.Rules)
	if err != nil {
		return plan.GateState{}, err
	}
	gs := plan.GateState{Definition: g.Definition, Verdict: res.Verdict, Rules: res.Rules, Meta: g.Meta}
	if gs.Policy, err = g.Policy(); err != nil {
		return gs, err
	}
	if g.Champion != nil {
		gs.Champion = g.Champion.Model
	}
	models, settled := map[string]plan.Digest{}, len(r.graph.guarded[g.Address]) > 0
	for _, rel := range r.graph.guarded[g.Address] {
		if gs.Model, err = r.inputDigest(rel.Model); err != nil {
			return gs, fmt.Errorf("model of %s: %w", rel.Address, err)
		}
		models[rel.Address] = plan.Candidate(gs.Model, r.scoring(rel))
		if err := plan.Explores(models, rel.Address, rel.Config); err != nil {
			return gs, err
		}
		now := live[rel.Address]
		settled = settled && (now.Has(models[rel.Address], rel.Config) || now.Holds(models[rel.Address], rel.Config) != nil)
	}
	for _, a := range g.Approvals {
		a, err := decideApproval(d, a)
		if err != nil {
			return gs, err
		}
		if settled || r.Plan.Sample != nil {
			a.Needed = plan.Fail // there is nothing to let pass
		}
		gs.Approvals = append(gs.Approvals, a)
	}
	gs.Subject, err = plan.GateSubject(g.Definition, d.Values, models)
	return gs, err
}

// decideApproval decides whether an approval is needed. One whose condition cannot be decided is.
// For example when = "evaluate.holdout.metrics.auc < 0.9": with an auc of 0.93 nobody need approve, with one that is undefined
// somebody must.
func decideApproval(d *decide.Decider, a plan.Approval) (plan.Approval, error) {
	a.Needed, a.GivenBy, a.Given = plan.Pass, "", nil
	if a.When == "" {
		return a, nil
	}
	decision, err := d.Condition(a.When, a.Range)
	if plan.RuleVerdict(decision.Verdict) == plan.Fail {
		a.Needed = plan.Fail
	}
	return a, err
}

// gateOutcome looks up which approvals are given and returns what the gate came to. An approval counts only if its subject is the
// gate's and its giver may give it: one that was given for auc 0.91 does not count when the gate reads 0.89. What is recorded of
// a gate that waits is the verdict open, which a later run with the approval turns into pass.
func (r *run) gateOutcome(u *unit, was before, gs plan.GateState, cached bool) *outcome {
	res := GateResult{Address: u.address, Status: GatePassed, Subject: gs.Subject, Rules: gs.Rules, Before: cached}
	gs.Approvals = slices.Clone(gs.Approvals)
	held := cached && slices.ContainsFunc(r.graph.guarded[u.address], func(rel *plan.Release) bool { return rel.Holds() != nil })
	for i, a := range gs.Approvals {
		given, ok := was.approvals[a.Name]
		switch {
		case held: // approvals were withdrawn, and there is nothing to let pass
		case a.Needed == plan.Fail:
			if ok && was.gate != nil && given.Subject == was.gate.Subject { // by whom what is live was let pass
				gs.Approvals[i].GivenBy, gs.Approvals[i].Given = given.By, given.Given()
			}
		case ok && given.Subject == gs.Subject && r.Approvers.May(given.By, a.From):
			gs.Approvals[i].GivenBy, gs.Approvals[i].Given = given.By, given.Given()
		default:
			gs.Approvals[i].GivenBy, gs.Approvals[i].Given = "", nil
			res.Missing = append(res.Missing, a.Name)
		}
	}
	res.Approvals = gs.Approvals
	switch {
	case gs.Verdict == plan.Fail || gs.Verdict == plan.RuleError:
		res.Status, res.Missing = GateFailed, nil
	case len(res.Missing) > 0:
		res.Status, gs.Verdict = GateWaits, plan.Open
	default:
		gs.Verdict = plan.Pass
	}
	o := &outcome{gate: &res, ok: true, passed: res.Status == GatePassed, tell: []Event{GateDecided{res, u.gate.Range}}}
	if was.gate == nil || !equal(was.gate, gs) {
		o.record = []plan.Event{{Key: u.id, Gate: &gs}}
	}
	return o
}
